// What came with the wrapper in its tarball: the lookup table and the versions of pilot code.
//
// Thread-safety: at start only.
#pragma once

#include <string>
#include <vector>

#include "wrapper/code/lookup.h"
#include "wrapper/code/pilot_code.h"
#include "wrapper/options/options.h"

namespace apf::wrapper {

struct Kit {
  std::vector<LookupRow> rows;
  std::vector<PilotVersion> versions;
  std::vector<std::string> types;  // of pilot code, as the lookup table says for this pilot
  std::string plugin = "generic";  // as the options say, else the table
};

// Reads the files of Options::home, removes that directory, and looks the pilot up. Errors: Kind::config
// "wrapper.bad_table".
Result<Kit> take_kit(const Options& options);

// Removes the directory, if by its name it is one of the bootstrap's: a wrong word on a command line shall not remove
// anything else.
void remove_home(const std::string& directory);

}  // namespace apf::wrapper
