// Opens files below a directory that others may write to (the pilots' logs): no symbolic link is followed on the way,
// no "..", nothing but what lies below. Checked while it is opened, so that nobody can change the tree in between.
//
// Thread-safety: pure functions over the file system.
#pragma once

#include <string>
#include <string_view>

#include "apf/result.h"

namespace apf::net {

// An open descriptor; closes itself.
class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.release()) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept;
  OwnedFd(const OwnedFd&) = delete;
  OwnedFd& operator=(const OwnedFd&) = delete;
  ~OwnedFd();
  [[nodiscard]] int get() const { return fd_; }
  int release();

 private:
  int fd_ = -1;
};

// Opens a regular file or a directory for reading. `path` is relative to `root`; "" is the root itself. `root` itself
// is trusted. Errors: "net.not_found" also for whatever is refused, so that nothing is told about the rest of the disk.
Result<OwnedFd> open_beneath(const std::string& root, std::string_view path);

}  // namespace apf::net
