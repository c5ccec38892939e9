// The part of a submit description that differs between flavours: conditions, and what only one of them has.
//
// Thread-safety: pure functions.
#pragma once

#include "apf/batch.h"
#include "flavour.h"
#include "lines.h"

namespace apf::batch_htcondor {

void flavour_lines(Lines& lines, Flavour flavour, const SubmitOrder& order);

}  // namespace apf::batch_htcondor
