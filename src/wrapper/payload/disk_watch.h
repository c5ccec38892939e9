// Watches what a payload writes, from a thread of the guardian's own, for a look at a dead file system may hang and
// limits have to hold meanwhile:
//
//   - Its two streams are files that may grow without end. Each keeps its start and its end: what lies between is
//     punched out of the file, which so takes no more of the disk than it may. Where the file system can't do that, the
//     payload is ended.
//   - Its directory, and what is left of the disk.
//   - Whether it still does anything: its output grows, or its heartbeat file changes.
//
// Thread-safety: made and asked by one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "apf/time.h"
#include "wrapper/payload/guard_protocol.h"

namespace apf::wrapper {

struct DiskLimits {
  std::int64_t most_output = 0;   // bytes of each stream; 0: no limit
  std::int64_t most_scratch = 0;  // bytes in the directory; 0: no limit
  std::int64_t least_free = 0;    // bytes
  Duration stuck{};               // 0: no limit
  std::string heartbeat{};        // a file besides the streams that shows life; empty: none
};

class DiskWatch {
 public:
  // Begins at once. The descriptors of the streams stay the caller's.
  DiskWatch(DiskLimits limits, std::string directory, int out, int err);
  DiskWatch(const DiskWatch&) = delete;
  DiskWatch& operator=(const DiskWatch&) = delete;
  ~DiskWatch();  // does not wait for a look that hangs

  // Why the payload has to end: output, disk, scratch or stuck; exited: it need not.
  [[nodiscard]] Reason verdict() const;

 private:
  struct Shared;  // with the thread, which may live longer
  std::shared_ptr<Shared> shared_;
};

// Keeps the first fourth and the last half of `most` bytes of a file that takes more; false: the file system can't.
bool keep_ends(int fd, std::int64_t most);
// Bytes on the disk of all below a directory, links not followed, other file systems left out.
std::int64_t disk_use(const std::string& directory);

}  // namespace apf::wrapper
