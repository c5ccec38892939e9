// Cleans the pilots' log tree log_dir/YYYY-MM-DD/queue/: by age (keep_logs of the queue), by bytes of the whole tree
// and by free space, oldest days first. Files of live pilots are never touched: a file belongs to the pilot whose batch
// id its name begins with ("12.0.out"), or to the cluster of one ("12.log").
//
// Only day directories and queue directories of that form are looked at; anything else in log_dir is left alone, and
// symbolic links are not followed.
// Thread-safety: pure functions on files; one cleaning at a time.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <unordered_set>

#include "apf/time.h"

namespace apf::engine {

struct CleanOrder {
  std::string log_dir;
  std::map<std::string, Duration> keep;        // by queue directory name
  Duration keep_others = seconds{7L * 86400};  // of queues that are gone
  std::int64_t most_bytes = 0;                 // 0: no limit
  std::int64_t least_free = 0;                 // bytes of the disk that stay free; 0: no limit
  std::unordered_set<std::string> live;        // batch ids of live pilots and their clusters
  Wall now;
  std::function<std::int64_t()> free_space = {};  // of the disk; for tests
  std::function<bool()> stopping = [] { return false; };
};

struct Cleaned {
  std::int64_t files = 0, bytes = 0;  // deleted
  std::int64_t left_files = 0, left_bytes = 0;
  std::int64_t failed = 0;  // could not be deleted
};

Cleaned clean_logs(const CleanOrder& order);

// "12.0" and "12": what a live pilot's files may begin with.
void add_live(std::unordered_set<std::string>& live, const std::string& batch_id);
// The directory that a queue's logs stand in (see protocol::launch).
std::string log_directory_name(std::string queue);

}  // namespace apf::engine
