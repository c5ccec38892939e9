// Reads configuration files of AutoPyFactory: the INI form of Python 2's SafeConfigParser with case-sensitive keys.
//
// `[section]`, `key = value` or `key: value`, lines that begin with a blank continue a value, `#`, `;` and `rem` begin
// a comment, ` ;` ends a value. What [DEFAULT] says holds in every section of its file. `%(key)s` stands for another
// value of the section; it is put in when a value is asked for, as there, so that a later file can change it.
//
// Thread-safety: plain values.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apf/options.h"
#include "config/load.h"

namespace apf::import {

struct IniValue {
  std::string text;  // raw: %(key)s as written
  Origin origin;
};

struct IniSection {
  std::string name;
  Origin origin;
  std::map<std::string, IniValue, std::less<>> values;  // those of [DEFAULT] are among them
};

struct Ini {
  std::vector<IniSection> sections;  // in the order of the files, without DEFAULT
  IniSection defaults;

  [[nodiscard]] const IniSection* find(std::string_view name) const;
  // Puts what [DEFAULT] says into every section that does not say it itself.
  void spread_defaults();
  // The sections of `later` win over these, key by key.
  void merge(Ini later);
};

// Reads a file into `ini`, over what is there; files that are read into one share their [DEFAULT]. Adds to `errors`
// what can't be read: "import.syntax" with file:line.
void read_ini(std::string_view text, const std::string& file, Ini& ini, config::Errors& errors);

// The value of a key with every %(key)s put in; nothing when the section does not have it. `used`, when given, is
// called with each key that was looked up. Errors: "import.interpolation".
Result<std::optional<std::string>> resolve(const IniSection& section, std::string_view key,
                                           std::vector<std::string>* used = nullptr);

}  // namespace apf::import
