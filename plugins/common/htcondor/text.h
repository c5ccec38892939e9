// Text that goes into HTCondor's languages: submit descriptions and ClassAd expressions. Values come from the
// configuration and may hold anything; what these functions return can't end a line, a string or a quoted argument,
// and expands no macro that the value itself brought along.
//
// Sources: condor_submit's manual (new argument and environment syntax, $(DOLLAR)), ClassAd "old" string syntax, whose
// only escape is \" (so a backslash before a quote or at the end can't be written and is refused).
// Errors: Kind::config, code "htcondor.bad_text"; `what` names the value by the given label.
// Thread-safety: pure functions.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "apf/result.h"

namespace apf::htcondor {

// Stand-ins for HTCondor's own numbers inside otherwise literal text, as launch() is given them. Values of users can't
// hold control characters, so the two never meet.
constexpr const char* kPilotId = "\x01";  // becomes $(Cluster).$(Process)
constexpr const char* kIndex = "\x02";    // becomes $(Process)

// Refuses control characters (a tab is fine), which would end lines or be taken for the stand-ins above.
Status check_plain(std::string_view value, std::string_view label);

// ASCII letters in lower case.
std::string lower(std::string_view text);
// ASCII letters, digits and the signs of `also`, at least one of them.
bool is_word(std::string_view text, std::string_view also);
// A name of a job attribute or an environment variable: letters, digits and _, not beginning with a digit.
bool is_attribute(std::string_view text);

// A literal as the right side of a submit command: no leading or trailing blank, no continuation, '$' made literal.
Result<std::string> submit_text(std::string_view value, std::string_view label);
// An expression or raw value of the user: as above, but also balanced in its parentheses and quotes.
Result<std::string> submit_expression(std::string_view value, std::string_view label);
// A ClassAd string with its quotes, for the right side of `+Name =`.
Result<std::string> submit_string(std::string_view value, std::string_view label);

// The quoted forms for `arguments =` and `environment =`.
Result<std::string> submit_arguments(const std::vector<std::string>& arguments);
Result<std::string> submit_environment(const std::map<std::string, std::string>& environment);

// A ClassAd string for a -constraint; here nothing but ids is wanted: quotes and backslashes are refused.
Result<std::string> constraint_string(std::string_view value, std::string_view label);

// An expression of the user as one operand of a -constraint: in parentheses that it can't close itself.
Result<std::string> constraint_expression(std::string_view value, std::string_view label);

// Free text for -reason: what would upset the tools becomes a blank or a single quote.
std::string plain_reason(std::string_view text);

}  // namespace apf::htcondor
