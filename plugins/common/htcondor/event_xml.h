// The attributes of an event in XML form, as HTCondor writes user logs with log_xml: one attribute a line, a string in
// it escaped twice, once as of ClassAds and once as of XML.
//
// Thread-safety: pure function.
#pragma once

#include <string_view>

#include "event.h"

namespace apf::htcondor {

// Without those that are lists or tables, and without lines that are no attribute.
EventAttributes attributes_of_xml(std::string_view object);

}  // namespace apf::htcondor
