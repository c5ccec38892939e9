#include "spool.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <functional>

#include "files.h"
#include "flavour.h"

namespace apf::batch_htcondor {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kKeepMs = 7LL * 86400 * 1000;  // of files whose pilots were not all seen to end
constexpr std::int64_t kSweepMs = 600LL * 1000;
constexpr std::string_view kKey = ".key", kDescription = ".sub";

// Where an input file is copied to, under its own name.
std::string copy_of(const std::string& root, const std::string& file) {
  return fmt::format("{}/input/{:016x}/{}", root, std::hash<std::string>{}(file), fs::path(file).filename().string());
}

std::string stem(const std::string& root, const std::string& submission, std::size_t n) {
  return fmt::format("{}/{}.{}", root, submission, n);
}

void clear(const std::string& stem) {
  ::unlink(fmt::format("{}{}", stem, kDescription).c_str());
  std::error_code ignored;
  fs::remove_all(stem, ignored);
  ::unlink(fmt::format("{}{}", stem, kKey).c_str());  // last: it is what list() finds
}

// "<submission>.<n>.key" -> submission and n; n = 0 for other names.
std::pair<std::string, std::size_t> split_name(std::string name) {
  if (!name.ends_with(kKey)) return {name, 0};
  name.resize(name.size() - kKey.size());
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
  if (account_.foreign()) return me.log_dir + "-htcondor";
  return me.state_dir + "/htcondor";
}

Spool::Prepared Spool::places(const SubmitOrder& order) const {
  const std::string top = root(*order.me);
  Prepared p;
  p.directory = stem(top, order.submission, static_cast<std::size_t>(order.n));
  p.key_file = fmt::format("{}{}", p.directory, kKey);
  p.description_file = fmt::format("{}{}", p.directory, kDescription);
  p.input_files = order.queue->input_files;
  if (account_.foreign())
    for (auto& file : p.input_files) file = copy_of(top, file);
  return p;
}

Result<std::vector<std::string>> Spool::readable(const std::string& root, const std::vector<std::string>& files) const {
  if (!account_.foreign()) return files;
  std::vector<std::string> out;
  if (auto ok = make_directory(root + "/input", 0700, account_); !ok) return fail(ok.error());
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    const std::string content(std::istreambuf_iterator<char>(in), {});
    if (!in) return spool_failed("can't read this input file", file, errno);
    out.push_back(copy_of(root, file));
    if (auto ok = make_directory(fs::path(out.back()).parent_path(), 0700, account_); !ok) return fail(ok.error());
    if (auto ok = replace_file(out.back(), content, account_); !ok) return fail(ok.error());
  }
  return out;
}

Result<Spool::Prepared> Spool::prepare(const SubmitOrder& order) {
  const std::string top = root(*order.me);
  if (auto ok = make_directory(top, 0700, account_); !ok) return fail(ok.error());
  Prepared p = places(order);
  if (flavour_of(order.queue->submit) == Flavour::batch)
    if (auto ok = make_directory(p.directory, 0700, account_); !ok) return fail(ok.error());
  if (auto ok = write_file(p.key_file, order.report_key, account_); !ok) return fail(ok.error());
  auto files = readable(top, order.queue->input_files);
  if (!files) return fail(files.error());
  p.input_files = std::move(*files);
  const std::lock_guard lock(mutex_);
  open_[order.submission].n = static_cast<std::size_t>(order.n);
  return p;
}

Status Spool::write(const Prepared& prepared, const std::string& description, const std::string& log_dir) {
  if (auto ok = make_directory(log_dir, 0755, account_); !ok) return ok;
  return write_file(prepared.description_file, description, account_);
}

void Spool::forget(const SubmitOrder& order, const Prepared& prepared) {
  const std::lock_guard lock(mutex_);
  open_.erase(order.submission);
  clear(prepared.directory);
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
    clear(stem(top, p.submission, open.n));
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
    const std::string files = stem(root, it->first, it->second.n);
    struct stat info{};
    const bool there = ::stat(fmt::format("{}{}", files, kKey).c_str(), &info) == 0;
    const bool old = there && now.ms - std::int64_t{info.st_mtime} * 1000 > kKeepMs;
    if (there && (!old || live.contains(it->first))) {
      ++it;
      continue;
    }
    clear(files);
    it = open_.erase(it);
  }
}

}  // namespace apf::batch_htcondor
