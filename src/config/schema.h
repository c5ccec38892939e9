// The option tables of the house: what each section has besides its plug-in's own options. Parsing, `apf plugins`
// and docs/configuration.md come from them.
//
// Thread-safety: constants.
#pragma once

#include <span>
#include <string_view>

#include "apf/options.h"

namespace apf::config {

struct SectionSchema {
  std::string_view kind;     // "factory", "wms", "batch", "monitor", "config", "queue"
  std::string_view heading;  // "[wms.NAME]"
  std::string_view summary;
  std::span<const OptionSpec> options;
};

// In the order of the documentation.
std::span<const SectionSchema> schemas();
// The table of a kind; empty for an unknown one.
std::span<const OptionSpec> house_options(std::string_view kind);

}  // namespace apf::config
