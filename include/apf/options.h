// Option tables: a plug-in declares each of its options once; parsing, validation, documentation
// (`apf plugins`), the reference in docs/ and the masking of secrets all come from the table.
//
//   constexpr OptionSpec options[] = {
//       {.name = "interval", .type = OptionType::duration, .fallback = "30s", .doc = "time between polls"},
//   };
//
// Thread-safety: Options is a plain value; const access from several threads is safe.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "apf/result.h"
#include "apf/time.h"

namespace apf {

enum class OptionType : std::uint8_t {
  boolean,
  integer,
  real,
  text,
  duration,  // "30s", "5 min", "2h", "1d", "1 h 30 min"; a bare number but 0 is an error: units are part of the value
  size,      // bytes: "512 MB", "2 GB", "1 GiB"; a bare number counts bytes
  path,      // text: a file or directory; a relative one is taken from the folder of the file that names it
  list,      // of text
  paths,     // list of path
  table,     // of text to text: environment, free attributes
};

// Where an option may stand: in the section of the source, or in a queue (`submit = {...}` for batch).
enum class Scope : std::uint8_t { source, queue };

struct OptionSpec {
  std::string_view name;
  OptionType type = OptionType::text;
  std::string_view fallback = {};  // default in the form a user writes it; empty: unset
  std::string_view doc = {};       // one sentence, lower-case, without a full stop
  std::string_view unit = {};      // "pilots", "per minute"; shown, never parsed
  Scope scope = Scope::source;
  bool secret = false;  // masked wherever it is shown
  bool required = false;
  double minimum = -std::numeric_limits<double>::infinity();  // for integer, real, duration (s), size (B)
  double maximum = std::numeric_limits<double>::infinity();
  std::string_view choices = {};  // "none|pending|running" for text
};

using Table = std::map<std::string, std::string>;
using OptionValue = std::variant<bool, std::int64_t, double, std::string, Duration, std::vector<std::string>, Table>;

// Where a value came from, for error messages and `apf check --show`.
struct Origin {
  std::string file;  // "built-in" for a default
  int line = 0;
  [[nodiscard]] std::string text() const;  // "file:line"
};

// The validated options of one section: every declared option that has a default or was given is there,
// with the declared type. Asking for an undeclared name or the wrong type is a bug and throws std::logic_error.
class Options {
 public:
  struct Entry {
    OptionValue value;
    Origin origin;
    bool secret = false;
    bool given = false;  // by a person, not by the table
  };

  [[nodiscard]] bool has(std::string_view name) const;
  [[nodiscard]] bool flag(std::string_view name) const;
  [[nodiscard]] std::int64_t integer(std::string_view name) const;  // integer and size (bytes)
  [[nodiscard]] double real(std::string_view name) const;           // real, or integer widened
  [[nodiscard]] const std::string& text(std::string_view name) const;
  [[nodiscard]] Duration duration(std::string_view name) const;
  [[nodiscard]] const std::vector<std::string>& list(std::string_view name) const;
  [[nodiscard]] const Table& table(std::string_view name) const;
  // The value if it is set, else `otherwise`.
  [[nodiscard]] std::int64_t integer_or(std::string_view name, std::int64_t otherwise) const;
  [[nodiscard]] std::string text_or(std::string_view name, const std::string& otherwise) const;

  void set(std::string name, OptionValue value, Origin origin = {}, bool secret = false, bool given = true);
  [[nodiscard]] const std::map<std::string, Entry, std::less<>>& entries() const { return entries_; }

  // Equal values; origins do not count (a moved line is no change).
  friend bool operator==(const Options& a, const Options& b);

 private:
  const OptionValue& at(std::string_view name) const;
  std::map<std::string, Entry, std::less<>> entries_;
};

// Parsers of values with units, shared by every program. Errors: Kind::config, code "config.bad_value".
Result<Duration> parse_duration(std::string_view text);
Result<std::int64_t> parse_size(std::string_view text);
// A value for people, in a form that the parsers above read again; secrets become "***".
std::string show(const OptionValue& value, bool secret = false);
// The largest unit without a remainder: "90 s", "5 min"; "1 GiB", "512 MB". Exact, unlike human() of apf/time.h.
std::string show_duration(Duration d);
std::string show_size(std::int64_t bytes);

}  // namespace apf
