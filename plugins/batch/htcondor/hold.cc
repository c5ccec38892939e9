#include "hold.h"

#include <cerrno>

namespace apf::batch_htcondor {

HoldKind hold_kind(std::int64_t code, std::int64_t subcode) {
  switch (code) {
    case 1:   // condor_hold
    case 15:  // submitted on hold
      return HoldKind::people;
    case 6:  // the executable could not be started: a subcode is errno, and a file of the wrong format stays one
      return subcode == ENOEXEC ? HoldKind::permanent : HoldKind::passing;
    case 3:   // the job's own policy
    case 5:   // ... evaluates to undefined
    case 17:  // job and shadow do not fit
    case 20:  // a deferred start was missed
    case 24:  // no shadow for such a job
    case 25:  // bad cron settings
    case 26:  // the schedd's policy
    case 27:  // ... evaluates to undefined
    case 32:  // input too large
    case 33:  // output too large
    case 34:  // more memory or disk than asked for
    case 35:  // bad container image
    case 46:  // longest time in the queue
    case 47:  // longest run time
      return HoldKind::permanent;
    default:  // files, credentials, connections, nodes: another try may work
      return HoldKind::passing;
  }
}

}  // namespace apf::batch_htcondor
