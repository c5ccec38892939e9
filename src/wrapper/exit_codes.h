// Exit codes of apf-wrapper and apf-bootstrap.sh; docs: docs/wrapper.md. A payload's failure is not the pilot's:
// it goes to the WMS and leaves the wrapper's exit code alone. Numbers above 63 mean what they mean to PanDA's pilot.
//
// A pilot that was told to end by signal N exits with 128 + N after it has cleaned up.
#pragma once

namespace apf::wrapper {

enum Exit : int {
  kDone = 0,         // work done, or none found ("payloads":0)
  kFault = 1,        // the wrapper's own fault
  kUsage = 2,        // wrong options: the queue's configuration
  kNodeFault = 64,   // this node can't run pilots: no curl, no scratch space, wrapper not fetched or not runnable
  kCredential = 68,  // token missing, unreadable or refused
  kWmsFault = 79,    // WMS out of reach or refusing
  kBySignal = 128,
};

}  // namespace apf::wrapper
