// Asking a section of the original's files for values, so that what nobody asked for can be told.
// Thread-safety: one thread.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "import/ini.h"

namespace apf::import {

// Lines of files that somebody asked for.
using Used = std::set<std::pair<std::string, int>>;

class Keys {
 public:
  Keys(const IniSection& section, Used& used, config::Errors& errors)
      : section_(section), used_(used), errors_(errors) {}

  // The value with its %(key)s put in; nothing when it is absent, empty or None.
  std::optional<std::string> get(std::string_view key) const;
  std::optional<std::int64_t> whole(std::string_view key) const;
  bool truth(std::string_view key, bool absent) const;
  // Keys that begin so, with the rest of their names.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> under(std::string_view prefix) const;

  [[nodiscard]] std::string where(std::string_view key) const;  // "queues.conf:12"
  void wrong(std::string_view key, std::string what) const;
  [[nodiscard]] const IniSection& section() const { return section_; }

 private:
  const IniSection& section_;
  Used& used_;
  config::Errors& errors_;
};

}  // namespace apf::import
