#include "serve/data_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "apf/files.h"

namespace apf::serve {
namespace {

tl::unexpected<Error> bad_directory(const std::string& path, const char* what) {
  const std::string why = std::error_code(errno, std::generic_category()).message();
  return fail(Kind::config, "serve.bad_directory", std::string(what) + ": " + why, path);
}

}  // namespace

Result<DataDir> DataDir::open(const std::string& path, const std::string& program) {
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return bad_directory(path, "can't be made");
  DataDir dir;
  dir.path_ = path;
  dir.lock_ = ::open((path + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (dir.lock_ < 0) return bad_directory(path + "/lock", "can't be opened");
  if (flock(dir.lock_, LOCK_EX | LOCK_NB) != 0)
    return fail(Kind::config, "serve.in_use", "another " + program + " runs on this data directory", path,
                "stop it first, or use another directory");
  return dir;
}

Status DataDir::publish(const std::string& address) const {
  return replace_file(file("address"), address + "\n", 0644);
}

void DataDir::withdraw() const { unlink(file("address").c_str()); }

DataDir::DataDir(DataDir&& other) noexcept : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}
DataDir& DataDir::operator=(DataDir&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_, other.lock_);
  return *this;
}
DataDir::~DataDir() {
  if (lock_ >= 0) close(lock_);
}

}  // namespace apf::serve
