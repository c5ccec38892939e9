#include "engine/json_forms.h"

#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "engine/metrics.h"
#include "engine/sample_snapshots.h"
#include "support/golden.h"

namespace apf::engine {
namespace {

using apf::test::expect_golden;
using test::kNow;

// Forms go out on one line; golden files are to be read.
std::string pretty(const std::string& text) {
  EXPECT_TRUE(text.ends_with("\n"));
  return nlohmann::ordered_json::parse(text).dump(2) + "\n";
}

TEST(JsonForms, AreAsAgreed) {
  expect_golden("status.json", pretty(status_json(test::sample_factory(), test::sample_queues(), kNow)));
  expect_golden("queues.json", pretty(queues_json(test::sample_queues(), kNow)));
  expect_golden("queue.json", pretty(queue_json(test::sample_queue(), kNow)));
  expect_golden("pilots.json", pretty(pilots_json({{test::sample_pilot(), test::ended_pilot()}, 4712})));
  const std::array entries{DecisionEntry{test::sample_decision(), 17, kNow.wall}};
  expect_golden("decisions.json", pretty(decisions_json(entries)));
  const auto factory = test::sample_factory();
  expect_golden("health.json", pretty(health_json(health(&factory), &factory)));
  expect_golden("error.json", pretty(error_json({Kind::config, "config.unknown_key", "unknown key 'intervall'",
                                                 "a.toml:12", "did you mean 'interval'?"})));
}

TEST(JsonForms, SurviveWhatIsNoUtf8) {
  auto pilot = test::sample_pilot();
  pilot.reason = "bad \xff\xfe bytes";
  const auto form = nlohmann::json::parse(pilots_json({{pilot}, 0}));
  EXPECT_EQ(form["pilots"][0]["reason"], "bad \xef\xbf\xbd\xef\xbf\xbd bytes");
}

TEST(JsonForms, LeaveOutQueuesThatAreNotThere) { EXPECT_EQ(queues_json({nullptr}, kNow), "{\"queues\":[]}\n"); }

struct HealthCase {
  const char* name;
  void (*change)(core::FactorySnapshot&);
  bool ok;
};
TEST(Health, FollowsWhatWouldStopTheFactory) {
  const std::array<HealthCase, 6> cases{{
      {"a source of several is in trouble", [](auto& f) { f.sources[2].state = "ok"; }, true},
      {"all batch systems are", [](auto&) {}, false},
      {"no source is configured", [](auto& f) { f.sources.clear(); }, true},
      {"the only WMS is silent",
       [](auto& f) {
         f.sources[2].state = "ok";
         f.sources[0].state = "stale";
       },
       false},
      {"it stops",
       [](auto& f) {
         f.sources.clear();
         f.stopping = true;
       },
       false},
      {"the ledger is full",
       [](auto& f) {
         f.sources.clear();
         f.ledger_trouble = "no space left";
       },
       false},
  }};
  for (const auto& c : cases) {
    auto f = test::sample_factory();
    c.change(f);
    const auto h = health(&f);
    EXPECT_EQ(h.ok, c.ok) << c.name;
    EXPECT_EQ(h.reasons.empty(), c.ok) << c.name;
  }
  EXPECT_FALSE(health(nullptr).ok);
}

// The process's own numbers change; everything else follows from the sample.
std::string without_process_values(const std::string& text) {
  std::stringstream in(text), out;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("process_")) line = line.substr(0, line.rfind(' ')) + " *";
    out << line << "\n";
  }
  return out.str();
}

ShellStats sample_stats() {
  ShellStats s;
  s.passes = 41;
  s.commits = 40;
  s.commit_failures = 1;
  s.commit_seconds = 0.25;
  s.journal_dropped = 2;
  s.threads = 3;
  s.lanes = {{"batch.pool.poll", 1}, {"wms.panda", 0}};
  s.overdue = {"batch.pool.poll"};
  s.reports_accepted = 9;
  s.reports_refused = 1;
  s.http_answers = {{200, 11}, {404, 1}};
  return s;
}

TEST(Metrics, AreAsAgreed) {
  const auto text = metrics_text(test::sample_factory(), test::sample_queues(), sample_stats(), kNow);
  expect_golden("metrics.txt", without_process_values(text));
}

TEST(Metrics, AreBoundedInNumber) {
  QueueSnapshots many;
  for (int i = 0; i < 5003; ++i) {
    auto q = test::sample_queue();
    q.name = "q" + std::to_string(i);
    many.push_back(std::make_shared<core::QueueSnapshot>(std::move(q)));
  }
  const auto text = metrics_text(test::sample_factory(), many, {}, kNow);
  EXPECT_NE(text.find("\napf_metrics_queues_left_out 3\n"), std::string::npos);
  EXPECT_NE(text.find("queue=\"q4999\""), std::string::npos);
  EXPECT_EQ(text.find("queue=\"q5000\""), std::string::npos);
}

// What promtool checks: families stand together, HELP and TYPE before their samples, each once.
TEST(Metrics, AreWellFormed) {
  std::stringstream in(metrics_text(test::sample_factory(), test::sample_queues(), sample_stats(), kNow));
  std::string family;
  std::set<std::string> families;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("# HELP ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(families.insert(family).second) << "twice: " << family;
    } else if (line.starts_with("# TYPE ")) {
      EXPECT_EQ(line.substr(7, line.find(' ', 7) - 7), family);
      EXPECT_EQ(line.ends_with(" counter"), family.ends_with("_total")) << line;
    } else {
      EXPECT_EQ(line.substr(0, line.find_first_of("{ ")), family) << line;
      EXPECT_NE(line.find(' '), std::string::npos);
    }
  }
  EXPECT_GT(families.size(), 25U);
}

}  // namespace
}  // namespace apf::engine
