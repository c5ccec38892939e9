// A configuration as read, before anybody asked what it means: a tree of values, each with the place it stands at.
// Everything that looks like configuration becomes this: TOML files, queues from config plug-ins, `apf decide`'s JSON.
//
// Thread-safety: plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "apf/options.h"
#include "apf/result.h"

namespace apf::config {

struct Member;
struct Other {  // a date or time, which no option takes
  std::string kind;
};

struct Value {
  using List = std::vector<Value>;
  using Members = std::vector<Member>;                                               // in the order of the file
  std::variant<bool, std::int64_t, double, std::string, List, Members, Other> data;  // (clang: no initialiser here)
  Origin origin;
  std::string folder;      // relative paths start here
  bool inherited = false;  // stands in [defaults]; see merge()

  [[nodiscard]] const Members* table() const { return std::get_if<Members>(&data); }
  [[nodiscard]] const List* list() const { return std::get_if<List>(&data); }
  [[nodiscard]] const Value* find(std::string_view key) const;  // in a table; null otherwise
  [[nodiscard]] const char* kind() const;                       // "a table", "an integer": for messages
};

struct Member {
  std::string key;
  Value value;
  Origin origin;  // of the key
};

// `over` wins: tables merge, everything else (lists too) replaces (RULES R16).
Value merge(Value base, const Value& over);

// Parses TOML 1.0. `folder` is what relative paths in it start from. Errors: "config.syntax" with file:line.
Result<Value> parse_toml(std::string_view text, const std::string& file, const std::string& folder);

}  // namespace apf::config
