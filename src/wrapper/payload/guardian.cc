#include "wrapper/payload/guardian.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <optional>

#include "process/fd.h"
#include "wrapper/payload/cgroup.h"
#include "wrapper/payload/guard_protocol.h"
#include "wrapper/payload/process_tree.h"
#include "wrapper/payload/scratch.h"

namespace apf::wrapper {
namespace {

using process::Fd;

constexpr Duration kTick = seconds{1};  // limits are looked at this often at least
constexpr Duration kSweepPatience = seconds{10};
constexpr std::size_t kMostNamed = 10;  // of the processes that were left behind
constexpr std::array kPassedOver{SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU, SIGTSTP, SIGPIPE};

void default_signals() {
  for (int n = 1; n < 32; ++n) (void)std::signal(n, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Nothing that the batch system or a parent left open reaches the payload.
void close_from_3() {
  DIR* fds = ::opendir("/proc/self/fd");
  if (fds == nullptr) return;
  std::vector<int> open;
  while (const dirent* entry = ::readdir(fds)) {  // NOLINT(concurrency-mt-unsafe): the stream is our own
    const int fd = std::atoi(entry->d_name);      // NOLINT(cert-err34-c): the kernel writes numbers here
    if (fd > 2 && fd != ::dirfd(fds)) open.push_back(fd);
  }
  ::closedir(fds);
  for (const int fd : open) ::close(fd);
}

class Guardian {
 public:
  explicit Guardian(const GuardSettings& settings) : settings_(settings), dead_by_(settings.dead_by) {}

  int run() {
    prepare();
    if (const int error = start(); error != 0) {
      tell({.what = GuardEvent::What::failed, .number = error});
      sweep_children(kSweepPatience);
      return 1;
    }
    tell({.what = GuardEvent::What::started, .number = leader_});
    {
      const DiskWatch watch(settings_.disk, settings_.directory, out_.get(), err_.get());
      watch_ = &watch;
      while (!leader_ended_) step();
      watch_ = nullptr;
    }
    finish();
    return 0;
  }

 private:
  void prepare() {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    ::prctl(PR_SET_NAME, "apf-guard", 0, 0, 0);
    close_from_3();
    for (const int n : kPassedOver) (void)std::signal(n, SIG_IGN);
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, nullptr);
    children_ = Fd(::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
    (void)::fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
  }

  // The streams are opened here: their descriptors stay with the guardian, whatever becomes of the names.
  bool open_streams() {
    constexpr int flags = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC;
    out_ = Fd(::open(settings_.out.c_str(), flags, 0600));
    err_ = Fd(::open(settings_.err.c_str(), flags, 0600));
    return out_.open() && err_.open();
  }

  // 0 or errno. The child tells through a close-on-exec pipe why it could not become the payload.
  int start() {
    if (!open_streams()) return errno;
    auto pipe = process::make_pipe();
    if (!pipe) return EMFILE;
    const pid_t guardian = ::getpid();
    began_ = mono_now();
    leader_ = ::fork();
    if (leader_ < 0) return errno;
    if (leader_ == 0) become_payload(guardian, pipe->write.get());
    ::setpgid(leader_, leader_);  // in both processes: whoever comes first
    pipe->write.reset();
    int error = 0;
    ssize_t n = -1;
    do n = ::read(pipe->read.get(), &error, sizeof error);
    while (n < 0 && errno == EINTR);
    return n == sizeof error ? error : 0;
  }

  [[noreturn]] void become_payload(pid_t guardian, int report) const {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (::getppid() != guardian) ::_exit(127);  // it died before the line above
    default_signals();
    const rlimit no_core{.rlim_cur = 0, .rlim_max = 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    (void)group_.take(::getpid());
    const int in = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (in >= 0 && ::chdir(settings_.directory.c_str()) == 0 && ::dup2(in, 0) >= 0 && ::dup2(out_.get(), 1) >= 0 &&
        ::dup2(err_.get(), 2) >= 0) {
      std::vector<char*> argv;
      for (const std::string& word : settings_.argv) argv.push_back(const_cast<char*>(word.c_str()));
      argv.push_back(nullptr);
      ::execvp(argv.front(), argv.data());
    }
    const int error = errno;
    (void)!::write(report, &error, sizeof error);
    ::_exit(127);
  }

  void step() {
    std::array<pollfd, 2> fds{{{pilot_dead_ ? -1 : STDIN_FILENO, POLLIN, 0}, {children_.get(), POLLIN, 0}}};
    ::poll(fds.data(), fds.size(), timeout());
    if (fds[0].revents != 0) read_orders();
    if (fds[1].revents != 0) {
      std::array<signalfd_siginfo, 8> drained{};
      while (::read(children_.get(), drained.data(), sizeof drained) > 0) {
      }
    }
    reap();
    if (!leader_ended_) enforce();
  }

  [[nodiscard]] int timeout() const {
    const Mono now = mono_now();
    Mono next = now + kTick;  // short also because poll's clock stands still while the host is suspended
    if (ending_) next = std::min(next, kill_at_);
    if (!ending_ && settings_.wall > Duration::zero()) next = std::min(next, began_ + settings_.wall);
    if (!ending_ && dead_by_.ns != 0) next = std::min(next, dead_by_ - settings_.grace);
    return static_cast<int>(std::max<std::int64_t>((next - now).count() / 1'000'000 + 1, 1));
  }

  void read_orders() {
    std::array<char, 4096> buffer{};
    const ssize_t n = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
      pilot_dead_ = true;
      return end(Reason::orphaned, SIGKILL);
    }
    lines_.add({buffer.data(), static_cast<std::size_t>(n)});
    while (const auto line = lines_.next())
      if (const auto order = read_order(*line)) obey(*order);
  }

  void obey(const Order& order) {
    const bool is_signal = order.value > 0 && order.value < 32;
    if (order.verb == Order::Verb::lease) dead_by_ = Mono{order.value};
    if (order.verb == Order::Verb::signal && is_signal) ::kill(-leader_, static_cast<int>(order.value));
    if (order.verb == Order::Verb::end) end(Reason::told, is_signal ? static_cast<int>(order.value) : SIGTERM);
  }

  // The first reason counts; a later SIGKILL still hastens the end.
  void end(Reason reason, int signal) {
    if (leader_ended_) return;
    const Mono now = mono_now();
    if (!ending_) {
      reason_ = reason;
      kill_at_ = now + settings_.grace;
      if (dead_by_.ns != 0) kill_at_ = std::min(kill_at_, dead_by_);
      ending_ = true;
    }
    if (signal == SIGKILL) kill_at_ = now;
    ::kill(-leader_, signal);
    ::kill(-leader_, SIGCONT);  // a stopped payload could not hear it
  }

  void enforce() {
    const Mono now = mono_now();
    if (ending_) {
      if (now < kill_at_) return;
      ::kill(-leader_, SIGKILL);
      ::kill(leader_, SIGKILL);  // it may have left its group
      kill_at_ = now + kTick;
      return;
    }
    if (dead_by_.ns != 0 && now >= dead_by_ - settings_.grace) return end(Reason::lease, SIGTERM);
    if (settings_.wall > Duration::zero() && now - began_ >= settings_.wall) return end(Reason::wall, SIGTERM);
    const Reason seen = watch_->verdict();
    if (seen != Reason::exited) return end(seen, seen == Reason::stuck ? SIGTERM : SIGKILL);
    if (now >= look_at_) look(now);
  }

  // Memory and CPU of everything below us. A look reads all of /proc: at most 1 % of the time goes into it.
  void look(Mono now) {
    const std::vector<ProcessStat> below = descendants(::getpid());
    look_at_ = mono_now() + std::max<Duration>(kTick, (mono_now() - now) * 100);
    std::int64_t rss = 0;
    rusage reaped{};
    ::getrusage(RUSAGE_CHILDREN, &reaped);
    Duration cpu = cpu_of(reaped);
    for (const ProcessStat& p : below) {
      rss += p.rss_kb;
      cpu += p.cpu;
    }
    const bool over = settings_.memory_kb > 0 && rss > settings_.memory_kb;
    if (over) rss = fair_memory_kb(below).value_or(rss);  // shared pages are in the first sum once a process
    rss_kb_ = std::max(rss_kb_, rss);
    if (settings_.memory_kb > 0 && rss > settings_.memory_kb) return end(Reason::memory, SIGKILL);
    if (settings_.cpu > Duration::zero() && cpu > settings_.cpu) end(Reason::cpu, SIGTERM);
  }

  static Duration cpu_of(const rusage& r) {
    return seconds{r.ru_utime.tv_sec + r.ru_stime.tv_sec} +
           std::chrono::microseconds{r.ru_utime.tv_usec + r.ru_stime.tv_usec};
  }

  // The leader is looked at before it is reaped: until then its process group can't belong to anybody else.
  void reap() {
    for (;;) {
      siginfo_t info{};
      if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
      if (info.si_pid == leader_) {
        ended_ = mono_now();
        const auto below = descendants(::getpid());
        name_left(below);
        ::kill(-leader_, SIGKILL);
        leader_ended_ = true;
      }
      int status = 0;
      const pid_t pid = ::waitpid(info.si_pid, &status, 0);
      if (pid == leader_) status_ = status;
      if (leader_ended_) return;
    }
  }

  // What it started and did not end itself; first of all what went away from its session, which looks like an escape.
  void name_left(std::vector<ProcessStat> below) {
    std::erase_if(below, [](const ProcessStat& p) { return p.state == 'Z'; });
    const pid_t own = ::getsid(0);
    std::partition(below.begin(), below.end(), [own](const ProcessStat& p) { return p.session != own; });
    left_ = static_cast<std::int64_t>(below.size());
    below.resize(std::min(below.size(), kMostNamed));
    for (const ProcessStat& p : below)
      tell({.what = GuardEvent::What::left,
            .number = p.pid,
            .session = p.session == own ? 0 : p.session,
            .name = p.name});
  }

  void finish() {
    group_.kill_all();
    sweep_children(kSweepPatience);
    rusage reaped{};
    ::getrusage(RUSAGE_CHILDREN, &reaped);
    Outcome o{.reason = reason_, .wall = ended_ - began_, .cpu = cpu_of(reaped)};
    o.rss_kb = std::max<std::int64_t>(rss_kb_, reaped.ru_maxrss);
    o.left = left_;
    if (oom_before_) o.oom = std::max<std::int64_t>(oom_kills(cgroup_).value_or(0) - *oom_before_, 0);
    if (WIFEXITED(status_)) o.exit_code = WEXITSTATUS(status_);
    if (WIFSIGNALED(status_)) o.signal = WTERMSIG(status_);
    tell({.what = GuardEvent::What::ended, .outcome = o});
    if (pilot_dead_ && !settings_.scratch.empty()) remove_tree(settings_.scratch);
  }

  static void tell(const GuardEvent& event) {
    const std::string line = write_event(event);
    (void)!::write(STDOUT_FILENO, line.data(), line.size());  // shorter than PIPE_BUF: whole or, without a pilot, not
  }

  const GuardSettings& settings_;
  const Cgroup cgroup_ = find_cgroup();
  OwnCgroup group_{cgroup_, "apf-" + std::to_string(::getpid())};
  std::optional<std::int64_t> oom_before_ = oom_kills(cgroup_);
  const DiskWatch* watch_ = nullptr;
  Fd children_, out_, err_;
  Lines lines_;
  pid_t leader_ = -1;
  int status_ = 0;
  bool leader_ended_ = false, pilot_dead_ = false, ending_ = false;
  Reason reason_ = Reason::exited;
  Mono began_, ended_, dead_by_, kill_at_, look_at_;
  std::int64_t rss_kb_ = 0, left_ = 0;
};

}  // namespace

int guard(const GuardSettings& settings) { return Guardian(settings).run(); }

}  // namespace apf::wrapper
