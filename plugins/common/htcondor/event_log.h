// Follows a schedd's event log in JSON form, or a user log in XML form: its objects in order, whatever happens to the
// file. Who only wants to know that something happened in the schedd follows the LogFile itself. Thread-safety: one
// thread at a time.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "event.h"
#include "log_file.h"

namespace apf::htcondor {

class EventLog {
 public:
  // `late`: how long a file is looked at after it was rotated and read.
  explicit EventLog(std::string path, Duration late = seconds{10}) : file_(std::move(path)), most_late_(late) {}

  // Starts at a bookmark, or with what happens from now on when it is empty. Errors: as LogFile::open(), and
  // Kind::config "htcondor.event_log_format" when the log is in neither form.
  Status open(const std::string& bookmark);

  // The next object, or nothing when there is no more at the moment; valid until the next call.
  Result<std::optional<std::string_view>> next();
  // Waits until there may be more: at most `most`, never longer than 250 ms.
  void wait(Duration most) { file_.wait(most); }

  // What was lost since the last call, for people: a file cut, deleted or rotated away, text that is no object. Empty:
  // nothing.
  std::string take_gap();
  // False while the disk of the log is full: its writers then drop what they can't write.
  [[nodiscard]] bool can_grow() const { return file_.can_grow(); }
  // After the object that the last next() gave, and before it: places for open(), also after a restart.
  [[nodiscard]] std::string bookmark() const { return file_.bookmark(splitter_.pending()); }
  [[nodiscard]] std::string bookmark_before();
  // How much of the present file was read, in bytes.
  [[nodiscard]] std::uint64_t place() const { return file_.offset() - splitter_.pending(); }
  [[nodiscard]] const std::string& path() const { return file_.path(); }

 private:
  std::optional<std::string_view> next_late();

  LogFile file_;
  Duration most_late_;
  ObjectSplitter splitter_, late_;
  std::size_t object_ = 0;           // bytes of the object that the last next() gave
  std::optional<std::size_t> from_;  // the file that was left that it is from
  std::uint64_t damages_ = 0;
  std::string gap_;
};

}  // namespace apf::htcondor
