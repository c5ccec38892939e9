// Makes a configuration of ours from one of AutoPyFactory (`apf import`). What is kept, what changes and what has no
// counterpart: docs/autopyfactory.md. A queue whose meaning can't be kept decides in shadow mode only, or is left out.
//
// Source of keys and defaults: AutoPyFactory 2.4's plug-ins and sample files.
// Thread-safety: reads files; pure otherwise.
#pragma once

#include <string>
#include <vector>

#include "config/load.h"
#include "import/old_files.h"

namespace apf::import {

struct Imported {
  std::string toml;                // the whole file
  std::vector<std::string> notes;  // "queues.conf:12: ...": what a person should know or decide; also in the text
  int queues = 0, left_out = 0;
};

// `file`: autopyfactory.conf. Errors, Kind::config: "import.*" with file:line, all at once.
tl::expected<Imported, config::Errors> import_autopyfactory(const std::string& file, const Registry& registry);

// The same from what was read. Pure.
tl::expected<Imported, config::Errors> import_files(const OldFiles& old, const Registry& registry);

}  // namespace apf::import
