#include "wrapper/node/checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "wrapper/node/validate.h"

namespace apf::wrapper::node {
namespace {

using testing::HasSubstr;

const std::atomic<bool> kGoOn{false};

Check check(const std::string& name, State state, std::vector<std::string> after = {}) {
  return {.name = name, .after = std::move(after), .look = [state](Mono /*d*/) {
            return Finding{.state = state, .text = "seen"};
          }};
}

std::vector<State> states(const std::vector<Checked>& checks) {
  std::vector<State> all;
  for (const Checked& c : checks) all.push_back(c.finding.state);
  return all;
}

TEST(Checks, KeepTheirOrderAndNameTheirFailure) {
  const auto done = run_checks({check("disk", State::ok), check("cvmfs:a.b", State::failed)}, kGoOn);
  ASSERT_EQ(done.size(), 2U);
  EXPECT_EQ(done[0].name, "disk");
  EXPECT_EQ(done[1].finding.failure, "cvmfs");
}

// Each waits for the other to have begun: one after the other they would wait for ever.
TEST(Checks, ThatAreIndependentRunBesideEachOther) {
  std::mutex mutex;
  std::condition_variable changed;
  int begun = 0;
  const auto meet = [&](Mono /*d*/) {
    std::unique_lock lock(mutex);
    ++begun;
    changed.notify_all();
    changed.wait(lock, [&] { return begun == 3; });
    return passed("");
  };
  const Check one{.name = "a", .look = meet};
  const auto done = run_checks({one, {.name = "b", .look = meet}, {.name = "c", .look = meet}}, kGoOn);
  EXPECT_EQ(states(done), std::vector<State>(3, State::ok));
}

TEST(Checks, ComeAfterThoseTheyNeed) {
  std::atomic<bool> first{false};
  bool in_order = false;
  const Check a{.name = "a", .look = [&](Mono /*d*/) {
                  first = true;
                  return passed("");
                }};
  const Check b{.name = "b", .after = {"a", "no-such"}, .look = [&](Mono /*d*/) {
                  in_order = first;
                  return passed("");
                }};
  run_checks({a, b}, kGoOn);
  EXPECT_TRUE(in_order);
}

TEST(Checks, AreSkippedAfterAFailureAndWhenThePilotEnds) {
  auto done = run_checks({check("a", State::failed), check("b", State::ok, {"a"}), check("c", State::ok)}, kGoOn);
  EXPECT_EQ(states(done), (std::vector<State>{State::failed, State::skipped, State::ok}));
  const std::atomic<bool> stop{true};
  done = run_checks({check("a", State::failed)}, stop);
  EXPECT_EQ(done[0].finding.state, State::skipped);
}

TEST(Checks, ALaxOneOnlyWarns) {
  Check a = check("a", State::failed);
  a.lax = true;
  EXPECT_EQ(states(run_checks({a, check("b", State::ok, {"a"})}, kGoOn)),
            (std::vector<State>{State::warning, State::ok}));
}

TEST(Checks, WordsAreHarmless) {
  EXPECT_EQ(word("cvmfs:atlas.cern.ch"), "cvmfs:atlas.cern.ch");
  EXPECT_EQ(word("a b\n\"c"), "a_b__c");
  EXPECT_EQ(word(""), "unknown");
  EXPECT_EQ(word(std::string(1000, 'x')).size(), 64U);
}

Checked ended(const std::string& name, State state, int rc = kNodeFault) {
  return {.name = name, .finding = {.state = state, .text = "t", .rc = rc, .failure = name}};
}

TEST(Validation, ANodesFaultComesFirst) {
  const auto v = judge({ended("wms", State::failed, kWmsFault), ended("x", State::warning),
                        ended("disk", State::failed), ended("cvmfs", State::failed)},
                       seconds{1});
  EXPECT_EQ(v.rc, kNodeFault);
  EXPECT_EQ(v.failure, "disk");
  EXPECT_EQ(v.text, "wms: t; disk: t; cvmfs: t");
}

TEST(Validation, WarningsAndSkippedOnesAreNoFailure) {
  EXPECT_EQ(judge({ended("a", State::warning), ended("b", State::skipped), ended("c", State::ok)}, {}).rc, kDone);
}

std::vector<std::string> names(const Options& node) {
  wrapper::Options o;
  o.node = node;
  const std::string token;
  std::vector<std::string> all;
  for (const Check& c : checks_for({.options = o, .token = token, .scratch = "/tmp"})) all.push_back(c.name);
  return all;
}

TEST(Validation, RunsWhatIsAskedFor) {
  Options o;
  EXPECT_EQ(names(o), (std::vector<std::string>{"disk", "tmp", "memory", "credential"}));
  o.checks = {"clock"};
  EXPECT_EQ(names(o), (std::vector<std::string>{"wms", "clock"})) << "the clock is compared with that of the WMS";
  o.checks.clear();
  o.cvmfs = {"a.b", "c.d"};
  o.containers = {"apptainer"};
  o.scripts = {"/x/check it.sh"};
  EXPECT_EQ(names(o), (std::vector<std::string>{"cvmfs:a.b", "cvmfs:c.d", "container", "script:check_it.sh"}));
}

TEST(Validation, EachCheckHasItsDeadline) {
  wrapper::Options o;
  o.node.deadlines["memory"] = seconds{7};
  o.node.lax = {"tmp"};
  const std::string token;
  for (const Check& c : checks_for({.options = o, .token = token, .scratch = "/tmp"})) {
    EXPECT_EQ(c.deadline, c.name == "memory" ? Duration(seconds{7}) : Duration(seconds{30})) << c.name;
    EXPECT_EQ(c.lax, c.name == "tmp");
  }
}

}  // namespace
}  // namespace apf::wrapper::node
