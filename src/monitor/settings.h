// What can be configured: monitor.toml, one section a part of the program. Every option has a default, so that no file
// is needed at all. Parsing and the words of errors come from the option tables.
//
// Thread-safety: plain values; functions from any thread.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "apf/options.h"

namespace apf::monitor {

struct SectionSpec {
  std::string_view name;     // "[server]" without brackets
  std::string_view summary;  // for the documentation
  std::span<const OptionSpec> options;
};
// In the order of the documentation. A new part adds its table here (settings.cc).
std::span<const SectionSpec> sections();

class Settings {
 public:
  [[nodiscard]] const Options& section(std::string_view name) const;  // one of sections()
  std::map<std::string, Options, std::less<>> all;
};

// `file` may be empty: defaults. Errors: "config.*", those of src/config; all that is wrong in one error's text.
Result<Settings> load_settings(const std::string& file);
Result<Settings> parse_settings(std::string_view toml, const std::string& file, const std::string& folder);

}  // namespace apf::monitor
