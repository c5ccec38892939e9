// Stands by a running payload until it ends; signals of the batch system go on to it.
//
// Thread-safety: the main thread only (signals).
#pragma once

#include <functional>

#include "wrapper/payload/guard_protocol.h"
#include "wrapper/payload/payload.h"

namespace apf::wrapper {

struct Watched {
  Outcome outcome{};
  int told_by = 0;  // signal of the batch system that ended the payload; 0: none
};
// `every_second` is called about so often meanwhile.
Watched watch(Payload& payload, const std::function<void()>& every_second = {});

}  // namespace apf::wrapper
