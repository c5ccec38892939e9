// A pilot that runs nothing: the checks of the node, which come before every plug-in, are all of it. For trying a new
// site, and for probing a node.
#pragma once

#include "wrapper/plugin.h"

namespace apf::wrapper {

class Trivial final : public Plugin {
 public:
  explicit Trivial(const Surroundings& /*around*/) {}
  Summary run() override { return {.reason = "node checked"}; }
};

}  // namespace apf::wrapper
