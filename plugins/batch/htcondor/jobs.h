// Which jobs of a schedd are meant: conditions and counts.
//
// Thread-safety: pure functions of what the tools answer.
#pragma once

#include <cstdint>
#include <string>

#include "apf/batch.h"
#include "htcondor/tools.h"

namespace apf::batch_htcondor {

// The condition of all pilots of this factory. Errors: Kind::config "htcondor.bad_text".
Result<std::string> of_factory(const FactoryIdentity& me);

// How many jobs of the queue fulfil it. Errors as of Tools::query().
Result<std::int64_t> count_jobs(const htcondor::Tools& tools, const std::string& constraint, Context& context);

}  // namespace apf::batch_htcondor
