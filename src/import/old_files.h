// Finds and reads the configuration files of an AutoPyFactory: autopyfactory.conf names the others.
// Thread-safety: reads files; results are plain values.
#pragma once

#include <string>
#include <vector>

#include "import/ini.h"

namespace apf::import {

struct OldFiles {
  IniSection factory;  // [Factory]
  Ini queues;          // queueConf and queueDirConf
  Ini auth, monitor;   // authConf, monitorConf; empty when they are not there
  std::vector<std::string> notes;
};

// A file that is not where its name says is looked for beside `file`, as when somebody brings the files along.
// Adds to `errors`: "import.missing_file", "import.unreadable", and those of read_ini() and resolve().
OldFiles read_old_files(const std::string& file, config::Errors& errors);

}  // namespace apf::import
