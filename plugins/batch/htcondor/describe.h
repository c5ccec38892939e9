// Writes the submit description of one submission: vanilla universe, one cluster of n pilots.
//
// Thread-safety: pure functions.
#pragma once

#include <string>

#include "apf/batch.h"
#include "protocol/launch.h"

namespace apf::batch_htcondor {

struct Described {
  std::string text;     // the submit description, `queue n` as its last line
  std::string log_dir;  // must exist before the submission
};

// `key_file`: path of the report key's file (named protocol::kReportKeyFile), `input_files`: the queue's, as the
// submitting account can read them. Errors: Kind::config "htcondor.bad_text" or "htcondor.bad_option".
Result<Described> describe(const SubmitOrder& order, const std::string& key_file,
                           const std::vector<std::string>& input_files);

}  // namespace apf::batch_htcondor
