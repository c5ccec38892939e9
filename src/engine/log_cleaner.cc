#include "engine/log_cleaner.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <system_error>
#include <vector>

namespace apf::engine {
namespace fs = std::filesystem;
namespace {

struct LogFile {
  std::string path;
  std::int64_t bytes = 0, modified_ms = 0;
};

bool is_day(const std::string& name) {
  if (name.size() != 10 || name[4] != '-' || name[7] != '-') return false;
  return std::count_if(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; }) == 8;
}

// Whether a live pilot's id, or its cluster's, is what the name begins with.
bool is_of_live(const std::unordered_set<std::string>& live, const std::string& name) {
  for (auto dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1))
    if (live.contains(name.substr(0, dot))) return true;
  return live.contains(name);
}

// Calls `entry` for each entry of a directory; one that vanishes meanwhile is no trouble.
template <class Entry>
void each_entry(const std::string& directory, Entry entry) {
  std::error_code failed;
  for (fs::directory_iterator it(directory, failed), end; !failed && it != end; it.increment(failed)) entry(*it);
}

bool is_plain_directory(const fs::directory_entry& e) {
  std::error_code failed;
  return e.symlink_status(failed).type() == fs::file_type::directory;
}

class Cleaner {
 public:
  explicit Cleaner(const CleanOrder& order) : order_(order) {}

  Cleaned run() {
    by_age();
    by_space();
    for (auto queue = queues_.rbegin(); queue != queues_.rend(); ++queue) remove_if_empty(*queue);
    for (const auto& day : days_) remove_if_empty(day);
    return done_;
  }

 private:
  // Deletes what is too old; what stays and could go is remembered, oldest first.
  void by_age() {
    each_entry(order_.log_dir, [&](const auto& e) {
      if (is_day(e.path().filename().string()) && is_plain_directory(e)) days_.push_back(e.path().string());
    });
    std::sort(days_.begin(), days_.end());
    for (const auto& day : days_) {
      each_entry(day, [&](const auto& e) {
        if (is_plain_directory(e)) queue_directory(e.path().string());
      });
    }
  }

  void queue_directory(const std::string& directory) {
    if (order_.stopping()) return;
    queues_.push_back(directory);
    const auto keep = order_.keep.find(fs::path(directory).filename().string());
    const Duration age = keep == order_.keep.end() ? order_.keep_others : keep->second;
    const std::int64_t oldest_ms = order_.now.ms - age.count() / 1'000'000;
    each_entry(directory, [&](const auto& e) {
      struct stat st{};
      if (lstat(e.path().c_str(), &st) != 0 || S_ISDIR(st.st_mode)) return;
      const LogFile file{e.path().string(), std::int64_t{st.st_blocks} * 512, std::int64_t{st.st_mtim.tv_sec} * 1000};
      ++done_.left_files;
      done_.left_bytes += file.bytes;
      if (is_of_live(order_.live, e.path().filename().string())) return;
      if (file.modified_ms < oldest_ms)
        remove(file);
      else
        others_.push_back(file);
    });
  }

  void by_space() {
    if (order_.most_bytes <= 0 && order_.least_free <= 0) return;
    std::sort(others_.begin(), others_.end(),
              [](const auto& a, const auto& b) { return a.modified_ms < b.modified_ms; });
    std::int64_t free = order_.least_free > 0 ? free_space() : std::numeric_limits<std::int64_t>::max();
    for (const auto& file : others_) {
      const bool too_much = order_.most_bytes > 0 && done_.left_bytes > order_.most_bytes;
      if ((!too_much && free >= order_.least_free) || order_.stopping()) return;
      remove(file);
      if (free < order_.least_free) free += file.bytes;
    }
  }

  [[nodiscard]] std::int64_t free_space() const {
    if (order_.free_space) return order_.free_space();
    struct statvfs st{};
    if (statvfs(order_.log_dir.c_str(), &st) != 0) return std::numeric_limits<std::int64_t>::max();
    return static_cast<std::int64_t>(st.f_bavail * st.f_frsize);
  }

  void remove(const LogFile& file) {
    std::error_code failed;
    if (!fs::remove(file.path, failed)) {
      if (failed) ++done_.failed;
      return;
    }
    ++done_.files;
    done_.bytes += file.bytes;
    --done_.left_files;
    done_.left_bytes -= file.bytes;
  }

  // rmdir refuses what is not empty; today's directory is left for the pilots that are being submitted.
  void remove_if_empty(const std::string& directory) const {
    const std::string today = iso8601(order_.now).substr(0, 10);
    if (directory.find("/" + today) != std::string::npos) return;
    std::error_code ignored;
    if (fs::is_empty(directory, ignored)) fs::remove(directory, ignored);
  }

  const CleanOrder& order_;
  std::vector<std::string> days_, queues_;
  std::vector<LogFile> others_;
  Cleaned done_;
};

}  // namespace

Cleaned clean_logs(const CleanOrder& order) { return Cleaner(order).run(); }

void add_live(std::unordered_set<std::string>& live, const std::string& batch_id) {
  live.insert(batch_id);
  live.insert(batch_id.substr(0, batch_id.find('.')));
}

std::string log_directory_name(std::string queue) {
  for (char& c : queue)
    if (c == '/' || c == ':') c = '_';
  return queue;
}

}  // namespace apf::engine
