#include "process/fd.h"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace apf::process {
namespace {

tl::unexpected<Error> no_pipe(int error) {
  return fail(Kind::transient, "process.spawn_failed", std::string("no pipe for a command: ") + std::strerror(error),
              {}, error == EMFILE || error == ENFILE ? "raise the limit of open files" : "");
}

// A daemon started with a closed standard stream gets 0, 1 or 2 from pipe2; such an end moves up.
bool move_up(Fd& fd) {
  if (fd.get() > 2) return true;
  Fd moved(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3));
  if (!moved.open()) return false;
  fd = std::move(moved);
  return true;
}

}  // namespace

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return no_pipe(errno);
  Pipe pipe{Fd(ends[0]), Fd(ends[1])};
  if (!move_up(pipe.read) || !move_up(pipe.write)) return no_pipe(errno);
  return pipe;
}

Status set_nonblocking(const Fd& fd) {
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) < 0) return no_pipe(errno);
  return {};
}

}  // namespace apf::process
