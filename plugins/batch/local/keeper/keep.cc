#include "keep.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace apf::local {
namespace {

constexpr std::int64_t kLeftoverWaitNs = 5'000'000'000;

std::string utc(std::int64_t ms) {
  const std::time_t s = ms / 1000;
  std::tm tm{};
  ::gmtime_r(&s, &tm);
  std::array<char, 32> text{};
  (void)std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &tm);
  return text.data();
}

std::int64_t cpu_ms(const rusage& u) {
  return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

std::string seconds_text(std::int64_t ms) {
  const std::string tenth = std::to_string(ms / 100 % 10);
  return std::to_string(ms / 1000) + "." + tenth + " s";
}

// Everything about one pilot that is fixed before it starts.
struct Place {
  std::string id, directory, scratch, log_base;
};

void log_line(const Place& place, const std::string& text) {
  const Fd fd(::open((place.log_base + ".log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  const std::string line = utc(wall_ms()) + " " + place.id + " " + text + "\n";
  if (fd) (void)!::write(fd.get(), line.data(), line.size());  // for people; the truth is in the records
}

// What the pilot finds when it starts: an empty directory of its own with copies of its input files.
Status prepare(const Place& place) {
  if (auto s = make_directories(parent(place.log_base), 0755); !s) return s;
  if (auto s = make_directories(parent(place.scratch), 0700); !s) return s;
  if (auto s = remove_tree(place.scratch); !s) return s;
  if (auto s = make_directories(place.scratch, 0700); !s) return s;
  const std::string input = place.directory + "/input";
  const auto names = list(input);
  if (!names) return fail(names.error());
  for (const auto& name : *names)
    if (auto s = copy_private(input + "/" + name, place.scratch + "/" + name); !s) return s;
  return {};
}

// ---- in the pilot's process, between fork and exec ------------------------------------------------------------------

[[noreturn]] void give_up(int report_fd, const char* doing) {
  const std::string text = std::string(doing) + ": " + ::strerrordesc_np(errno);
  (void)!::write(report_fd, text.data(), text.size());
  ::_exit(127);
}

void become(int target, const std::string& path, int flags, int report_fd) {
  const int fd = ::open(path.c_str(), flags, 0644);
  if (fd < 0 || ::dup2(fd, target) < 0) give_up(report_fd, ("cannot open " + path).c_str());
  if (fd != target) ::close(fd);
}

[[noreturn]] void exec_pilot(const Order& order, std::uint32_t index, const Place& place, int gate, int report_fd) {
  ::setsid();
  char byte = 0;
  if (::read(gate, &byte, 1) != 1) ::_exit(127);  // the keeper died, or somebody else has the pilot
  ::close(gate);
  if (::chdir(place.scratch.c_str()) != 0) give_up(report_fd, "cannot enter the scratch directory");
  become(STDIN_FILENO, "/dev/null", O_RDONLY, report_fd);
  become(STDOUT_FILENO, place.log_base + ".out", O_WRONLY | O_CREAT | O_APPEND, report_fd);
  become(STDERR_FILENO, place.log_base + ".err", O_WRONLY | O_CREAT | O_APPEND, report_fd);
  if (order.nice != 0) (void)!::nice(static_cast<int>(order.nice));

  std::vector<std::string> words{order.executable};
  for (const auto& a : order.arguments) words.push_back(order.filled(a, index));
  std::vector<std::string> variables;
  for (const auto& [name, value] : order.environment) variables.push_back(name + "=" + order.filled(value, index));
  if (!order.environment.contains("TMPDIR")) variables.push_back("TMPDIR=" + place.scratch);
  std::vector<char*> argv;
  for (auto& w : words) argv.push_back(w.data());
  argv.push_back(nullptr);
  std::vector<char*> envp;
  for (auto& v : variables) envp.push_back(v.data());
  envp.push_back(nullptr);

  for (const int s : {SIGHUP, SIGINT, SIGPIPE}) (void)std::signal(s, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(order.executable.c_str(), argv.data(), envp.data());
  give_up(report_fd, ("cannot run " + order.executable).c_str());
}

// ---- in the keeper --------------------------------------------------------------------------------------------------

struct Started {
  pid_t pid = -1;
  Fd gate;    // writing one byte lets the pilot go, closing it ends it
  Fd report;  // words when it could not be started, end-of-file when it runs
};

Result<Started> fork_pilot(const Order& order, std::uint32_t index, const Place& place) {
  std::array<int, 2> gate{-1, -1};
  std::array<int, 2> report{-1, -1};
  if (::pipe2(gate.data(), O_CLOEXEC) != 0) return io_error("make a pipe", place.id);
  Fd gate_read(gate[0]);
  Fd gate_write(gate[1]);
  if (::pipe2(report.data(), O_CLOEXEC) != 0) return io_error("make a pipe", place.id);
  Fd report_read(report[0]);
  Fd report_write(report[1]);
  at_step("fork");
  const pid_t pid = ::fork();
  if (pid < 0) return io_error("fork", place.id);
  if (pid == 0) {
    gate_write.reset();  // else the gate would never see the keeper's death
    exec_pilot(order, index, place, gate_read.get(), report_write.get());
  }
  return Started{pid, std::move(gate_write), std::move(report_read)};
}

struct Watch {
  int status = 0;
  std::int64_t cpu_ms = 0;
  bool main_ended = false;
};

// Reaps whoever has ended: the pilot, or orphans of it that came to us as its subreaper. False: no child is left.
bool reap(pid_t pilot, Watch& watch) {
  for (;;) {
    int status = 0;
    rusage used{};
    const pid_t pid = ::wait4(-1, &status, WNOHANG, &used);
    if (pid < 0) return false;
    if (pid == 0) return true;
    watch.cpu_ms += cpu_ms(used);
    if (pid != pilot) continue;
    watch.status = status;
    watch.main_ended = true;
  }
}

// Waits for one of the signals, at most until the given moment of the boot clock (0: for ever). 0: the time is over.
int wait_signal(const sigset_t& signals, std::int64_t until_ns) {
  if (until_ns == 0) return ::sigwaitinfo(&signals, nullptr);
  const std::int64_t left = until_ns - boottime_ns();
  if (left <= 0) return 0;
  const timespec t{left / 1'000'000'000, left % 1'000'000'000};
  return ::sigtimedwait(&signals, nullptr, &t);
}

// The pilot has ended: whatever it left behind ends too. Orphans are our children now, in whatever session they are.
void kill_leftovers(pid_t pilot, Watch& watch) {
  ::kill(-pilot, SIGKILL);
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  const std::int64_t until = boottime_ns() + kLeftoverWaitNs;
  const std::string mine = std::to_string(::getpid());
  while (reap(pilot, watch) && boottime_ns() < until) {
    const auto children = read_file("/proc/self/task/" + mine + "/children");
    const char* at = children ? children->c_str() : "";
    char* end = nullptr;
    for (long pid = std::strtol(at, &end, 10); pid > 0; pid = std::strtol(end, &end, 10))
      ::kill(static_cast<pid_t>(pid), SIGKILL);
    (void)wait_signal(child, boottime_ns() + 20'000'000);
  }
}

enum class Asked : std::uint8_t { nothing, removal, stop };

// Watches the pilot to its end. When it shall end, SIGTERM goes to its group, and SIGKILL after the grace.
Watch watch_pilot(pid_t pilot, std::int64_t grace_ms, const std::string& removal, Asked& asked) {
  const sigset_t signals = keeper_signals();
  Watch watch;
  std::int64_t kill_at = 0;
  bool killed = false;
  while (reap(pilot, watch) && !watch.main_ended) {
    const int got = wait_signal(signals, killed ? 0 : kill_at);
    const Asked before = asked;
    if (got == SIGTERM) asked = Asked::stop;
    if (got == kLookAtRemoval && asked == Asked::nothing && ::access(removal.c_str(), F_OK) == 0)
      asked = Asked::removal;
    if (before == Asked::nothing && asked != Asked::nothing) {
      ::kill(-pilot, SIGTERM);
      kill_at = boottime_ns() + grace_ms * 1'000'000;
    }
    if (kill_at != 0 && !killed && boottime_ns() >= kill_at) {
      ::kill(-pilot, SIGKILL);
      killed = true;
    }
  }
  kill_leftovers(pilot, watch);
  return watch;
}

std::string read_report(int fd) {
  std::string text;
  std::array<char, 512> buffer{};
  for (;;) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

void describe(End& end, const Watch& watch, const std::string& not_started) {
  end.cpu_ms = watch.cpu_ms;
  if (!not_started.empty()) {
    end.state = "failed";
    end.reason = not_started;
  } else if (WIFEXITED(watch.status)) {
    end.state = "done";
    end.exit_code = WEXITSTATUS(watch.status);
  } else {
    const int s = WTERMSIG(watch.status);
    const char* words = ::strsignal(s);  // NOLINT(concurrency-mt-unsafe): one thread
    end.state = "failed";
    end.reason = "ended by signal " + std::to_string(s) + " (" + (words != nullptr ? words : "?") + ")";
  }
}

// Somebody's word, not the pilot's own doing, is why it ended.
void blame_removal(End& end, const std::string& removal) {
  const auto record = read_record(removal);
  end.state = "removed";
  end.reason = record ? record->text("why") : "removed";
}

// A full disk must not lose an exit status: it is kept until it can be written (RULES R15).
void write_end(const std::string& path, const End& end) {
  while (!write_first(path, end.record().encode('\n') + "\n")) {
    if (::access(path.substr(0, path.rfind('/')).c_str(), F_OK) != 0 && errno == ENOENT) return;  // nobody to tell
    ::sleep(2);
  }
}

void finish(const Place& place, std::uint32_t index, End& end) {
  at_step("end");
  write_end(place.directory + "/" + file_of(index, "ended"), end);
  std::string line = "ended: " + end.state;
  if (end.exit_code >= 0) line += ", exit code " + std::to_string(end.exit_code);
  if (!end.reason.empty()) line += ", " + end.reason;
  log_line(place, line + ", " + seconds_text(end.wall_ms) + " wall, " + seconds_text(end.cpu_ms) + " CPU");
  (void)remove_tree(place.scratch);
}

// Runs the first pilot that waits, in the order of submission.
Kept run_next(const Spool& spool) {
  const auto orders = spool.orders();
  if (!orders) return Kept::cannot;
  for (const auto& name : *orders) {
    const auto order = spool.read_order(name);
    if (!order) continue;  // the plug-in complains about it
    const auto pilots = spool.pilots(name, order->n);
    if (!pilots) continue;
    for (std::uint32_t i = 0; i < order->n; ++i) {
      if (!(*pilots)[i].waits()) continue;
      const Kept kept = keep_pilot(spool, name, *order, i);
      if (kept != Kept::none) return kept;
    }
  }
  return Kept::none;
}

bool any_waits(const Spool& spool) {
  const auto orders = spool.orders();
  if (!orders) return false;
  for (const auto& name : *orders) {
    const auto order = spool.read_order(name);
    const auto pilots = order ? spool.pilots(name, order->n) : fail(order.error());
    if (pilots && std::any_of(pilots->begin(), pilots->end(), [](const PilotFiles& p) { return p.waits(); }))
      return true;
  }
  return false;
}

bool stop_pending() {
  sigset_t pending;
  return ::sigpending(&pending) == 0 && sigismember(&pending, SIGTERM) == 1;
}

// Links <i>.taken. When the link stands but could not be synced, the pilot is ours all the same: nobody can have it.
Kept take(const std::string& path, const Taken& taken) {
  const std::string content = taken.record().encode('\n') + "\n";
  const auto first = write_first(path, content);
  if (first) return *first ? Kept::ran : Kept::none;
  const auto there = read_file(path);
  return there && *there == content ? Kept::ran : Kept::cannot;
}

}  // namespace

sigset_t keeper_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int s : {SIGCHLD, SIGTERM, kLookAtRemoval}) sigaddset(&signals, s);
  return signals;
}

Kept keep_pilot(const Spool& spool, const std::string& order_name, const Order& order, std::uint32_t index) {
  Place place;
  place.id = order.pilot_id(index);
  place.directory = spool.live(order_name);
  place.scratch = order.scratch + "/" + place.id;
  place.log_base = order.filled(order.log_dir, index) + "/" + place.id;

  auto started = fork_pilot(order, index, place);
  if (!started) return Kept::cannot;
  const Taken taken{look_up(::getpid()), look_up(started->pid), boot_id(), host_name(), wall_ms()};
  if (const Kept kept = take(place.directory + "/" + file_of(index, "taken"), taken); kept != Kept::ran) {
    started->gate.reset();
    while (::waitpid(started->pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return kept;
  }

  End end;
  end.node = taken.node;
  end.started_ms = taken.started_ms;
  const auto prepared = prepare(place);
  std::string trouble = prepared ? "" : prepared.error().where + ": " + prepared.error().what;
  log_line(place, "started on " + taken.node + ", pid " + std::to_string(started->pid));
  at_step("open the gate");
  const std::int64_t from_ns = boottime_ns();
  if (prepared) (void)!::write(started->gate.get(), "g", 1);
  started->gate.reset();
  if (prepared) trouble = read_report(started->report.get());
  Asked asked = Asked::nothing;
  const std::string removal = place.directory + "/" + file_of(index, "remove");
  const Watch watch = watch_pilot(started->pid, order.grace_ms, removal, asked);
  end.ended_ms = wall_ms();
  end.wall_ms = (boottime_ns() - from_ns) / 1'000'000;
  describe(end, watch, trouble);
  if (asked == Asked::removal) blame_removal(end, removal);
  finish(place, index, end);
  return asked == Asked::stop ? Kept::told : Kept::ran;
}

void keep_slot(const Spool& spool, std::int64_t k, Fd lock) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  while (lock && !stop_pending() && k < spool.slots()) {
    const Kept kept = run_next(spool);
    if (kept == Kept::ran) continue;
    if (kept != Kept::none) return;
    // An order may have come after the look and before the slot is free: then the plug-in saw it busy. Look again.
    lock.reset();
    if (any_waits(spool)) lock = spool.lock_slot(k);
  }
}

}  // namespace apf::local
