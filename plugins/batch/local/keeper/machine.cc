#include "machine.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <ctime>

#include "files.h"

namespace apf::local {
namespace {

std::int64_t clock_ns(clockid_t id) {
  timespec t{};
  ::clock_gettime(id, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

// Field `n` (counted from 1, as in proc(5)) of a stat line; n > 2. The name in field 2 may hold blanks and brackets.
std::string field(const std::string& stat, int n) {
  std::size_t at = stat.rfind(')');
  for (int i = 2; at != std::string::npos && i < n; ++i) at = stat.find(' ', at + 1);
  if (at == std::string::npos) return {};
  return stat.substr(at + 1, stat.find(' ', at + 1) - at - 1);
}

}  // namespace

std::string boot_id() {
  auto id = read_file("/proc/sys/kernel/random/boot_id");
  if (!id) return {};
  while (!id->empty() && id->back() == '\n') id->pop_back();
  return *id;
}

std::string host_name() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

Process look_up(pid_t pid) {
  if (pid <= 0) return {};
  const auto stat = read_file("/proc/" + std::to_string(pid) + "/stat");
  if (!stat) return {pid, 0};
  const std::string state = field(*stat, 3);
  if (state == "Z" || state == "X") return {pid, 0};
  const std::string start = field(*stat, 22);
  return {pid, start.empty() ? 0 : std::stoll(start)};
}

bool alive(const Process& process) { return process.start != 0 && look_up(process.pid).start == process.start; }

bool signal(const Process& process, int number) {
  // The descriptor pins the process: checked after it was opened, it can't become another one before the signal.
  const Fd fd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  if (!alive(process)) return false;
  if (fd) return ::syscall(SYS_pidfd_send_signal, fd.get(), number, nullptr, 0) == 0;
  return ::kill(process.pid, number) == 0;
}

bool signal_group(const Process& leader, int number) { return alive(leader) && ::kill(-leader.pid, number) == 0; }

std::int64_t boottime_ns() { return clock_ns(CLOCK_BOOTTIME); }
std::int64_t wall_ms() { return clock_ns(CLOCK_REALTIME) / 1'000'000; }

}  // namespace apf::local
