// A part of a file on another server: what is asked for, and what of the answer's bytes is it. Handles servers that
// know ranges (RFC 9110 14) and those that send the whole file.
//
// Thread-safety: a LogReader belongs to one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "apf/context.h"
#include "apf/result.h"

namespace apf::monitor {

constexpr std::uint64_t kMostLog = std::uint64_t{256} << 10U;  // bytes of a part
constexpr std::uint64_t kMostRead = std::uint64_t{64} << 20U;  // of a server that knows no ranges

struct LogAsk {
  std::optional<std::uint64_t> from;  // unset: the end of the file
  std::uint64_t most = std::uint64_t{64} << 10U;
  [[nodiscard]] std::string range() const;  // "bytes=-65536"
};

struct LogPart {
  std::uint64_t from = 0, to = 0;     // bytes of the file
  std::optional<std::uint64_t> size;  // of the file; unset: not told
  std::string text;
};

// Content-Range: "bytes 0-99/1000", "bytes 0-99/*", "bytes */1000".
struct ContentRange {
  std::optional<std::uint64_t> first, last, size;
};
std::optional<ContentRange> read_content_range(std::string_view text);

class LogReader {
 public:
  explicit LogReader(const LogAsk& ask) : ask_(ask) {}
  // False: the rest is not needed.
  bool take(const HttpReply& head, std::string_view piece);
  // After the exchange. Cut so that characters of UTF-8 stay whole. Errors (permanent, transient): "logs.no_file",
  // "logs.status", "logs.redirect", "logs.packed", "logs.bad_range", "logs.too_long".
  [[nodiscard]] Result<LogPart> finish(const HttpReply& head);

 private:
  void begin(const HttpReply& head);
  [[nodiscard]] Status judge(const HttpReply& head) const;
  LogAsk ask_;
  bool begun_ = false, whole_ = false, over_ = false;
  std::uint64_t seen_ = 0, from_ = 0;
  std::optional<std::uint64_t> size_;
  std::string text_;
};

}  // namespace apf::monitor
