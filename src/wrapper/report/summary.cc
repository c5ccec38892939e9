#include "wrapper/report/summary.h"

#include "wrapper/exit_codes.h"

namespace apf::wrapper {
namespace {

bool no_work(const Summary& s) { return s.payloads == 0 && s.reason == kReasonNoWork; }
bool all_failed(const Summary& s) { return s.payloads > 0 && s.failed >= s.payloads; }

}  // namespace

const char* outcome(const Summary& s) {
  if (s.rc > kBySignal) return "told_to_end";
  switch (s.rc) {
    case kDone: return no_work(s) ? "no_work" : all_failed(s) ? "payload_fault" : "done";
    case kUsage: return "configuration";
    case kNodeFault: return "node_fault";
    case kPayloadFault: return "payload_fault";
    case kCredential: return "credential_fault";
    case kWmsFault: return "wms_fault";
    case kNoWork: return "no_work";
    default: return "wrapper_fault";
  }
}

int exit_code(const Summary& s, bool telling) {
  if (!telling || s.rc != kDone) return s.rc;
  return no_work(s) ? kNoWork : all_failed(s) ? kPayloadFault : kDone;
}

}  // namespace apf::wrapper
