// When sources are polled, and whether what they said still counts. For the core only.
#pragma once

#include "core/state.h"

namespace apf::core {

// The last trusted view is not older than max_age.
bool fresh(const SourceBase& source, Duration max_age, Mono now);
// Somebody still wants to know what runs there.
bool polled(const FactoryState& s, const BatchState& b);
// Emits the polls that are due.
void poll(FactoryState& s, Mono now, std::vector<Effect>& out);
// When the next poll or look-up is due.
Mono next_poll(const FactoryState& s);

}  // namespace apf::core
