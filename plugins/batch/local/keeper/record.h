// The text form of everything that batch/local writes down: named values in order, `name=value`, one a line in a file
// or one between tabs in a log line. A record ends with a seal, so that a torn one is never taken for a whole one.
//
// Thread-safety: plain values. No dependency beyond the C++ library: apf-keeper links this statically.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace apf::local {

class Record {
 public:
  void add(std::string_view name, std::string_view value) { fields_.emplace_back(name, value); }
  void add(std::string_view name, std::int64_t value) { fields_.emplace_back(name, std::to_string(value)); }

  [[nodiscard]] const std::string& text(std::string_view name) const;  // "" when it is not there
  [[nodiscard]] std::int64_t number(std::string_view name, std::int64_t otherwise = 0) const;
  [[nodiscard]] std::vector<std::string> all(std::string_view name) const;  // a name may occur several times

  // Values may hold any byte but NUL; names are [a-z_]. `separator`: '\n' in files, '\t' in log lines.
  [[nodiscard]] std::string encode(char separator) const;
  // Nothing when the seal is missing or a field is malformed.
  static std::optional<Record> decode(std::string_view text, char separator);

  bool operator==(const Record&) const = default;

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

}  // namespace apf::local
