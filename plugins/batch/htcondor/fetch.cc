// With spooling, a pilot that ended stays in the schedd's queue until its output was fetched. That is done here, at a
// bounded rate, so that a thousand pilots that end at once don't occupy the schedd.
#include <fmt/format.h>

#include <algorithm>

#include "htcondor.h"

namespace apf::batch_htcondor {
namespace {

constexpr std::size_t kAtOnce = 100;  // pilots in one command, and in one poll

// Completed, as the queue shows it; an evicted one has ended for us, but not for HTCondor.
bool completed(const PilotSeen& p) {
  return p.state == PilotState::done || (p.state == PilotState::failed && !p.evicted);
}

}  // namespace

void HtcondorBatch::fetch(std::span<const PilotSeen> ended, Context& context) {
  const Mono now = mono_now();
  std::set<std::string> here;
  std::vector<std::string> wanted;
  const Duration pause = Duration(seconds{60}) / settings_.fetch_rate;
  may_fetch_ = std::max(may_fetch_, now - seconds{60});
  for (const auto& p : ended) {
    here.insert(p.batch_id);
    if (!completed(p) || fetched_.contains(p.batch_id) || wanted.size() >= kAtOnce || may_fetch_ > now) continue;
    wanted.push_back(p.batch_id);
    may_fetch_ = may_fetch_ + pause;
  }
  std::erase_if(fetched_, [&](const std::string& id) { return !here.contains(id); });
  if (wanted.empty()) return;
  const auto f = tools_.run("condor_transfer_data", wanted, context);
  if (!f || f->timed_out || f->exit_code != 0)
    return context.log(Level::warning, fmt::format("output of {} pilots could not be fetched, it is tried again: {}",
                                                   wanted.size(), f ? htcondor::complaint(*f) : f.error().text()));
  fetched_.insert(wanted.begin(), wanted.end());
}

}  // namespace apf::batch_htcondor
