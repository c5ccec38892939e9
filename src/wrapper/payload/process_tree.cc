#include "wrapper/payload/process_tree.h"

#include <dirent.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <fstream>
#include <string>
#include <unordered_set>

namespace apf::wrapper {
namespace {

template <class Int>
bool number(std::string_view text, Int& value) {
  const auto r = std::from_chars(text.data(), text.data() + text.size(), value);
  return r.ec == std::errc{} && r.ptr == text.data() + text.size();
}

Duration from_ticks(std::int64_t ticks) {
  static const std::int64_t per_second = ::sysconf(_SC_CLK_TCK) > 0 ? ::sysconf(_SC_CLK_TCK) : 100;
  if (ticks < 0 || ticks > std::int64_t{1} << 40U) return Duration::zero();
  return Duration(ticks * (1'000'000'000 / per_second));
}

std::vector<ProcessStat> all_processes() {
  std::vector<ProcessStat> all;
  DIR* proc = ::opendir("/proc");
  if (proc == nullptr) return all;
  while (const dirent* entry = ::readdir(proc)) {  // NOLINT(concurrency-mt-unsafe): the stream is our own
    if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
    std::ifstream file(std::string("/proc/") + entry->d_name + "/stat");
    std::string line;
    std::getline(file, line);
    if (const auto stat = parse_stat(line)) all.push_back(*stat);
  }
  ::closedir(proc);
  return all;
}

void reap_all() {
  int status = 0;
  while (::waitpid(-1, &status, WNOHANG) > 0) {
  }
}

}  // namespace

std::optional<ProcessStat> parse_stat(std::string_view line) {
  // The name stands in parentheses and may hold blanks and parentheses itself: the last one ends it.
  const std::size_t close = line.rfind(") ");
  const std::size_t open = line.find(" (");
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return std::nullopt;
  ProcessStat s;
  if (!number(line.substr(0, open), s.pid)) return std::nullopt;
  s.name = line.substr(open + 2, close - open - 2);
  line.remove_prefix(close + 2);
  std::array<std::string_view, 22> fields;  // from field 3 (state) to field 24 (rss)
  for (std::string_view& field : fields) {
    const std::size_t blank = line.find(' ');
    field = line.substr(0, blank);
    line.remove_prefix(blank == std::string_view::npos ? line.size() : blank + 1);
  }
  std::int64_t ticks = 0;
  for (const std::size_t i : {11U, 12U, 13U, 14U}) {  // utime, stime, cutime, cstime
    std::int64_t n = 0;
    if (!number(fields.at(i), n)) return std::nullopt;
    if (n > 0 && n < std::int64_t{1} << 40U) ticks += n;
  }
  std::int64_t pages = 0;
  if (fields[0].size() != 1 || !number(fields[1], s.parent) || !number(fields[3], s.session) ||
      !number(fields[21], pages))
    return std::nullopt;
  s.state = fields[0][0];
  s.cpu = from_ticks(ticks);
  if (pages > 0 && pages < std::int64_t{1} << 40U) s.rss_kb = pages * (::sysconf(_SC_PAGESIZE) / 1024);
  return s;
}

std::vector<ProcessStat> descendants(pid_t root) {
  const std::vector<ProcessStat> all = all_processes();
  std::unordered_set<pid_t> below{root};
  // A child may stand before its parent in the list (pids wrap around), hence the rounds.
  for (std::size_t size = 0; size != below.size();) {
    size = below.size();
    for (const ProcessStat& p : all)
      if (below.contains(p.parent)) below.insert(p.pid);
  }
  std::vector<ProcessStat> result;
  for (const ProcessStat& p : all)
    if (p.pid != root && below.contains(p.pid)) result.push_back(p);
  return result;
}

std::optional<std::int64_t> fair_memory_kb(const std::vector<ProcessStat>& processes) {
  std::int64_t sum = 0;
  bool told = false;
  for (const ProcessStat& p : processes) {
    std::ifstream file("/proc/" + std::to_string(p.pid) + "/smaps_rollup");
    for (std::string word; file >> word;) {
      if (word != "Pss:") continue;
      std::int64_t kb = 0;
      if (file >> kb) {
        sum += kb;
        told = true;
      }
      break;
    }
  }
  if (!told) return std::nullopt;
  return sum;
}

bool sweep_children(Duration patience) {
  const Mono end = mono_now() + patience;
  for (;;) {
    reap_all();
    if (int status = 0; ::waitpid(-1, &status, WNOHANG) < 0 && errno == ECHILD) return true;
    if (mono_now() > end) return false;
    // Only children of our own are killed: nobody else reaps them, so their pids can't have passed to others.
    for (const ProcessStat& p : all_processes())
      if (p.parent == ::getpid()) ::kill(p.pid, SIGKILL);
    ::poll(nullptr, 0, 2);
  }
}

}  // namespace apf::wrapper
