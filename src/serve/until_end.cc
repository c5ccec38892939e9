#include "serve/until_end.h"

#include <csignal>

namespace apf::serve {
namespace {

sigset_t ends() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

void block_end_signals() {
  const sigset_t set = ends();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void wait_for_end_signal() {
  const sigset_t set = ends();
  int signal = 0;
  while (sigwait(&set, &signal) != 0) {
  }
}

}  // namespace apf::serve
