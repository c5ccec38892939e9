// Where a schedd writes its event log, and whether it says there what is needed.
//
// Thread-safety: pure function of what the tools answer.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "apf/context.h"
#include "apf/options.h"
#include "tools.h"

namespace apf::htcondor {

// The option event_log: "auto", "none" or a full path. Errors: Kind::config "htcondor.bad_option".
Result<std::string> event_log_option(const Options& options);

// Asks the schedd (condor_config_val). `attributes`: what EVENT_LOG_JOB_AD_INFORMATION_ATTRS has to name. Errors:
// Kind::transient as of Tools::query(); Kind::config "htcondor.event_log_none" (it writes none),
// "htcondor.event_log_format", "htcondor.event_log_attributes", "htcondor.event_log_elsewhere" (on another machine),
// "htcondor.event_log_untold".
Result<std::string> locate_event_log(const Tools& tools, std::span<const std::string_view> attributes,
                                     Context& context);

// As above for a reader who only wants to know that something happened: in whatever form the log is. Errors: as above
// without those of form and attributes.
Result<std::string> find_event_log(const Tools& tools, Context& context);

}  // namespace apf::htcondor
