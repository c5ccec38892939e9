// Writes the submit description of one submission: one cluster of n pilots, of the flavour that the queue asks for.
//
// Thread-safety: pure functions.
#pragma once

#include <string>
#include <vector>

#include "apf/batch.h"
#include "protocol/launch.h"

namespace apf::batch_htcondor {

struct Described {
  std::string text;     // the submit description, `queue n` as its last line
  std::string log_dir;  // must exist before the submission
};

// The files of a submission, as the submitting account can read them.
struct Files {
  std::string key;                  // the report key's; it keeps its name beside the pilot
  std::vector<std::string> inputs;  // the queue's
  std::string proxy, token;         // the queue's credential: an X.509 proxy or a token; empty: none
  bool spooled = false;             // they travel through the schedd's spool, and output waits there
  std::string events = {};          // the log that the pilots write their events to; empty: none
  std::string directory = {};       // where BLAHP works
};

// Errors: Kind::config "htcondor.bad_text", "htcondor.bad_option" or "htcondor.retired".
Result<Described> describe(const SubmitOrder& order, const Files& files);

}  // namespace apf::batch_htcondor
