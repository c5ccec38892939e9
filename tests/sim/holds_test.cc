// A bad credential: the batch system holds every pilot, as it is submitted or as it starts, for ever. However the site
// stands at that moment, no more than max(5, 20 %) of the queue's pilots may end up held (R3), besides those that were
// waiting when starts began to fail: they were submitted in good faith. Each figure is printed as
// "RELIABILITY|fault|figure|limit" for tools/reliability.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/world.h"

namespace apf::sim {
namespace {

enum class Held { at_once, at_start };

struct Situation {
  const char* name;
  void (*bring)(World&);
};

void work(World& w) { w.add_jobs("Q", 5000); }

void drain(World& w, bool lift) {
  core::Verb verb;
  verb.hold = {"drain", "all", "operator", "", w.wall(), {}};
  verb.lift = lift;
  w.post(verb);
}

const std::vector<Situation>& situations() {
  static const std::vector<Situation> all{
      {"a full site", [](World& w) { work(w), w.run_for(seconds{4000}); }},
      {"an empty queue", [](World& w) { w.run_for(seconds{300}), work(w); }},
      {"mid-ramp", [](World& w) { work(w), w.run_for(seconds{100}); }},
      {"after draining",
       [](World& w) { work(w), w.run_for(seconds{4000}), drain(w, false), w.run_for(seconds{600}), drain(w, true); }},
      {"first view after a restart", [](World& w) { work(w), w.run_for(seconds{4000}), w.crash(); }},
  };
  return all;
}

struct Case {
  std::size_t situation;
  Held held;
  bool events;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (std::size_t i = 0; i < situations().size(); ++i)
    for (const auto held : {Held::at_once, Held::at_start})
      for (const bool events : {true, false}) all.push_back({i, held, events});
  return all;
}

Scenario site(bool events) {
  Scenario s = one_queue();
  s.queues[0].chain = {{"ready", {}}, {"maxpending", {{"maximum", "200"}}}};
  s.site.slots = 200;
  s.site.job_time = seconds{1200};
  s.site.job_spread = 0.5;
  s.events = events;
  return s;
}

class EndlessHolds : public ::testing::TestWithParam<Case> {};

TEST_P(EndlessHolds, AreNotFed) {
  const auto [which, held, events] = GetParam();
  World w(site(events));
  situations()[which].bring(w);
  // those that wait already, and all that the queue has then, are what it may lose
  const std::int64_t waiting = held == Held::at_start ? w.pending() : 0;
  (held == Held::at_start ? w.hold_started : w.hold_new) = true;
  w.hold_kind = HoldKind::permanent;
  std::int64_t most_held = 0, most_live = w.live();
  const auto decisions = static_cast<std::ptrdiff_t>(w.decisions().size());
  std::ptrdiff_t alarms = 0;
  const Mono begin = w.now();
  while (w.now() - begin < seconds{10 * 3600}) {
    w.run_for(w.now() - begin < seconds{600} ? seconds{1} : seconds{10});
    most_held = std::max(most_held, w.held());
    if (w.now() - begin < seconds{5 * 3600})  // later they are removed, and a few others tried
      alarms = std::count_if(w.alarms().begin(), w.alarms().end(),
                             [](const auto& a) { return a.raised && a.alarm.code == "queue.held_pilots"; });
  }
  std::for_each(w.decisions().begin() + decisions, w.decisions().end(), [&](const core::Decision& d) {
    if (d.n > 0) most_live = std::max(most_live, d.input.pending + d.input.running + d.n);
  });
  const std::int64_t limit = std::max<std::int64_t>(5, most_live / 5);
  fmt::print("RELIABILITY|every pilot held {}, {}, {}|of {} pilots held{} {}|at most {}\n",
             held == Held::at_once ? "at once" : "as it starts", situations()[which].name, events ? "events" : "lists",
             most_live, waiting > 0 ? fmt::format(" beyond the {} that waited", waiting) : "",
             std::max<std::int64_t>(0, most_held - waiting), limit);
  EXPECT_LE(most_held, limit + waiting);
  EXPECT_EQ(alarms, 1);
}

INSTANTIATE_TEST_SUITE_P(Reliability, EndlessHolds, ::testing::ValuesIn(cases()), [](const auto& test) {
  auto text =
      fmt::format("{}_{}_{}", situations()[test.param.situation].name,
                  test.param.held == Held::at_once ? "at_once" : "at_start", test.param.events ? "events" : "lists");
  std::replace_if(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return text;
});

// What it costs where nothing is wrong.
TEST(Trial, AnEmptySiteIsFilledWithinMinutes) {
  for (const bool events : {true, false}) {
    Scenario s = site(events);
    s.site.slots = 10'000;
    s.site.job_time = seconds{12 * 3600};
    s.site.start_latency = seconds{60};
    s.queues[0].chain = {{"ready", {}}};
    World w(s);
    w.add_jobs("Q", 10'000);
    int minutes = 0;
    for (; w.slots_used() < 9'500 && minutes < 600; ++minutes) w.run_for(seconds{60});
    fmt::print("RELIABILITY|10000 slots, empty, by {}|minutes until 95 % are filled {}|at most 60\n",
               events ? "events" : "lists", minutes);
    EXPECT_LE(minutes, 60);
  }
}

// Nobody starts for hours: pilots that wait without being held are proof enough to queue up more of them.
TEST(Trial, AQueueWaitsInLineOnABusySite) {
  Scenario s = site(true);
  s.site.slots = 0;
  World w(s);
  w.add_jobs("Q", 1000);
  w.run_for(seconds{100});
  EXPECT_EQ(w.live(), 5);
  EXPECT_TRUE(w.decisions().back().bound_by.starts_with("cap trial: 5 of 5 pilots")) << w.decisions().back().bound_by;
  w.run_for(seconds{1800});
  EXPECT_EQ(w.live(), 200) << "all that maxpending allows";
}

// A hold that passes does not stop a queue for good.
TEST(Trial, GoesOnWhenAPilotLivesAgain) {
  World w(site(true));
  w.add_jobs("Q", 1000);
  w.hold_new = true;
  w.run_for(seconds{3600});
  EXPECT_EQ(w.live(), 5);
  w.hold_new = false;
  w.run_for(seconds{3600});
  EXPECT_EQ(w.slots_used(), 200);
}

}  // namespace
}  // namespace apf::sim
