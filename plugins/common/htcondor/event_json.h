// The attributes of an event in JSON form.
//
// Thread-safety: pure function.
#pragma once

#include <string_view>

#include "event.h"

namespace apf::htcondor {

// Without those that are lists, tables or broken numbers; none when the text is no object.
EventAttributes attributes_of_json(std::string_view object);

}  // namespace apf::htcondor
