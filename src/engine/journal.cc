#include "engine/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "engine/journal_codec.h"
#include "engine/state_lock.h"

namespace apf::engine {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kPrefix = "decisions.", kSuffix = ".jsonl";
constexpr std::int64_t kFiles = 16;  // the size is shared by about so many files

// The number in "decisions.000012.jsonl"; 0: another file.
std::uint64_t number_of(const std::string& path) {
  const std::string file = fs::path(path).filename().string();
  if (!file.starts_with(kPrefix) || !file.ends_with(kSuffix)) return 0;
  std::uint64_t n = 0;
  for (const char c : file.substr(kPrefix.size(), file.size() - kPrefix.size() - kSuffix.size())) {
    if (c < '0' || c > '9' || n > 1'000'000'000) return 0;
    n = n * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return n;
}

// Whether the file ends within a line.
bool is_torn(int fd, std::int64_t size) {
  char last = '\n';
  return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

}  // namespace

std::vector<std::string> journal_files(const std::string& directory) {
  std::vector<std::string> files;
  std::error_code failed;
  for (fs::directory_iterator it(directory, failed), end; !failed && it != end; it.increment(failed))
    if (number_of(it->path().string()) > 0) files.push_back(it->path().string());
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return number_of(a) < number_of(b); });
  return files;
}

Journal::Journal(JournalOptions options) : options_(std::move(options)) {
  const auto files = journal_files(options_.directory);
  number_ = files.empty() ? 1 : number_of(files.back());
}

Journal::~Journal() {
  for (auto& [queue, last] : last_) count_line(queue, last);
  write(wall_now());
  if (fd_ >= 0) ::close(fd_);
}

std::string Journal::name(std::uint64_t number) const {
  return fmt::format("{}/{}{:06}{}", options_.directory, kPrefix, number, kSuffix);
}
std::string Journal::file() const { return name(number_); }

void Journal::config(std::shared_ptr<const core::Config> config, Wall now) {
  for (auto& [queue, last] : last_) count_line(queue, last);
  last_.clear();  // decisions under another configuration are new ones
  config_ = std::move(config);
  if (fd_ >= 0) put_config_line(pending_, *config_, now), ++pending_lines_;
  write(now);
}

void Journal::append(std::span<const core::Decision> decisions, Wall now) {
  for (const auto& d : decisions) add(d);
  write(now);
}

void Journal::flush(Wall now) {
  for (auto& [queue, last] : last_)
    if (last.repeats > 0 && now.ms - last.from.ms > options_.fold.count() / 1'000'000) count_line(queue, last);
  write(now);
}

void Journal::add(const core::Decision& d) {
  Last& last = last_[d.queue];
  const std::size_t hash = hash_of(d);
  if (d.n == 0 && last.hash == hash) {
    if (last.repeats++ == 0) last.from = d.at;
    last.at = d.at;
    return;
  }
  count_line(d.queue, last);
  last = {hash, 0, d.at, d.at};
  put_decision_line(pending_, d);
  ++pending_lines_;
}

void Journal::count_line(const std::string& queue, Last& last) {
  if (last.repeats == 0) return;
  fmt::format_to(std::back_inserter(pending_), R"({{"v":{},"k":"r","at":{},"q":)", kJournalVersion, last.at.ms);
  put_json_string(pending_, queue);
  fmt::format_to(std::back_inserter(pending_), ",\"from\":{},\"count\":{}}}\n", last.from.ms, last.repeats);
  ++pending_lines_;
  last.repeats = 0;
}

// Opens the current file and begins it with the configuration; false (and `trouble`) when that can't be.
bool Journal::open(Wall now) {
  if (fd_ >= 0) return true;
  if (auto made = make_directories(options_.directory, 0700); !made) {
    trouble_ = made.error().text();
    return false;
  }
  fd_ = ::open(file().c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  struct stat st{};
  if (fd_ < 0 || fstat(fd_, &st) != 0) {
    trouble_ = file() + ": " + std::error_code(errno, std::generic_category()).message();
    return false;
  }
  written_ = st.st_size;
  torn_ = is_torn(fd_, written_);
  if (config_) {
    std::string first;
    put_config_line(first, *config_, now);
    pending_.insert(0, first);
    ++pending_lines_;
  }
  return true;
}

void Journal::write(Wall now) {
  if (pending_.empty()) return;
  const std::int64_t lines = pending_lines_;
  if (!open(now)) return lose(lines, 0);
  std::string before;
  if (torn_) before = "\n";
  if (dropped_ > 0)
    before += fmt::format(R"({{"v":{},"k":"dropped","at":{},"count":{}}})"
                          "\n",
                          kJournalVersion, now.ms, dropped_);
  if (!before.empty()) pending_.insert(0, before);
  std::size_t done = 0;
  while (done < pending_.size()) {
    const ssize_t n = ::write(fd_, pending_.data() + done, pending_.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    done += static_cast<std::size_t>(n);
  }
  written_ += static_cast<std::int64_t>(done);
  if (done < pending_.size()) {
    torn_ = true;
    return lose(pending_lines_, errno);
  }
  torn_ = false;
  pending_.clear();
  pending_lines_ = 0;
  dropped_ = 0;
  trouble_.clear();
  rotate(now);
}

void Journal::lose(std::int64_t lines, int error) {
  dropped_ += lines;
  pending_.clear();
  pending_lines_ = 0;
  last_.clear();  // when it can be written again, every queue's decision comes in full
  if (error != 0) trouble_ = file() + ": " + std::error_code(error, std::generic_category()).message();
}

void Journal::rotate(Wall now) {
  if (written_ < std::max<std::int64_t>(options_.size / kFiles, 4096)) return;
  ::close(fd_);
  fd_ = -1;
  ++number_;
  clean(now);
}

// Deletes what is too old, and the oldest files until the rest fits.
void Journal::clean(Wall now) const {
  std::int64_t total = 0;
  auto files = journal_files(options_.directory);
  std::reverse(files.begin(), files.end());  // newest first
  for (const auto& path : files) {
    struct stat st{};
    if (stat(path.c_str(), &st) != 0) continue;
    total += st.st_size;
    const std::int64_t age_ms = now.ms - std::int64_t{st.st_mtim.tv_sec} * 1000;
    if (total > options_.size || age_ms > options_.age.count() / 1'000'000) unlink(path.c_str());
  }
}

}  // namespace apf::engine
