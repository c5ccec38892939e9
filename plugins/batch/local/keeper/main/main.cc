// apf-keeper SPOOL SLOT...: becomes one detached keeper for each free slot of the list, and returns at once.
// Started by the factory's batch plug-in `local`; lives on when the factory ends.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "../keep.h"

namespace {

// Nothing of the factory stays: no session, no descriptor (its lock file!), no working directory, no signal handling.
void detach_from_factory() {
  ::setsid();
  ::umask(022);
  (void)!::chdir("/");
  const int null = ::open("/dev/null", O_RDWR);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (null >= 0) ::dup2(null, fd);
  if (null > STDERR_FILENO) ::close(null);
  for (const int s : {SIGHUP, SIGINT, SIGPIPE}) (void)std::signal(s, SIG_IGN);
}

[[noreturn]] void become_keeper(const apf::local::Spool& spool, long slot, apf::local::Fd lock, int ready) {
  detach_from_factory();
  const sigset_t signals = apf::local::keeper_signals();
  ::sigprocmask(SIG_SETMASK, &signals, nullptr);
  ::close(ready);
  apf::local::keep_slot(spool, slot, std::move(lock));
  std::exit(0);  // NOLINT(concurrency-mt-unsafe): one thread
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3 || argv[1][0] != '/') {
    (void)std::fputs("usage: apf-keeper /SPOOL SLOT...\n", stderr);
    return 2;
  }
  ::close_range(STDERR_FILENO + 1, ~0U, 0);
  std::array<int, 2> ready{};
  if (::pipe2(ready.data(), O_CLOEXEC) != 0) return 1;
  const apf::local::Spool spool(argv[1]);
  for (int i = 2; i < argc; ++i) {
    const long slot = std::strtol(argv[i], nullptr, 10);
    apf::local::Fd lock = spool.lock_slot(slot);  // taken here, so that the caller sees the slot busy once we return
    if (!lock) continue;
    const pid_t pid = ::fork();
    if (pid < 0) return 1;
    if (pid == 0) {
      ::close(ready[0]);
      become_keeper(spool, slot, std::move(lock), ready[1]);
    }
  }  // each child's descriptor shares its lock and keeps it
  // Wait until all have left this process group: whoever started us may end the group when we return.
  ::close(ready[1]);
  char byte = 0;
  (void)!::read(ready[0], &byte, 1);
  return 0;
}
