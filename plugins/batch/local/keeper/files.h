// Steps on files that stay true whatever dies when: contents and names are on disk before the next step begins.
//
// Errors: Kind::transient "local.io" with the path and the system's words. Thread-safety: stateless.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "apf/result.h"

namespace apf::local {

// A descriptor that closes itself.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { reset(); }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] explicit operator bool() const { return fd_ >= 0; }
  int release();
  void reset(int fd = -1);

 private:
  int fd_;
};

// The error of a failed system call on `path`, from errno.
tl::unexpected<Error> io_error(std::string_view doing, const std::string& path);

// Creates and syncs a file in a directory that is still private to us. The caller syncs the directory.
Status write_private(const std::string& path, std::string_view content, mode_t mode = 0600);
// Makes `path` with this content appear as a whole and durably, only if it does not exist yet: true when it is ours,
// false when somebody was first. The arbiter of every race between keepers, plug-in and operator.
Result<bool> write_first(const std::string& path, std::string_view content);
// Renames durably within one file system; both directories are synced.
Status rename_durably(const std::string& from, const std::string& to);
Status sync_directory(const std::string& path);

Result<std::string> read_file(const std::string& path);
// Copies contents with mode 0600, durably.
Status copy_private(const std::string& from, const std::string& to);
Result<std::vector<std::string>> list(const std::string& directory);  // names, sorted
Status make_directories(const std::string& path, mode_t mode);        // those that exist are left as they are
// Removes a tree without following links; directories without write permission included. Missing is fine.
Status remove_tree(const std::string& path);

[[nodiscard]] std::string parent(const std::string& path);     // "/a/b" -> "/a"
[[nodiscard]] std::string base_name(const std::string& path);  // "/a/b" -> "b"

// Tests set this to be told before each step that changes the disk (and to die there).
using StepHook = void (*)(const char* step);
void set_step_hook(StepHook hook);
// A step of a caller's own: a fork, a signal.
void at_step(const char* step);

}  // namespace apf::local
