// Pilots that ended, in the order in which they were noticed: files <number>.log of some 4000 lines each. Reading on
// from a cursor costs what is new, however many old ones there are; files leave as a whole when they are old.
//
// A line counts when it is whole (its record's seal). Appending again what already stands there is harmless.
// Thread-safety: one thread; other processes may append too when the caller holds a lock.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "apf/result.h"
#include "keeper/record.h"

namespace apf::local {

class EndedLog {
 public:
  explicit EndedLog(std::string directory, std::int64_t segment_bytes = std::int64_t{1} << 20)
      : directory_(std::move(directory)), segment_bytes_(segment_bytes) {}

  // Durable when it returns.
  Status append(std::span<const Record> records) const;

  // Calls `each` for all records after the cursor ("" or a cursor whose file has gone: from the oldest); returns the
  // next cursor.
  Result<std::string> read(const std::string& cursor, const std::function<void(const Record&)>& each) const;

  // Removes files last written before `before_ms` (wall clock), the newest excepted: its number lives on.
  Status clean(std::int64_t before_ms) const;

 private:
  [[nodiscard]] Result<std::vector<std::int64_t>> segments() const;
  [[nodiscard]] std::string path(std::int64_t segment) const;

  std::string directory_;
  std::int64_t segment_bytes_;
};

}  // namespace apf::local
