// The lookup table: which kind of pilot, with which types of pilot code, runs where. lookup.conf of the tarball:
//
//   # SITE     QUEUE   GRID  PROJECT  PLUGIN   PILOTTYPE
//   *          *       *     atlas    panda    pilot3
//   BNL_*      *       OSG   *        panda    pilot3,pilot3-old
//   LAB        *       *     *        trivial  -
//
// '*' stands for anything, also inside a word. The most specific row wins: more columns that are written out, then
// more with a part written out, then the one that is more specific further left, then the longer text; of rows alike
// in all that, the first. "-": no pilot code.
//
// Thread-safety: pure functions.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apf/result.h"

namespace apf::wrapper {

struct LookupRow {
  std::array<std::string, 4> where{};  // site, queue, grid, project
  std::string plugin{};
  std::vector<std::string> pilot_types{};
  std::string line{};  // "lookup.conf:3"
};

// Error: Kind::config "wrapper.bad_table", also for a plug-in that there isn't and for two rows alike.
Result<std::vector<LookupRow>> read_lookup(std::string_view text);
// nullptr: no row fits.
const LookupRow* look_up(const std::vector<LookupRow>& rows, const std::array<std::string, 4>& here);

// Does '*' in `pattern` stand for what is missing to `text`?
bool matches(std::string_view pattern, std::string_view text);

}  // namespace apf::wrapper
