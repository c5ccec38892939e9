// R5 and R4 at full depth: each way in which a batch system's list can lie, for an hour, at a full site, in mid-ramp,
// while draining and as first view after a restart; with events that still tell the truth, and without any.
//
// A world with the fault and one without run side by side. Each run prints its figures as a line
// RELIABILITY|fault|situation|events|excess|removed|fill|alarms|back, which tools/reliability makes a table of.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "sim/world.h"

namespace apf::sim {
namespace {

constexpr int kSlots = 200;
constexpr int kCap = 50;                       // of one cycle
constexpr Duration kReconcile = seconds{300};  // time between lists while events tell everything

using Views = Result<View<BatchData>>;

Error failure(const char* what) { return {Kind::transient, "sim.failed", what, "condor_q", ""}; }

enum class Noise { silent, alarm };  // does it have to be told to people

// What the batch system's list says instead of the truth, or the WMS.
struct Lie {
  const char* name;
  Noise noise;
  std::function<void(Views& view, const Views& an_hour_ago)> list = {};
  Duration delay = {};
  DemandFault demand = {};
};

Lie about_demand(const char* name, Noise noise, DemandFault tell) { return {name, noise, {}, {}, std::move(tell)}; }

std::vector<Lie> lies_of_the_batch_system() {
  return {
      {"rc 0 and empty", Noise::alarm, [](Views& v, const Views&) { v->data = {}; }},
      {"rc 1", Noise::alarm, [](Views& v, const Views&) { v = fail(failure("exit code 1")); }},
      {"hang", Noise::alarm, [](Views& v, const Views&) { v = fail(failure("deadline passed")); }, seconds{120}},
      {"half a list", Noise::alarm,
       [](Views& v, const Views&) {
         v->data.live.resize(v->data.live.size() / 2);
         v->data.ended.clear();
       }},
      {"doubled lines", Noise::silent,
       [](Views& v, const Views&) {
         const auto once = v->data.live;
         v->data.live.insert(v->data.live.end(), once.begin(), once.end());
       }},
      {"contradicting lines", Noise::alarm,
       [](Views& v, const Views&) {
         if (v->data.live.empty()) return;
         v->data.live.push_back(v->data.live.front());
         v->data.live.back().state = PilotState::held;
       }},
      {"a list of an hour ago", Noise::alarm, [](Views& v, const Views& old) { v = old; }},
      {"garbled bytes", Noise::alarm, [](Views& v, const Views&) { v = fail(failure("row 3 can't be read")); }},
      {"an attribute missing", Noise::alarm,
       [](Views& v, const Views&) {
         for (auto& p : v->data.live) p.submission.clear();
       }},
      {"very slow", Noise::silent, [](Views&, const Views&) {}, seconds{100}},
  };
}

std::vector<Lie> lies_of_the_wms() {
  const auto scaled = [](Result<View<DemandData>>& v, std::int64_t by, std::int64_t of) {
    for (auto& cell : v->data.cells) cell.ready = cell.ready * by / of;
  };
  return {
      about_demand("WMS: empty", Noise::silent, [=](auto& v) { scaled(v, 0, 1); }),
      about_demand("WMS: ten times the jobs", Noise::silent, [=](auto& v) { scaled(v, 10, 1); }),
      about_demand("WMS: half", Noise::silent, [=](auto& v) { scaled(v, 1, 2); }),
      about_demand("WMS: stale", Noise::silent,
                   [old = std::make_shared<Result<View<DemandData>>>(fail(failure("")))](auto& v) {
                     if (!*old) *old = v;
                     v = *old;
                   }),
      about_demand("WMS: an HTML page", Noise::alarm, [](auto& v) { v = fail(failure("no JSON")); }),
      about_demand("WMS: success:false", Noise::alarm, [](auto& v) { v = fail(failure("success is false")); }),
  };
}

const std::vector<Lie>& lies() {
  static const std::vector<Lie> all = [] {
    auto list = lies_of_the_batch_system();
    for (auto& lie : lies_of_the_wms()) list.push_back(std::move(lie));
    return list;
  }();
  return all;
}

enum class Situation { full, ramp, draining, restart };
const char* name(Situation s) {
  switch (s) {
    case Situation::full: return "full site";
    case Situation::ramp: return "mid-ramp";
    case Situation::draining: return "draining";
    case Situation::restart: return "after a restart";
  }
  return "";
}

struct Case {
  std::size_t lie;
  Situation situation;
  bool events;
};

Scenario site(bool events) {
  Scenario s = one_queue();
  s.queues[0].chain = usual_chain(kCap);
  s.site.slots = kSlots;
  s.site.job_time = seconds{1200};
  s.wms.refresh = seconds{0};
  s.events = events;
  return s;
}

// Remembers the lists of the last hour.
struct Memory {
  std::deque<std::pair<Mono, Views>> lists;
  Views an_hour_ago(Mono now, const Views& latest) {
    lists.emplace_back(now, latest);
    while (lists.size() > 1 && now - lists[1].first >= seconds{3600}) lists.pop_front();
    if (now - lists.front().first >= seconds{3600}) return lists.front().second;
    View<BatchData> empty;
    empty.complete = true;
    return empty;
  }
};

void bring_to(World& w, Situation situation) {
  w.add_jobs("Q", 3000);
  w.run_for(situation == Situation::ramp ? seconds{75} : seconds{4000});
  if (situation == Situation::draining) {
    core::Verb drain;
    drain.hold = {"drain", "all", "operator", "", w.wall(), {}};
    w.post(drain);
    w.run_for(seconds{90});
  }
}

// What the fault cost, beside a world without it.
struct Figures {
  std::int64_t excess = 0, removals = 0, alarms = 0;
  double fill = 100;  // per cent of the slot time that the other world used
  Mono first_alarm;   // ns 0: none
  int back_s = 0;     // until 95 % of the other world's slots are used again
};

Figures an_hour_of(World& w, World& good) {
  Figures f;
  const auto removed = w.removed();
  const auto alarms = static_cast<std::ptrdiff_t>(w.alarms().size());
  const auto raised = [&] {
    return std::count_if(w.alarms().begin() + alarms, w.alarms().end(), [](const auto& a) {
      return a.raised && (a.alarm.subject == "batch:site" || a.alarm.subject == "wms:wms");
    });
  };
  std::int64_t most = 0, most_good = 0;
  double filled = 0, filled_good = 0;
  for (int i = 0; i < 360; ++i) {
    w.run_for(seconds{10});
    good.run_for(seconds{10});
    most = std::max(most, w.live());
    most_good = std::max(most_good, good.live());
    filled += static_cast<double>(w.slots_used());
    filled_good += static_cast<double>(good.slots_used());
    if (f.first_alarm.ns == 0 && raised() > 0) f.first_alarm = w.now();
  }
  f.excess = std::max<std::int64_t>(0, most - most_good);
  f.removals = w.removed() - removed;
  f.alarms = raised();
  if (filled_good > 0) f.fill = 100 * filled / filled_good;
  return f;
}

void until_back(World& w, World& good, Figures& f) {
  while (f.back_s < 1200 && static_cast<double>(w.slots_used()) < 0.95 * static_cast<double>(good.slots_used())) {
    f.back_s += 10;
    w.run_for(seconds{10});
    good.run_for(seconds{10});
  }
}

std::string told(const World& w) {
  std::string out;
  for (const auto& a : w.alarms())
    out += fmt::format("\n{} {} {} {}", a.raised ? "raised" : "cleared", a.alarm.code, iso8601(a.alarm.since),
                       a.alarm.text);
  return out;
}

class ViewFaults : public ::testing::TestWithParam<Case> {};

TEST_P(ViewFaults, CauseNoFloodAndKillNothing) {
  const auto [which, situation, events] = GetParam();
  const Lie& lie = lies().at(which);
  World w(site(events)), good(site(events));
  Memory memory;
  bool lying = false;
  w.view_fault = [&](Views v) {
    const Views old = memory.an_hour_ago(w.now(), v);
    if (lying && lie.list) lie.list(v, old);
    return v;
  };
  w.demand_fault = [&](auto& v) {
    if (lying && lie.demand) lie.demand(v);
  };
  bring_to(w, situation);
  bring_to(good, situation);
  if (situation == Situation::restart) {
    w.crash();
    good.crash();
  }
  const Mono begin = w.now();
  lying = true;
  w.view_delay = lie.delay;
  Figures f = an_hour_of(w, good);
  lying = false;
  w.view_delay = {};
  until_back(w, good, f);
  fmt::print("RELIABILITY|{}|{}|{}|{}|{}|{:.0f}|{}|{}\n", lie.name, name(situation), events ? "yes" : "no", f.excess,
             f.removals, f.fill, f.alarms, f.back_s);
  EXPECT_LE(f.excess, kCap) << "at most one cycle's cap in excess";
  EXPECT_EQ(f.removals, 0);
  if (events && lie.list) {
    EXPECT_GE(f.fill, 90);
  }
  EXPECT_EQ(f.alarms, lie.noise == Noise::alarm ? 1 : 0) << "one alarm, not one a poll:" << told(w);
  if (lie.noise == Noise::alarm) {
    EXPECT_LE(f.first_alarm - begin, lie.delay + kReconcile + 2 * seconds{60}) << "told within two cycles";
  }
  EXPECT_LE(f.back_s, 600) << "back without a restart";
  for (const auto& [id, n] : w.copies()) EXPECT_EQ(n, 1) << id;
  w.run_for(seconds{600});
  const auto counted = [&] { return static_cast<std::int64_t>(w.state().batches[0].by_id.size()); };
  for (int i = 0; i < 30 && counted() != w.live(); ++i) w.run_for(seconds{2});  // ends between two polls
  EXPECT_EQ(counted(), w.live()) << "every pilot is known again";
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (std::size_t i = 0; i < lies().size(); ++i)
    for (const auto s : {Situation::full, Situation::ramp, Situation::draining, Situation::restart})
      for (const bool events : {true, false}) all.push_back({i, s, events});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Reliability, ViewFaults, ::testing::ValuesIn(cases()), [](const auto& test) {
  auto text = fmt::format("{}_{}_{}", lies().at(test.param.lie).name, name(test.param.situation),
                          test.param.events ? "events" : "polls");
  for (auto& c : text)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return text;
});

}  // namespace
}  // namespace apf::sim
