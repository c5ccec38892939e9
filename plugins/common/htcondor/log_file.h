// Follows a file that others append to and rotate: NAME becomes NAME.1 (or NAME.old), NAME.1 becomes NAME.2 and so on.
// What was written before a rotation is read to its end before the next file is; a file that was cut, replaced or
// rotated away before it was read is a loss that is told. A writer that missed the rotation may add to a file that was
// left: such files are kept open for a while.
//
// Waits by inotify; where that is not to be had (or does not see: a network file system), by looking every 20 ms
// (250 ms).
// Thread-safety: one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apf/result.h"
#include "apf/time.h"

namespace apf::htcondor {

// A descriptor that closes itself.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();

  [[nodiscard]] int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int release();
  int fd_ = -1;
};

class LogFile {
 public:
  explicit LogFile(std::string path) : path_(std::move(path)) {}

  // Starts at a bookmark; at the end of what is there when it is empty, one byte before it, which tells whether a line
  // ended there. False: the place that the bookmark means is gone, and the follower starts at the end.
  // A file that is not there yet is waited for.
  // Errors: Kind::config "htcondor.event_log_missing" (not even its directory is there), Kind::config or ::transient
  // "htcondor.event_log_unreadable".
  Result<bool> open(const std::string& bookmark);

  enum class What : std::uint8_t {
    nothing,  // there is nothing new at the moment
    bytes,    // the text goes on
    next,     // the next file follows: the text of this one has ended
    lost,     // some text was lost; what follows begins at the start of a file
  };
  struct Piece {
    What what = What::nothing;
    std::string_view bytes;  // valid until the next call
  };
  // Errors as of open().
  Result<Piece> read();

  struct Identity {
    std::uint64_t inode = 0;
    std::int64_t born_ns = 0;  // 0: the file system does not tell
    bool operator==(const Identity&) const = default;
  };
  // A file that was left: what it may still get begins at `offset`. Its reader moves that on, and drops the file.
  struct Left {
    Descriptor fd;
    Identity identity;
    std::uint64_t offset = 0;
    Mono since{};
  };
  // Oldest first. At most 8 are kept; then the oldest goes.
  std::vector<Left>& left() { return left_; }
  // What stands behind its offset, at most 64 kB of it.
  static std::string rest(const Left& file);

  // Reads what there is without looking at it; true when there was anything. Errors as of open().
  Result<bool> skip();

  // Waits until there may be something, at most `most` and never longer than 250 ms.
  void wait(Duration most);

  // False while the disk of the log is full: its writers then drop what they can't write.
  [[nodiscard]] bool can_grow() const;

  // The place `back` bytes before what was read, of the present file: inode, offset, time of birth and a check value of
  // what stands before it (RULES R15); then the places of those that were left.
  [[nodiscard]] std::string bookmark(std::uint64_t back) const;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t offset() const { return offset_; }

 private:
  struct Found {
    Descriptor fd;
    Identity identity;
    std::string name;
  };
  struct Listed {
    std::string name;
    std::uint64_t inode = 0;
  };

  static std::optional<Identity> identify(int fd);
  [[nodiscard]] Result<Found> open_file(const std::string& name) const;
  [[nodiscard]] std::vector<Listed> list() const;
  [[nodiscard]] bool as_it_was() const;
  bool recognise(const std::string& bookmark);
  void take(Found found, std::uint64_t offset);
  void leave();
  Result<Piece> first_file();
  Result<Piece> at_end();
  Result<Piece> successor();
  Result<Piece> vanished(const std::vector<Listed>& files);
  void watch();

  std::string path_;
  Descriptor file_;
  Identity identity_;
  std::uint64_t offset_ = 0;
  std::string tail_;  // the last bytes that were read, to notice that they changed

  std::optional<Found> next_;  // the file that follows, once the present one was rotated
  Mono rotated_{};             // when that was noticed
  bool was_rotated_ = false;   // the present file was seen under another name than path_
  bool looking_ = false;       // for the file that follows

  std::vector<Left> left_;

  std::string space_;
  Descriptor inotify_;
  int watched_ = -1;
  bool fresh_ = false;  // the watch is new: look again before waiting
};

}  // namespace apf::htcondor
