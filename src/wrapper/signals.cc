#include "wrapper/signals.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

namespace apf::wrapper::signals {
namespace {

constexpr std::array kEnding{SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGXCPU};
constexpr std::array kPassedOn{SIGUSR1, SIGUSR2};

struct State {
  std::array<int, 2> pipe{-1, -1};
  std::atomic<bool> ending{false};
  std::atomic<int> last{0};
};
State state;  // a signal handler reaches nothing but globals
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

extern "C" void on_signal(int number) {
  const int saved = errno;
  if (ends_pilot(number)) {
    state.last = number;
    state.ending = true;
  }
  const auto byte = static_cast<unsigned char>(number);
  (void)!::write(state.pipe[1], &byte, 1);
  errno = saved;
}

}  // namespace

bool ends_pilot(int signal) { return std::find(kEnding.begin(), kEnding.end(), signal) != kEnding.end(); }

void install() {
  (void)!::pipe2(state.pipe.data(), O_CLOEXEC | O_NONBLOCK);
  struct sigaction action{};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigfillset(&action.sa_mask);
  for (const int n : kEnding) ::sigaction(n, &action, nullptr);
  for (const int n : kPassedOn) ::sigaction(n, &action, nullptr);
  (void)std::signal(SIGPIPE, SIG_IGN);
  (void)std::signal(SIGCHLD, SIG_DFL);  // ignored by a parent of ours, it would hide exit codes
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

int fd() { return state.pipe[0]; }

std::vector<int> pending() {
  std::vector<int> numbers;
  std::array<unsigned char, 64> bytes{};
  const ssize_t n = ::read(state.pipe[0], bytes.data(), bytes.size());
  for (ssize_t i = 0; i < n; ++i) numbers.push_back(bytes.at(static_cast<std::size_t>(i)));
  return numbers;
}

const std::atomic<bool>& ending() { return state.ending; }
int last_ending() { return state.last; }

const char* name(int signal) {
  switch (signal) {
    case SIGTERM: return "SIGTERM";
    case SIGINT: return "SIGINT";
    case SIGQUIT: return "SIGQUIT";
    case SIGHUP: return "SIGHUP";
    case SIGXCPU: return "SIGXCPU";
    case SIGUSR1: return "SIGUSR1";
    case SIGUSR2: return "SIGUSR2";
    case SIGKILL: return "SIGKILL";
    case SIGSEGV: return "SIGSEGV";
    default: return "a signal";
  }
}

}  // namespace apf::wrapper::signals
