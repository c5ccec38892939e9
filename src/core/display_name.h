// How a sched plug-in is called in messages. Configuration writes names in lower case; the messages keep the
// original's spelling, since people (and their scripts) know them so.
//
// Thread-safety: pure function.
#pragma once

#include <string>
#include <string_view>

namespace apf::core {

// "maxpercycle" -> "MaxPerCycle"; a name that the original does not have gets a capital: "trickle" -> "Trickle".
std::string display_name(std::string_view plugin);

}  // namespace apf::core
