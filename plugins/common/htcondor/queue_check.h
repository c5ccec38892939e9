// Compares a list of condor_q with the schedd's own count (RULES R5).
//
// Thread-safety: pure function of what the tool answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "apf/context.h"
#include "tools.h"

namespace apf::htcondor {

enum class Doubt : std::uint8_t { fewer, fewer_or_more };

// Asks for the totals only when `rows` differ from the `before` of the last good list, in a direction that is doubted,
// by more than max(10, 5 %). Errors: Kind::transient "htcondor.suspect" when the schedd's count contradicts the list by
// as much, and as of Tools::query() and parse_totals().
Status check_queue_rows(const Tools& tools, const std::string& constraint, std::size_t rows, std::size_t before,
                        Doubt doubt, Context& context);

}  // namespace apf::htcondor
