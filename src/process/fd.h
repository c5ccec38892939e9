// An owned file descriptor, and pipes whose ends no child inherits by accident.
//
// Thread-safety: an Fd belongs to one thread at a time.
#pragma once

#include <unistd.h>

#include <utility>

#include "apf/result.h"

namespace apf::process {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool open() const { return fd_ >= 0; }
  void reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

struct Pipe {
  Fd read, write;
};

// Both ends are close-on-exec and above 2, so that dup2 onto the standard descriptors of a child never meets them.
// Error: Kind::transient "process.spawn_failed".
Result<Pipe> make_pipe();
Status set_nonblocking(const Fd& fd);

}  // namespace apf::process
