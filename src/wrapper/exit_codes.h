// Exit codes of apf-wrapper and apf-bootstrap.sh; docs: docs/wrapper.md. The factory reads them in core/verdict.cc.
// Numbers above 63 mean what they mean to PanDA's pilot.
//
// A payload's failure is not the pilot's: it goes to the WMS. CEs count every code but 0 as a failed job, so a pilot
// whose payloads failed, and one that found no work, end with 0, and the last line of the log tells them apart
// ("outcome"). With --wrapperexit telling the exit code does, too.
//
// A pilot that was told to end by signal N exits with 128 + N after it has cleaned up.
#pragma once

namespace apf::wrapper {

enum Exit : int {
  kDone = 0,           // work done, or none found ("payloads":0)
  kFault = 1,          // the wrapper's own fault
  kUsage = 2,          // wrong options: the queue's configuration
  kNodeFault = 64,     // this node can't run pilots: a check failed, no curl, wrapper not fetched or not runnable
  kPayloadFault = 65,  // every payload failed (--wrapperexit telling)
  kCredential = 68,    // token or proxy missing, unreadable, about to end or refused
  kWmsFault = 79,      // WMS out of reach or refusing
  kNoWork = 82,        // there was no work (--wrapperexit telling)
  kBySignal = 128,
};

}  // namespace apf::wrapper
