// For tests of the core: one factory without clocks, threads and systems. The tests give it events and look at its
// effects.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/factory.h"
#include "core/state.h"

namespace apf::core {

// A chain's step that always wants as many pilots as are free for the queue, or a fixed number outside the demand.
class Want final : public SchedStep {
 public:
  explicit Want(std::int64_t fixed) : fixed_(fixed) {}
  [[nodiscard]] Step apply(std::int64_t /*n*/, const SchedInput& in) const override {
    if (fixed_ >= 0) return {fixed_, ""};
    if (!in.wms) return {0, ""};
    const auto free = in.dealt ? *in.dealt : in.wms->ready - in.pending - in.claimed;
    return {std::max<std::int64_t>(0, free), ""};
  }
  [[nodiscard]] bool outside_demand() const override { return fixed_ >= 0; }

 private:
  std::int64_t fixed_;
};

struct Rig {
  explicit Rig(int queues = 1, const std::function<void(Config&)>& change = {}) {
    auto config = std::make_shared<Config>();
    config->factory.factory_id = "rig";
    WmsSource wms;
    wms.name = "w";
    wms.plugin = "fake";
    config->wms.push_back(wms);
    BatchSource batch;
    batch.name = "b";
    batch.plugin = "fake";
    config->batch.push_back(batch);
    for (int i = 0; i < queues; ++i) {
      auto spec = std::make_shared<QueueSpec>();
      spec->name = "q" + std::to_string(i);
      spec->wms = "w";
      spec->wms_queue = spec->name;
      spec->batch = "b";
      spec->trial = 10'000;
      config->queues.push_back(std::move(spec));
      active.chains.push_back({{"want", std::make_shared<Want>(-1)}});
    }
    if (change) change(*config);
    active.config = std::move(config);
    LedgerImage image;
    image.next_pilot = 1;
    give(Started{active, 1, "n", image});
  }

  void give(const Event& e) const { on(*state, e, now, Wall{1'700'000'000'000 + now.ns / 1'000'000}); }

  // A pass; commits succeed at once unless `commits` is false.
  std::vector<Effect> pass() {
    auto effects = on(*state, Pass{}, now, Wall{1'700'000'000'000 + now.ns / 1'000'000});
    for (const auto& e : effects)
      if (const auto* c = std::get_if<Commit>(&e); c != nullptr && commits) give(CommitDone{c->batch->pass, {}});
    for (const auto& e : effects) {
      if (const auto* s = std::get_if<SubmitPilots>(&e)) sent.push_back(*s);
      if (const auto* d = std::get_if<Journal>(&e)) last[d->decision.queue] = d->decision;
    }
    return effects;
  }

  void demand(const std::map<std::string, std::int64_t>& ready) {
    View<DemandData> v;
    v.complete = true;
    for (const auto& [queue, n] : ready) {
      Demand d;
      d.wms_queue = queue;
      d.ready = n;
      v.data.cells.push_back(d);
      v.data.sites.emplace_back(queue, "online");
    }
    give(DemandSeen{"w", state->next_seq(), now, v});
  }

  void view(const std::vector<PilotSeen>& live, const std::vector<PilotSeen>& ended = {}) {
    View<BatchData> v;
    v.complete = true;
    v.data = {live, ended};
    give(BatchSeen{"b", state->next_seq(), now, v});
  }

  void answer(const SubmitPilots& s) const {
    std::vector<std::string> ids;
    for (int i = 0; i < s.n; ++i) ids.push_back(s.submission + "." + std::to_string(i));
    give(SubmitAnswered{s.submission, ids});
  }

  static PilotSeen seen(const SubmitPilots& s, std::uint32_t i, PilotState state) {
    PilotSeen p;
    p.batch_id = s.submission + "." + std::to_string(i);
    p.submission = s.submission;
    p.queue = s.queue->name;
    p.index = i;
    p.run = 1;
    p.state = state;
    return p;
  }

  StatePtr state = make_state();
  ActiveConfig active;
  Mono now{1'000'000'000'000};
  bool commits = true;
  std::vector<SubmitPilots> sent;
  std::map<std::string, Decision> last;
};

}  // namespace apf::core
