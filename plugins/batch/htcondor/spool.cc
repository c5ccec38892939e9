#include "spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <functional>
#include <system_error>

#include "protocol/launch.h"

namespace apf::batch_htcondor {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kKeepMs = 7LL * 86400 * 1000;  // of a directory whose pilots were not all seen to end
constexpr std::int64_t kSweepMs = 600LL * 1000;
constexpr const char* kDescription = "submit.sub";

tl::unexpected<Error> failed(std::string_view what, const std::string& path, int error) {
  return fail(Kind::transient, "htcondor.spool", fmt::format("{}: {}", what, std::generic_category().message(error)),
              path, "nothing was submitted; see that the directory exists, is writable and has space");
}

bool change_owner(const std::string& path, const htcondor::Account& account) {
  return account.name.empty() || geteuid() != 0 || ::chown(path.c_str(), account.uid, account.gid) == 0;
}

// Parents get mode 0755 less the umask; the last one `mode` and, for root, the submitting account as its owner.
Status make_directory(const std::string& path, mode_t mode, const htcondor::Account& account) {
  if (::mkdir(path.c_str(), mode) == 0)
    return change_owner(path, account) ? Status{} : Status{failed("can't hand it over", path, errno)};
  if (errno == EEXIST) return {};
  if (errno != ENOENT) return failed("can't make it", path, errno);
  std::error_code error;
  fs::create_directories(fs::path(path).parent_path(), error);
  if (error) return failed("can't make its parents", path, error.value());
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return failed("can't make it", path, errno);
  return change_owner(path, account) ? Status{} : Status{failed("can't hand it over", path, errno)};
}

Status put(const std::string& path, std::string_view content, const htcondor::Account& account) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return failed("can't write", path, errno);
  bool ok = account.name.empty() || geteuid() != 0 || ::fchown(fd, account.uid, account.gid) == 0;
  while (ok && !content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    ok = n > 0;
    if (ok) content.remove_prefix(static_cast<std::size_t>(n));
  }
  const int error = errno;
  ::close(fd);
  if (!ok) return failed("can't write", path, error);
  return {};
}

// "<submission>.<n>" -> submission and n; n = 0 for other names.
std::pair<std::string, std::size_t> split_name(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  std::size_t n = 0;
  if (dot == std::string::npos) return {name, 0};
  const char* const end = name.data() + name.size();
  if (std::from_chars(name.data() + dot + 1, end, n).ptr != end) n = 0;
  return {name.substr(0, dot), n};
}

}  // namespace

std::string Spool::root(const FactoryIdentity& me) const {
  if (!configured_.empty()) return configured_;
  // The state directory is closed to other accounts; beside the log tree the submitting account gets along.
  if (!account_.name.empty() && geteuid() == 0) return me.log_dir + "-htcondor";
  return me.state_dir + "/htcondor";
}

Result<std::vector<std::string>> Spool::readable(const std::string& root, const std::vector<std::string>& files) const {
  if (account_.name.empty() || geteuid() != 0) return files;
  std::vector<std::string> out;
  if (auto ok = make_directory(root + "/input", 0700, account_); !ok) return fail(ok.error());
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    const std::string content(std::istreambuf_iterator<char>(in), {});
    if (!in) return failed("can't read this input file", file, errno);
    const std::string directory = fmt::format("{}/input/{:016x}", root, std::hash<std::string>{}(file));
    if (auto ok = make_directory(directory, 0700, account_); !ok) return fail(ok.error());
    out.push_back(directory + "/" + fs::path(file).filename().string());
    // replaced in one step: pilots that start now read either the old or the new one
    if (auto ok = put(out.back() + ".new", content, account_); !ok) return fail(ok.error());
    if (::rename((out.back() + ".new").c_str(), out.back().c_str()) != 0)
      return failed("can't replace", out.back(), errno);
  }
  return out;
}

Result<Spool::Prepared> Spool::prepare(const SubmitOrder& order) {
  const std::string top = root(*order.me);
  if (auto ok = make_directory(top, 0700, account_); !ok) return fail(ok.error());
  Prepared p;
  p.directory = fmt::format("{}/{}.{}", top, order.submission, order.n);
  p.key_file = p.directory + "/" + protocol::kReportKeyFile;
  p.description_file = p.directory + "/" + kDescription;
  if (auto ok = make_directory(p.directory, 0700, account_); !ok) return fail(ok.error());
  if (auto ok = put(p.key_file, order.report_key, account_); !ok) return fail(ok.error());
  auto files = readable(top, order.queue->input_files);
  if (!files) return fail(files.error());
  p.input_files = std::move(*files);
  const std::lock_guard lock(mutex_);
  open_[order.submission].n = static_cast<std::size_t>(order.n);
  return p;
}

Status Spool::write(const Prepared& prepared, const std::string& description, const std::string& log_dir) {
  if (auto ok = make_directory(log_dir, 0755, account_); !ok) return ok;
  return put(prepared.description_file, description, account_);
}

void Spool::forget(const SubmitOrder& order, const Prepared& prepared) {
  const std::lock_guard lock(mutex_);
  open_.erase(order.submission);
  std::error_code ignored;
  fs::remove_all(prepared.directory, ignored);
}

void Spool::saw(const FactoryIdentity& me, std::span<const PilotSeen> live, std::span<const PilotSeen> ended,
                Wall now) {
  const std::lock_guard lock(mutex_);
  const std::string top = root(me);
  if (!listed_) list(top);
  for (const auto& p : ended) {
    const auto found = open_.find(p.submission);
    if (found == open_.end()) continue;  // a repeat: cleaned up already
    Open& open = found->second;
    open.ended.insert(p.index);
    if (open.ended.size() < open.n) continue;
    std::error_code ignored;
    fs::remove_all(fmt::format("{}/{}.{}", top, p.submission, open.n), ignored);
    open_.erase(found);
  }
  if (now.ms - swept_.ms < kSweepMs) return;
  swept_ = now;
  std::set<std::string> alive;
  for (const auto& p : live) alive.insert(p.submission);
  sweep(top, alive, now);
}

void Spool::list(const std::string& root) {
  listed_ = true;
  std::error_code error;
  for (fs::directory_iterator it(root, error), end; !error && it != end; it.increment(error)) {
    const auto [submission, n] = split_name(it->path().filename().string());
    if (n > 0) open_.try_emplace(submission, Open{n, {}});
  }
}

void Spool::sweep(const std::string& root, const std::set<std::string>& live, Wall now) {
  for (auto it = open_.begin(); it != open_.end();) {
    const std::string directory = fmt::format("{}/{}.{}", root, it->first, it->second.n);
    struct stat info{};
    const bool there = ::stat(directory.c_str(), &info) == 0;
    const bool old = there && now.ms - std::int64_t{info.st_mtime} * 1000 > kKeepMs;
    if (there && (!old || live.contains(it->first))) {
      ++it;
      continue;
    }
    std::error_code ignored;
    fs::remove_all(directory, ignored);
    it = open_.erase(it);
  }
}

}  // namespace apf::batch_htcondor
