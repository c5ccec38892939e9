#include "jobs.h"

#include <algorithm>

#include "htcondor/text.h"

namespace apf::batch_htcondor {

Result<std::string> of_factory(const FactoryIdentity& me) {
  return htcondor::constraint_string(me.factory_id, "the factory's id").map([](const std::string& id) {
    return "APF_FACTORY_ID =?= " + id;
  });
}

Result<std::int64_t> count_jobs(const htcondor::Tools& tools, const std::string& constraint, Context& context) {
  return tools.query("condor_q", {"-allusers", "-constraint", constraint, "-af", "ClusterId"}, context)
      .map([](const std::string& rows) { return std::count(rows.begin(), rows.end(), '\n'); });
}

}  // namespace apf::batch_htcondor
