#include "wrapper/payload/scratch.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace apf::wrapper {
namespace {

namespace fs = std::filesystem;

std::string default_base() {
  for (const char* name : {"OSG_WN_TMP", "TMPDIR"})
    if (const char* value = std::getenv(name); value != nullptr && ::access(value, W_OK | X_OK) == 0) return value;
  return ".";
}

// Gives us back directories that a payload took its own rights from.
void open_up(const fs::path& directory) {
  std::error_code e;
  fs::permissions(directory, fs::perms::owner_all, fs::perm_options::add, e);
  for (const auto& entry : fs::directory_iterator(directory, e))
    if (entry.is_directory(e) && !entry.is_symlink(e)) open_up(entry.path());
}

}  // namespace

bool remove_tree(const std::string& directory) {
  std::error_code e;
  fs::remove_all(directory, e);
  if (!e) return true;
  open_up(directory);
  fs::remove_all(directory, e);
  return !e;
}

std::string Scratch::base_of(const std::string& base) { return base.empty() ? default_base() : base; }

Result<Scratch> Scratch::make(const std::string& base) {
  std::error_code e;
  const fs::path parent = fs::absolute(base_of(base), e);
  std::string name = (parent / "apf-XXXXXX").lexically_normal().string();
  if (e || ::mkdtemp(name.data()) == nullptr)
    return fail(Kind::transient, "wrapper.no_scratch",
                std::string("no scratch directory can be made: ") + (e ? e.message() : std::strerror(errno)), name,
                "free or repair the node's scratch disk, or set --wrapperscratch");
  return Scratch(name);
}

Scratch::~Scratch() {
  if (!path_.empty()) remove_tree(path_);
}

std::int64_t Scratch::free_mb() const {
  struct statvfs s{};
  if (::statvfs(path_.c_str(), &s) != 0) return 0;
  return static_cast<std::int64_t>(s.f_bavail) * static_cast<std::int64_t>(s.f_frsize) >> 20U;
}

Result<std::string> Scratch::job_directory(const std::string& name) const {
  std::string directory = path_ + "/" + name;
  if (::mkdir(directory.c_str(), 0700) != 0)
    return fail(Kind::transient, "wrapper.no_scratch", std::string("cannot make it: ") + std::strerror(errno),
                directory);
  return directory;
}

}  // namespace apf::wrapper
