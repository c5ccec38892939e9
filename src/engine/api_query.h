// Questions of the HTTP API: query parameters, read strictly. Unknown ones are errors, so that a misspelt filter does
// not silently match everything.
//
// Thread-safety: pure functions.
#pragma once

#include <map>
#include <string>

#include "apf/result.h"
#include "engine/ledger_reader.h"

namespace apf::engine {

using Query = std::multimap<std::string, std::string>;

struct PilotQuestion {
  PilotFilter filter;  // most: one more than limit + offset, so that the answer knows whether more follow
  std::size_t offset = 0, limit = 0;
};
// queue, batch, batch_id, submission, node, state (a,b), ended, missing, submitted_before_ms, limit, offset, after.
// Kind::permanent "api.bad_request".
Result<PilotQuestion> read_pilot_question(const Query& query);

struct DecisionQuestion {
  std::string queue;  // empty: all
  std::size_t limit = 0;
};
Result<DecisionQuestion> read_decision_question(const Query& query);

}  // namespace apf::engine
