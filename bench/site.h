// A factory at the size DESIGN names, for the benchmarks: 1000 queues with 100 live pilots each.
#pragma once

#include <algorithm>
#include <memory>
#include <string>

#include "core/factory.h"
#include "core/state.h"

namespace apf::core {

inline constexpr int kQueues = 1000;
inline constexpr int kPilots = 100'000;

// One step that wants what is free: the chain of a real queue is measured with the engine.
class Ready final : public SchedStep {
 public:
  [[nodiscard]] Step apply(std::int64_t /*n*/, const SchedInput& in) const override {
    return {in.wms ? std::max<std::int64_t>(0, in.wms->ready - in.pending - in.claimed) : 0, "in=0,ret=0"};
  }
};

struct Site {
  Site() {
    auto config = std::make_shared<Config>();
    WmsSource wms;
    wms.name = "w";
    wms.plugin = "fake";
    config->wms.push_back(wms);
    BatchSource batch;
    batch.name = "b";
    batch.plugin = "fake";
    config->batch.push_back(batch);
    ActiveConfig active;
    const auto step = std::make_shared<Ready>();
    for (int i = 0; i < kQueues; ++i) {
      auto spec = std::make_shared<QueueSpec>();
      spec->name = "QUEUE_" + std::to_string(i);
      spec->wms = "w";
      spec->wms_queue = spec->name;
      spec->batch = "b";
      config->queues.push_back(std::move(spec));
      active.chains.push_back({{"ready", step}});
    }
    active.config = std::move(config);
    LedgerImage image;
    for (int i = 0; i < kPilots; ++i) {
      if (i % 100 == 0) {
        Submission s;
        s.id = "n-" + std::to_string(i / 100);
        s.queue = "QUEUE_" + std::to_string(i / 100 % kQueues);
        s.batch = "b";
        s.n = s.got = 100;
        s.state = SubmissionState::settled;
        image.submissions.push_back(s);
      }
      Pilot p;
      p.no = static_cast<std::uint64_t>(i) + 1;
      p.batch_id = std::to_string(i / 100) + "." + std::to_string(i % 100);
      p.submission = image.submissions.back().id;
      p.queue = image.submissions.back().queue;
      p.batch = "b";
      p.index = static_cast<std::uint32_t>(i % 100);
      p.state = PilotState::pending;
      image.pilots.push_back(p);
      PilotSeen seen;
      seen.batch_id = p.batch_id;
      seen.submission = p.submission;
      seen.queue = p.queue;
      seen.index = p.index;
      seen.state = p.state;
      view.data.live.push_back(seen);
    }
    image.next_pilot = kPilots + 1;
    view.complete = true;
    on(*state, Started{active, 1, "n", image}, now, shown);
    View<DemandData> demand;
    demand.complete = true;
    for (int i = 0; i < kQueues; ++i) {
      Demand d;
      d.wms_queue = "QUEUE_" + std::to_string(i);
      d.ready = 50;
      demand.data.cells.push_back(d);
      demand.data.sites.emplace_back(d.wms_queue, "online");
    }
    on(*state, DemandSeen{"w", state->next_seq(), now, demand}, now, shown);
    on(*state, BatchSeen{"b", state->next_seq(), now, view}, now, shown);
    pass();
  }

  // A pass whose commit succeeds; returns its effects.
  std::vector<Effect> pass() const {
    auto effects = on(*state, Pass{}, now, shown);
    for (const auto& e : effects)
      if (const auto* c = std::get_if<Commit>(&e)) on(*state, CommitDone{c->batch->pass, {}}, now, shown);
    take_changed(*state);
    return effects;
  }

  // Reports that change 1 % of the pilots, one of each queue's hundred: those with the number `round` in it.
  void report_one_percent(std::size_t round) {
    for (std::size_t i = 0; i < kPilots / 100; ++i) {
      const auto& seen = view.data.live[(round % 100 + i * 100) % kPilots];
      PilotReported r;
      r.submission = seen.submission;
      r.batch_id = seen.batch_id;
      r.index = seen.index;
      r.state = "running";
      on(*state, r, now, shown);
    }
  }

  Mono now{std::int64_t{1'000'000} * 1'000'000'000};
  Wall shown{1'700'000'000'000};
  StatePtr state = make_state();
  View<BatchData> view;
};

}  // namespace apf::core
