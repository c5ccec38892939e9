#include "engine/replay.h"

#include <map>
#include <utility>

#include "core/factory.h"

namespace apf::engine {
namespace {

bool same_steps(const core::Decision& a, const core::Decision& b) {
  if (a.steps.size() != b.steps.size() || a.chain != b.chain || a.outside != b.outside) return false;
  for (std::size_t i = 0; i < a.steps.size(); ++i) {
    const auto &x = a.steps[i], &y = b.steps[i];
    if (x.plugin != y.plugin || x.in != y.in || x.out != y.out || x.message != y.message) return false;
  }
  return true;
}

class Replayer {
 public:
  Replayer(const Registry& registry, const std::function<void(const core::Decision&, const core::Decision&)>& differs)
      : registry_(registry), differs_(differs) {}

  void config(const JournalConfig& c) {
    if (!trouble.code.empty()) return;
    std::vector<core::Chain> made;
    for (const auto& steps : c.chains) {
      auto chain = make_chain(steps, registry_);
      if (!chain) {
        trouble = chain.error();
        return;
      }
      made.push_back(std::move(*chain));
    }
    auto& chains = versions_[c.version];  // decisions of the last configuration may follow the line of the next
    for (const auto& [queue, index] : c.queues) chains[queue] = made[index];
  }

  // A decision without steps was held before its chain ran: there is nothing to compute.
  void decision(const core::Decision& d) {
    ++result.decisions;
    const auto& chains = versions_[d.config_version];
    const auto chain = chains.find(d.queue);
    if (d.steps.empty() || chain == chains.end()) {
      ++result.skipped;
      return;
    }
    core::Decision again = d;
    again.steps = core::fold(chain->second, d.input, &again.outside);
    again.chain = again.steps.empty() ? 0 : again.steps.back().out;
    if (same_steps(d, again)) {
      ++result.equal;
    } else {
      ++result.different;
      if (differs_) differs_(d, again);
    }
  }

  ReplayResult result;
  Error trouble;

 private:
  const Registry& registry_;
  const std::function<void(const core::Decision&, const core::Decision&)>& differs_;
  std::map<std::string, std::map<std::string, core::Chain>> versions_;  // version -> queue -> chain
};

}  // namespace

Result<core::Chain> make_chain(const std::vector<StepSpec>& steps, const Registry& registry) {
  core::Chain chain;
  for (const auto& step : steps) {
    const auto* plugin = find(registry.sched, step.use);
    if (plugin == nullptr)
      return fail(Kind::config, "config.unknown_plugin", "there is no sched plug-in '" + step.use + "'", {},
                  "`apf plugins sched` lists them");
    auto made = plugin->make(step.options);
    if (!made) return fail(made.error());
    chain.emplace_back(step.use, std::move(*made));
  }
  return chain;
}

Result<ReplayResult> replay(const std::string& path, const JournalFilter& filter, const Registry& registry,
                            const std::function<void(const core::Decision&, const core::Decision&)>& differs) {
  Replayer replayer(registry, differs);
  auto read = read_journal(path, filter,
                           {.config = [&](const JournalConfig& c) { replayer.config(c); },
                            .decision = [&](const core::Decision& d) { replayer.decision(d); },
                            .repeats = {}});
  if (!read) return fail(read.error());
  if (!replayer.trouble.code.empty()) return fail(replayer.trouble);
  replayer.result.journal = *read;
  return replayer.result;
}

}  // namespace apf::engine
