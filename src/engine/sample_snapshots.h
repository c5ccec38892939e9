// For tests: a factory with two queues and everything set that the API shows.
#pragma once

#include <memory>

#include "engine/json_forms.h"

namespace apf::engine::test {

inline constexpr Moment kNow{Mono{1'000'000'000'000}, Wall{1'790'000'000'000}};

inline core::Decision sample_decision() {
  core::Decision d;
  d.queue = "SITE_A";
  d.at = Wall{kNow.wall.ms - 5000};
  d.pass = 41;
  d.seq = 977;
  d.config_version = "3 (2026-09-21T13:00:00Z, sha256 12ab)";
  d.input.wms = SchedInput::Wms{3, 120, 60, 900, 7};
  d.input.pending = 10;
  d.input.running = 60;
  d.input.claimed = 4;
  d.input.dealt = 100;
  d.input.factory_total = 70;
  d.input.used = 2;
  d.input.life_submitted = 4711;
  d.steps = {{"ready", 0, 86, "in=0,activated=100,offset=4,pending=10,ret=86"},
             {"maxpending", 86, 40, "in=86,pending=10,max=50,ret=40"}};
  d.chain = 40;
  d.n = 40;
  d.bound_by = "maxpending";
  return d;
}

inline core::QueueSnapshot sample_queue() {
  core::QueueSnapshot q;
  q.name = "SITE_A";
  q.wms = "panda";
  q.wms_queue = "SITE_A_WMS";
  q.batch = "pool";
  q.mode = "active";
  q.site = "online";
  q.notready = 3;
  q.ready = 120;
  q.demand_known = true;
  q.claimed = 4;
  q.pending = 10;
  q.running = 60;
  q.held = 1;
  q.missing = 2;
  q.open_submissions = 1;
  q.done_1h = 55;
  q.failed_1h = 5;
  q.life_submitted = 4711;
  q.life_done = 4600;
  q.life_failed = 41;
  q.wms_view_at = kNow.mono - milliseconds{12'345};
  q.batch_view_at = kNow.mono - seconds{3};
  q.known_nodes = 40;
  q.excluded_nodes = {{"wn7.example.org", "3 of its last 3 pilots failed validation (exit code 64)",
                       Wall{kNow.wall.ms - 600'000}, kNow.mono + seconds{1200}, false},
                      {"wn8.example.org", "5 of its last 6 pilots failed as soon as they had started",
                       Wall{kNow.wall.ms - 900'000}, kNow.mono, true}};
  q.failing = "the last 5 pilots had no valid credential (exit code 68), and none lived";
  q.last = std::make_shared<core::Decision>(sample_decision());
  return q;
}

// A queue of which nothing is known yet, with a name that needs care.
inline core::QueueSnapshot unknown_queue() {
  core::QueueSnapshot q;
  q.name = "site \"b\"\\\n";
  q.wms = "panda";
  q.wms_queue = "b";
  q.batch = "pool";
  q.mode = "shadow";
  q.enabled = false;
  q.holds = {"paused (queue:b) by anna: downtime"};
  return q;
}

inline QueueSnapshots sample_queues() {
  return {std::make_shared<core::QueueSnapshot>(sample_queue()),
          std::make_shared<core::QueueSnapshot>(unknown_queue())};
}

inline core::FactorySnapshot sample_factory() {
  core::FactorySnapshot f;
  f.factory_id = "factory-1";
  f.config_version = "3 (2026-09-21T13:00:00Z, sha256 12ab)";
  f.run = 7;
  f.started = Wall{kNow.wall.ms - 3'600'000};
  f.pending = 10;
  f.running = 60;
  f.missing = 2;
  f.open_submissions = 1;
  f.excluded_nodes = 2;
  f.failing_queues = 1;
  f.sources = {{"panda", "panda", "wms", "ok", kNow.mono - milliseconds{12'345}, Wall{kNow.wall.ms - 72'000},
                "statistics of 2 queues", "", 0, true, "long poll"},
               {"pool", "htcondor", "batch", "refused", kNow.mono - seconds{400}, Wall{kNow.wall.ms - 400'000},
                "condor_q on schedd1, 812 rows", "812 of 900 pilots are absent without evidence", 70, false,
                "events (event log /var/log/condor/EventLog)"},
               {"new", "local", "batch", "never", Mono{}, Wall{}, "", "not asked yet", 0, false, "poll every 30 s"}};
  f.alarms = {{"batch.view_refused", "batch:pool", "the view of batch 'pool' is refused", Wall{kNow.wall.ms - 60'000}}};
  f.holds = {{"pause", "queue:b", "anna", "downtime", Wall{kNow.wall.ms - 90'000}, Wall{kNow.wall.ms + 90'000}}};
  return f;
}

inline core::Pilot sample_pilot() {
  core::Pilot p;
  p.no = 4711;
  p.batch_id = "12.0";
  p.submission = "f1-7-abc";
  p.queue = "SITE_A";
  p.batch = "pool";
  p.run = 7;
  p.state = PilotState::running;
  p.submitted = Wall{kNow.wall.ms - 600'000};
  p.started = Wall{kNow.wall.ms - 300'000};
  p.payload_start = Wall{kNow.wall.ms - 290'000};
  p.payloads = 1;
  p.node = "wn17.example.org";
  return p;
}

inline core::Pilot ended_pilot() {
  core::Pilot p = sample_pilot();
  p.no = 4712;
  p.index = 1;
  p.batch_id = "12.1";
  p.state = PilotState::failed;
  p.ended = kNow.wall;
  p.exit_code = 80;
  p.wall_s = 299.9996F;
  p.cpu_s = 12.5F;
  p.reason = "validation failed";
  p.rule = "retire.unfed";
  return p;
}

}  // namespace apf::engine::test
