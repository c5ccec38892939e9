#include "process/supervisor.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "process/child.h"
#include "process/fd.h"
#include "process/spawn.h"

namespace apf::process {
namespace {

constexpr Duration kAskForEnd = milliseconds{20};  // without pidfd
constexpr Duration kAskForStop = milliseconds{100};
constexpr Duration kUnkillable = seconds{5};  // how long SIGKILL may take before the child is given up

// Writing to a command that closed its standard input raises SIGPIPE in this thread; the caller must not see it.
class NoSigpipe {
 public:
  NoSigpipe() {
    sigset_t pending;
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &old_);
  }
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;
  ~NoSigpipe() {
    const timespec now{};
    if (!was_pending_)
      while (sigtimedwait(&pipe_, nullptr, &now) == SIGPIPE) {
      }
    pthread_sigmask(SIG_SETMASK, &old_, nullptr);
  }

 private:
  sigset_t pipe_{}, old_{};
  bool was_pending_ = false;
};

// One stream of output: kept up to the cap, read and dropped beyond it so that the command never blocks.
class Output {
 public:
  Output(std::string& text, bool& truncated, std::size_t cap) : text_(text), truncated_(truncated), cap_(cap) {}
  Fd fd;

  void read_some(std::size_t at_most = SIZE_MAX) {
    const ssize_t n = ::read(fd.get(), buffer_.data(), std::min(at_most, buffer_.size()));
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) fd.reset();
    if (n > 0) keep(static_cast<std::size_t>(n));
  }

  // What is in the pipe now and no more: a grandchild may go on writing for ever.
  void drain() {
    int left = 0;
    if (!fd.open() || ::ioctl(fd.get(), FIONREAD, &left) != 0) return;
    for (std::size_t rest = static_cast<std::size_t>(left); rest > 0 && fd.open();) {
      const std::size_t step = std::min(rest, buffer_.size());
      read_some(step);
      rest -= step;
    }
  }

 private:
  void keep(std::size_t n) {
    const std::size_t room = cap_ - std::min(cap_, text_.size());
    text_.append(buffer_.data(), std::min(n, room));
    if (n > room) truncated_ = true;
  }

  std::string& text_;
  bool& truncated_;
  std::size_t cap_;
  std::array<char, 65536> buffer_;  // as much as a pipe holds by default
};

class Run {
 public:
  Run(const Command& command, const Limits& limits)
      : command_(command),
        limits_(limits),
        out_(result_.out, result_.truncated, command.output_cap),
        err_(result_.err, result_.truncated, command.output_cap) {}

  Result<Finished> go() {
    if (mono_now() >= limits_.deadline)
      return fail(Kind::transient, "process.spawn_failed", "its deadline had passed before it was started",
                  command_.argv.empty() ? "" : command_.argv.front());
    auto pid = start();
    if (!pid) return fail(pid.error());
    Child child(*pid, limits_.use_pidfd);
    supervise(child);
    return std::move(result_);
  }

 private:
  Result<pid_t> start() {
    auto out = make_pipe();
    if (!out) return fail(out.error());
    auto err = make_pipe();
    if (!err) return fail(err.error());
    Pipe in;
    if (!command_.input.empty()) {
      auto made = make_pipe();
      if (!made) return fail(made.error());
      in = std::move(*made);
    }
    for (const Fd* fd : {&out->read, &err->read, &in.write})
      if (fd->open())
        if (auto ok = set_nonblocking(*fd); !ok) return fail(ok.error());
    auto pid = spawn(command_, {.in = in.read.get(), .out = out->write.get(), .err = err->write.get()});
    if (!pid) return pid;
    out_.fd = std::move(out->read);
    err_.fd = std::move(err->read);
    in_ = std::move(in.write);
    return pid;
  }

  void supervise(Child& child) {
    const NoSigpipe quiet;
    for (;;) {
      wait(child);
      if (child.ended()) break;
      if (!enforce(child)) return;
    }
    out_.drain();
    err_.drain();
    // Before the child is reaped, else its group's id could already belong to somebody else.
    if (result_.timed_out) child.signal_group(SIGKILL);
    const int status = child.reap();
    result_.signal = 0;
    if (status >= 0 && WIFEXITED(status)) result_.exit_code = WEXITSTATUS(status);
    if (status >= 0 && WIFSIGNALED(status)) result_.signal = WTERMSIG(status);
  }

  // SIGTERM at the deadline, SIGKILL after the grace. False: the child can't be killed and is given up.
  bool enforce(const Child& child) {
    const Mono now = mono_now();
    const bool stop = limits_.stop != nullptr && limits_.stop->load();
    if (!result_.timed_out && (stop || now >= limits_.deadline)) {
      result_.timed_out = true;
      next_ = now + limits_.grace;
      child.signal_group(SIGTERM);
    } else if (result_.timed_out && now >= next_) {
      if (result_.signal == SIGKILL) return false;
      result_.signal = SIGKILL;  // replaced by what the child's status says, if it comes
      next_ = now + kUnkillable;
      child.signal_group(SIGKILL);
    }
    return true;
  }

  // Until the child ended, output came, input may go or it is time for enforce().
  void wait(const Child& child) {
    std::array<pollfd, 4> fds{{{child.pidfd(), POLLIN, 0},
                               {out_.fd.get(), POLLIN, 0},
                               {err_.fd.get(), POLLIN, 0},
                               {in_.get(), POLLOUT, 0}}};  // poll leaves negative descriptors out
    if (::poll(fds.data(), fds.size(), timeout(child)) <= 0) return;
    if (fds[1].revents != 0) out_.read_some();
    if (fds[2].revents != 0) err_.read_some();
    if (fds[3].revents != 0) write_some();
  }

  [[nodiscard]] int timeout(const Child& child) const {
    Duration left = (result_.timed_out ? next_ : limits_.deadline) - mono_now();
    if (limits_.stop != nullptr && !result_.timed_out) left = std::min(left, kAskForStop);
    if (child.pidfd() < 0) left = std::min(left, kAskForEnd);
    // Rounded up: a poll that returns a moment too early would only come back.
    constexpr std::int64_t hour = 3'600'000;
    return static_cast<int>(std::clamp<std::int64_t>(left.count() / 1'000'000 + 1, 0, hour));
  }

  void write_some() {
    const ssize_t n = ::write(in_.get(), command_.input.data() + written_, command_.input.size() - written_);
    if (n > 0) written_ += static_cast<std::size_t>(n);
    const bool failed = n < 0 && errno != EAGAIN && errno != EINTR;  // the command does not want the rest
    if (failed || written_ == command_.input.size()) in_.reset();
  }

  const Command& command_;
  const Limits& limits_;
  Finished result_;
  Output out_, err_;
  Fd in_;
  std::size_t written_ = 0;
  Mono next_;  // of the next step once the deadline has passed
};

}  // namespace

Result<Finished> run(const Command& command, const Limits& limits) { return Run(command, limits).go(); }

}  // namespace apf::process
