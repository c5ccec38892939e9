// Flavours of submission: what kind of job a pilot is to HTCondor, and which options of a queue each of them takes.
//
// Source: condor_submit's manual (grid universe). Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <string>

#include "apf/options.h"

namespace apf::batch_htcondor {

// Bits, so that a set of flavours is one number.
enum class Flavour : std::uint8_t {
  vanilla = 1,  // a job of the schedd's own pool
  condor = 2,   // grid universe: handed to another schedd, or to an HTCondor-CE
  arc = 4,      // grid universe: an ARC CE, by its REST interface
  batch = 8,    // grid universe: Slurm, PBS, LSF or Grid Engine, on the schedd's host or over ssh
};
const char* name(Flavour flavour);
inline bool is_grid(Flavour flavour) { return flavour != Flavour::vanilla; }

// The flavour that the options of scope queue ask for. Errors, Kind::config: "htcondor.retired" for middleware that
// HTCondor does not talk to any more (names the successor), "htcondor.bad_option" for an unknown flavour, an option of
// another flavour, or one that is missing.
Result<Flavour> flavour_of(const Options& submit);

// The value of grid_resource, ready for the description; each part is one word.
Result<std::string> grid_resource(Flavour flavour, const Options& submit);

}  // namespace apf::batch_htcondor
