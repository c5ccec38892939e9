// Nodes that ruin pilots (RULES R11), where we choose nodes: vanilla pilots carry the list as an attribute and refer to
// it in their requirements, so that one condor_qedit changes it for all that wait.
//
// Thread-safety: pure functions.
#pragma once

#include <span>
#include <string>

namespace apf::batch_htcondor {

// What the requirements of a pilot hold: no node whose name, in full or up to its first dot, is on the pilot's list.
constexpr const char* kNotAvoided =
    "!stringListIMember(TARGET.Machine, MY.APF_AVOID) && "
    "!stringListIMember(split(TARGET.Machine, \".\")[0], MY.APF_AVOID)";

// The value of APF_AVOID. Names of nodes come from outside: what is no host's name is left out.
std::string node_list(std::span<const std::string> nodes);

}  // namespace apf::batch_htcondor
