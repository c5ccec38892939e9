// submit(): one cluster a submission, and what its failure means.
#include <fmt/format.h>

#include <array>
#include <string_view>

#include "describe.h"
#include "htcondor.h"
#include "htcondor/rows.h"

namespace apf::batch_htcondor {
namespace {

// condor_submit builds a cluster in one transaction of the schedd. Whatever it complains about before the commit has
// left nothing behind; these phrases are all from before. Any other failure is uncertain (RULES R8).
struct Known {
  std::string_view phrase;
  Kind kind;
  const char* code;
  const char* advice;
};
constexpr std::array<Known, 17> kKnown{{
    {"Number of submitted jobs would exceed", Kind::transient, "htcondor.limit", "a limit of the schedd is reached"},
    {"number of procs exceeds", Kind::transient, "htcondor.limit", "a limit of the schedd is reached"},
    {"Can't find address of", Kind::transient, "htcondor.no_schedd", "is the schedd up, and its name right?"},
    {"Failed to connect to", Kind::transient, "htcondor.no_schedd", "is the schedd up?"},
    {"Failed to create cluster", Kind::transient, "htcondor.refused", "the schedd's log says why"},
    {"Failed to create proc", Kind::transient, "htcondor.refused", "the schedd's log says why"},
    {"Parse error in expression", Kind::permanent, "htcondor.bad_description", "check the queue's submit options"},
    {"Failed to parse command file", Kind::permanent, "htcondor.bad_description", "check the queue's submit options"},
    {"of submit file", Kind::permanent, "htcondor.bad_description", "check the queue's submit options"},
    {"Executable file", Kind::permanent, "htcondor.bad_file", "it must be readable for the account that submits"},
    {"Failed to open command file", Kind::permanent, "htcondor.bad_file",
     "the spool directory must be readable for the account that submits"},
    {"Invalid log file", Kind::permanent, "htcondor.bad_file", "log_dir must be writable for the account that submits"},
    {"Can't open", Kind::permanent, "htcondor.bad_file", "files must be readable for the account that submits"},
    {"can't open", Kind::permanent, "htcondor.bad_file", "files must be readable for the account that submits"},
    {"Failed to open", Kind::permanent, "htcondor.bad_file", "files must be readable for the account that submits"},
    {"password file", Kind::config, "htcondor.root", "HTCondor refuses root's jobs: set the option 'user'"},
    {"root is not allowed", Kind::config, "htcondor.root", "HTCondor refuses root's jobs: set the option 'user'"},
}};

Error failure(const Finished& f) {
  constexpr const char* kTool = "condor_submit";
  if (f.timed_out)
    return {Kind::uncertain, "htcondor.submit_unanswered", "no answer before the deadline", kTool,
            "the factory looks the submission up"};
  if (f.signal != 0)
    return {Kind::uncertain, "htcondor.submit_unanswered", fmt::format("ended by signal {}", f.signal), kTool,
            "the factory looks the submission up"};
  const std::string said = htcondor::complaint(f);
  const bool committing = said.find("ommit job submission") != std::string::npos || !f.out.empty();
  if (!committing)
    for (const auto& known : kKnown)
      if (said.find(known.phrase) != std::string::npos) return {known.kind, known.code, said, kTool, known.advice};
  return {Kind::uncertain, "htcondor.submit_failed", fmt::format("exit code {}: {}", f.exit_code, said), kTool,
          "the factory looks the submission up"};
}

Result<std::vector<std::string>> ids_of(const SubmitOrder& order, const Finished& f) {
  auto answer = htcondor::parse_submitted(f.out);
  const bool proper = answer && answer->first == 0 && answer->last < order.n;
  if (!proper)
    return fail(
        Kind::uncertain, "htcondor.submit_garbled",
        answer ? fmt::format("{} pilots were asked for, the answer is '{}'", order.n, f.out) : answer.error().what,
        "condor_submit", "the factory looks the submission up");
  std::vector<std::string> ids;
  ids.reserve(static_cast<std::size_t>(answer->last) + 1);
  for (std::int32_t i = 0; i <= answer->last; ++i) ids.push_back(fmt::format("{}.{}", answer->cluster, i));
  return ids;
}

}  // namespace

Result<std::vector<std::string>> HtcondorBatch::submit(const SubmitOrder& order, Context& context) {
  if (order.n < 1) return fail(Kind::bug, "htcondor.nothing", "a submission of no pilots");
  const auto credential = credentials_.prepare(spool_.root(*order.me), *order.queue, context);
  if (!credential) return fail(credential.error());
  auto prepared = spool_.prepare(order);
  if (!prepared) return fail(prepared.error());
  const auto give_up = [&](Error error) -> Result<std::vector<std::string>> {
    if (error.kind != Kind::uncertain) spool_.forget(order, *prepared);
    return fail(std::move(error));
  };
  const std::string events = feed_.pilots_log(*order.me, context);
  auto description = describe(order, {prepared->key_file, prepared->input_files, credential->proxy, credential->token,
                                      settings_.spooling, events, prepared->directory});
  if (!description) return give_up(description.error());
  if (auto ok = spool_.write(*prepared, description->text, description->log_dir); !ok) return give_up(ok.error());

  std::vector<std::string> arguments{"-terse"};
  if (settings_.spooling) arguments.emplace_back("-spool");
  arguments.push_back(prepared->description_file);
  auto answer = tools_.run("condor_submit", arguments, context);
  feed_.sent(events);
  if (!answer) return give_up(answer.error());
  if (answer->timed_out || answer->exit_code != 0) return give_up(failure(*answer));
  auto ids = ids_of(order, *answer);
  if (!ids) return fail(ids.error());
  if (!answer->err.empty()) context.log(Level::warning, "condor_submit: " + htcondor::complaint(*answer));
  const std::lock_guard lock(mutex_);
  for (const auto& id : *ids) submitted_.push_back(job_key(id));
  return ids;
}

}  // namespace apf::batch_htcondor
