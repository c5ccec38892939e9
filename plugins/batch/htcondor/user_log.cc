#include "user_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <string_view>

#include "files.h"
#include "htcondor/text.h"
#include "jobs.h"

namespace apf::batch_htcondor {
namespace {

constexpr const char* kFolder = "/events";
constexpr std::uint64_t kKept = std::uint64_t{16} << 20U;

tl::unexpected<Error> impossible(std::string what, const std::string& where) {
  return fail(Kind::config, "htcondor.user_log", std::move(what), where);
}

int give_back(int fd, std::uint64_t from, std::uint64_t bytes) {
  return ::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(from),
                     static_cast<off_t>(bytes));
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

std::string user_log_path(const std::string& root, const FactoryIdentity& me, const htcondor::Tools& tools) {
  // job ids are unique in one schedd only, and what one factory has read another one may not have
  return fmt::format("{}{}/{:016x}.xml", root, kFolder,
                     std::hash<std::string>{}(me.factory_id + '\n' + tools.target()));
}

Status writes_here(const htcondor::Tools& tools, Context& context) {
  if (tools.schedd().empty()) return {};
  const auto there = tools.query_pool("condor_status", {"-schedd", tools.schedd(), "-af", "Machine"}, context);
  if (!there) return fail(there.error());
  const auto here = tools.query_here("condor_config_val", {"FULL_HOSTNAME"}, context);
  if (!here) return fail(here.error());
  if (first_line(*there) == first_line(*here)) return {};
  return impossible(fmt::format("its pilots' own log would be written on {}, not on this machine", first_line(*there)),
                    tools.schedd());
}

Status prepare_user_log(const std::string& root, const std::string& path, const htcondor::Account& account) {
  for (const std::string& directory : {root, root + kFolder})
    if (auto ok = make_directory(directory, 0700, account); !ok) return ok;
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return spool_failed("can't make it", path, errno);
  const bool ours = !account.foreign() || ::fchown(fd, account.uid, account.gid) == 0;
  const int error = errno;
  struct stat info{};
  constexpr std::uint64_t kFar = std::uint64_t{1} << 30U;  // beyond the end: nothing is lost by trying
  const bool cannot = ::fstat(fd, &info) == 0 &&
                      give_back(fd, static_cast<std::uint64_t>(info.st_size) + kFar, 1) != 0 && errno == EOPNOTSUPP;
  ::close(fd);
  if (!ours) return spool_failed("can't hand it over", path, error);
  if (cannot) return impossible("its file system can't give back what was read of the pilots' own log", path);
  return {};
}

Result<std::int64_t> pilots_without(const std::string& path, const FactoryIdentity& me, const htcondor::Tools& tools,
                                    Context& context) {
  const auto mine = of_factory(me);
  if (!mine) return fail(mine.error());
  const auto log = htcondor::constraint_string(path, "the path of the pilots' log");
  if (!log) return fail(log.error());
  return count_jobs(tools, fmt::format("{} && JobStatus != 3 && JobStatus != 4 && UserLog =!= {}", *mine, *log),
                    context);
}

void Trimmer::trim(const std::string& path, std::uint64_t place) {
  if (place < trimmed_ + 2 * kKept) return;
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return;
  if (give_back(fd, 0, place - kKept) == 0) trimmed_ = place - kKept;
  ::close(fd);
}

}  // namespace apf::batch_htcondor
