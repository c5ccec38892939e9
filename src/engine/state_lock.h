// One factory a state directory: an advisory lock on <state_dir>/lock, held for the life of the process. The
// descriptor is close-on-exec, so pilots' keepers and other children never inherit it.
//
// Thread-safety: plain value; the lock belongs to the process.
#pragma once

#include <string>

#include "apf/result.h"

namespace apf::engine {

class StateLock {
 public:
  // Makes the directory (mode 0700) when it is missing. Kind::config "engine.locked" names the process that holds it.
  static Result<StateLock> take(const std::string& state_dir);
  StateLock(StateLock&& other) noexcept;
  StateLock& operator=(StateLock&& other) noexcept;
  ~StateLock();

 private:
  explicit StateLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

// Creates a directory and its parents with this mode; an existing directory is left as it is.
Status make_directories(const std::string& path, unsigned mode);

}  // namespace apf::engine
