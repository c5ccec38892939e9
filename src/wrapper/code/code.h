// Gets a pilot's code onto the node: chooses the version, fetches it from the first address that gives the right thing,
// checks it, unpacks it.
//
// Thread-safety: the main thread.
#pragma once

#include <string>

#include "apf/result.h"
#include "wrapper/code/pilot_code.h"
#include "wrapper/plugin.h"

namespace apf::wrapper {

struct Code {
  std::string path{};     // a file, or a directory where it was unpacked
  std::string version{};  // "pilot3 3.11.5.1", for people
  bool development = false;
  bool is_directory = false;
};

// Sources are tried one after the other, then the next of the pilot types; each refusal is a line of the log. What is
// no archive stays a file and may be run. Directories are used where they are, and need the check "none".
// Errors: Kind::config "wrapper.bad_option", "wrapper.no_pilot_code" (nobody says which code); Kind::transient
// "wrapper.no_code": no source gave the right thing.
Result<Code> get_code(const Surroundings& around, bool test);
// What such an error means for the pilot.
Ending code_ending(const Error& error);

}  // namespace apf::wrapper
