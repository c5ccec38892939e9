// Properties of the sched plug-ins on any input, the largest and smallest numbers included (this runs under UBSan,
// too). What each computes in ordinary cases: tests/vectors.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <limits>

#include "apf/registry.h"

namespace apf::core {
namespace {

using Int = std::int64_t;
constexpr Int kLeast = std::numeric_limits<Int>::min();
constexpr Int kLargest = std::numeric_limits<Int>::max();

rc::Gen<Int> any_number() {
  return rc::gen::weightedOneOf<Int>({{4, rc::gen::inRange<Int>(0, 200)},
                                      {2, rc::gen::inRange<Int>(-50, 50)},
                                      {1, rc::gen::arbitrary<Int>()},
                                      {2, rc::gen::elementOf(std::vector<Int>{kLeast, kLeast + 1, -kMost - 1, -kMost,
                                                                              -1, 0, 1, kMost, kMost + 1, kLargest})}});
}

SchedInput any_input() {
  SchedInput in;
  if (*rc::gen::weightedElement<bool>({{4, true}, {1, false}})) {
    in.wms.emplace();
    in.wms->ready = *any_number();
  }
  in.site = *rc::gen::element<std::string>("online", "test", "offline", "brokeroff");
  in.pending = *any_number();
  in.running = *any_number();
  in.retiring = *any_number();
  in.claimed = *any_number();
  if (*rc::gen::weightedElement<bool>({{1, true}, {3, false}})) in.dealt = *any_number();
  in.factory_total = *any_number();
  in.used = *any_number();
  in.cycle = *any_number();
  in.life_submitted = *any_number();
  if (*rc::gen::arbitrary<bool>()) in.ends.push_back({seconds{3600}, seconds{10}, *any_number(), *any_number()});
  return in;
}

const Plugin<SchedStep>& plugin(std::string_view name) {
  static const Registry registry = [] {
    Registry r;
    register_all(r);
    return r;
  }();
  return *find(registry.sched, name);
}

std::unique_ptr<SchedStep> step(std::string_view name, std::initializer_list<std::pair<const char*, OptionValue>> set) {
  Options options;
  for (const auto& [key, value] : set) options.set(key, value);
  return *plugin(name).make(options);
}

// Every step, with option values that no table would let pass.
std::vector<std::unique_ptr<SchedStep>> all_steps() {
  const Int a = *any_number();
  const double f = *rc::gen::element(0.0, 0.5, 1.0, 3.3, -2.0, 1e300, std::numeric_limits<double>::infinity(),
                                     std::numeric_limits<double>::quiet_NaN());
  const bool flag = *rc::gen::arbitrary<bool>();
  std::vector<std::unique_ptr<SchedStep>> steps;
  steps.push_back(step("ready", {{"offset", a}}));
  steps.push_back(step("fixed", {{"pilotspercycle", a}}));
  steps.push_back(step("null", {}));
  steps.push_back(step("scale", {{"factor", f}}));
  steps.push_back(step("maxpercycle", {{"maximum", a}}));
  steps.push_back(step("minpercycle", {{"minimum", a}}));
  steps.push_back(step("maxpending", {{"maximum", a}, {"allow_negative", flag}}));
  steps.push_back(step("minpending", {{"minimum", a}}));
  steps.push_back(step("maxtorun", {{"maximum", a}}));
  steps.push_back(step("maxperfactory", {{"maximum", a}}));
  steps.push_back(step("keepnrunning", {{"keep_running", a}}));
  steps.push_back(step("keepnrunning", {}));
  steps.push_back(step("statustest", {{"pilots", a}}));
  steps.push_back(step("statusoffline", {{"pilots", a}}));
  steps.push_back(step("weightedactivated", {{"activated", f}, {"pending", f}, {"default", a}}));
  steps.push_back(step("fillactivated", {{"default", a}}));
  const Duration hour = seconds{3600}, brief = seconds{10};
  steps.push_back(step("throttle", {{"interval", hour}, {"maxtime", brief}, {"ratio", f}, {"submit", a}}));
  steps.push_back(step("maxtosubmit", {{"maximum", a}}));
  steps.push_back(step("mintosubmit", {{"minimum", a}}));
  steps.push_back(step("nqueue", {{"nqueue", a}, {"depthboost", a}, {"pilotlimit", a}, {"idlepilotsuppression", a}}));
  steps.push_back(step("activated", {{"default", a},
                                     {"max_jobs_torun", a},
                                     {"max_pilots_per_cycle", a},
                                     {"min_pilots_per_cycle", a},
                                     {"min_pilots_pending", a},
                                     {"max_pilots_pending", a},
                                     {"testmode_allowed", flag},
                                     {"testmode_pilots", a},
                                     {"testmode_max_pending", a}}));
  return steps;
}

Int bounded(Int n) { return std::clamp(n, -kMost, kMost); }

RC_GTEST_PROP(Steps, StayWithinWhatAChainHandles, ()) {
  const SchedInput in = any_input();
  const Int n = bounded(*any_number());
  for (const auto& s : all_steps()) {
    const Step taken = s->apply(n, in);
    RC_ASSERT(taken.out >= -kMost && taken.out <= kMost);
    RC_ASSERT(!taken.message.empty());
    const Step again = s->apply(n, in);  // pure
    RC_ASSERT(again.out == taken.out && again.message == taken.message);
    if (taken.message.find("ret=") != std::string::npos)
      RC_ASSERT(taken.message.ends_with("ret=" + std::to_string(taken.out)));
  }
}

RC_GTEST_PROP(Steps, CapsAreCaps, ()) {
  const SchedInput in = any_input();
  const Int n = bounded(*any_number());
  const Int maximum = *rc::gen::inRange<Int>(0, 300);
  const Int pending = bounded(in.pending), running = bounded(in.running), total = bounded(in.factory_total);
  RC_ASSERT(step("maxpercycle", {{"maximum", maximum}})->apply(n, in).out <=
            std::max<Int>(0, maximum - std::clamp<Int>(in.used, 0, kMost)));
  const Int free = step("maxpending", {{"maximum", maximum}, {"allow_negative", true}})->apply(n, in).out;
  RC_ASSERT(free <= bounded(maximum - pending));
  const Int kept = step("maxpending", {{"maximum", maximum}, {"allow_negative", false}})->apply(n, in).out;
  RC_ASSERT(kept <= std::max<Int>(0, maximum - pending));
  RC_ASSERT(kept >= std::min<Int>(0, n));  // asks nobody to go, unless somebody did before
  RC_ASSERT(step("maxtorun", {{"maximum", maximum}})->apply(n, in).out <= bounded(maximum - pending - running));
  RC_ASSERT(step("maxperfactory", {{"maximum", maximum}})->apply(n, in).out <= std::max<Int>(0, maximum - total));
  RC_ASSERT(step("maxtosubmit", {{"maximum", maximum}})->apply(n, in).out <=
            std::max<Int>(0, maximum - std::clamp<Int>(in.life_submitted, 0, kMost)));
  for (const char* cap : {"maxpercycle", "maxtorun", "maxtosubmit"})
    RC_ASSERT(step(cap, {{"maximum", maximum}})->apply(n, in).out <= n);  // a cap never adds
}

RC_GTEST_PROP(Steps, MinimaAreMinima, ()) {
  const SchedInput in = any_input();
  const Int n = bounded(*any_number());
  const Int minimum = *rc::gen::inRange<Int>(0, 300);
  for (const char* least : {"minpercycle", "minpending"})
    RC_ASSERT(step(least, {{"minimum", minimum}})->apply(n, in).out >= n);
  RC_ASSERT(step("minpending", {{"minimum", minimum}})->apply(n, in).out >= bounded(minimum - bounded(in.pending)));
}

RC_GTEST_PROP(Steps, DemandIsNeverExceeded, ()) {
  SchedInput in = any_input();
  in.wms.emplace().ready = *rc::gen::inRange<Int>(0, 1000);
  in.pending = *rc::gen::inRange<Int>(0, 1000);
  in.claimed = *rc::gen::inRange<Int>(0, 1000);
  const Int served = in.pending + in.claimed;
  const Int most = in.dealt ? std::max<Int>(0, bounded(*in.dealt)) : std::max<Int>(0, in.wms->ready - served);
  RC_ASSERT(step("ready", {{"offset", Int{0}}})->apply(0, in).out == most);
  RC_ASSERT(step("fillactivated", {{"default", Int{0}}})->apply(0, in).out == most);
  RC_ASSERT(step("ready", {{"offset", *rc::gen::inRange<Int>(0, 100)}})->apply(0, in).out <= most);
  const double weight = *rc::gen::element(0.0, 0.25, 0.5, 1.0);
  in.dealt.reset();
  RC_ASSERT(
      step("weightedactivated", {{"activated", weight}, {"pending", 1.0}, {"default", Int{0}}})->apply(0, in).out <=
      std::max<Int>(0, in.wms->ready - served));
}

// Of what nqueue and activated give, only what they call outside may exceed the demand (R10).
RC_GTEST_PROP(Steps, CompoundsSayWhatStandsOutsideTheDemand, ()) {
  SchedInput in = any_input();
  in.wms.emplace().ready = *rc::gen::inRange<Int>(0, 1000);
  in.pending = *rc::gen::inRange<Int>(0, 1000);
  in.claimed = *rc::gen::inRange<Int>(0, 1000);
  const Int most = std::max<Int>(0, in.dealt ? bounded(*in.dealt) : in.wms->ready - in.pending - in.claimed);
  const Int least = *rc::gen::inRange<Int>(0, 300);
  for (const auto& s : {step("nqueue", {{"nqueue", least}, {"depthboost", Int{2}}, {"idlepilotsuppression", Int{1}}}),
                        step("activated", {{"default", Int{0}},
                                           {"min_pilots_pending", least},
                                           {"testmode_allowed", true},
                                           {"testmode_pilots", least},
                                           {"testmode_max_pending", Int{10}}})}) {
    const Step taken = s->apply(0, in);
    RC_ASSERT(taken.out - taken.outside <= most);
    RC_ASSERT(taken.outside >= 0 && taken.outside <= std::max<Int>(0, taken.out));
  }
}

// A cycle that is asked again and again grants its number once (RULES R1).
RC_GTEST_PROP(Steps, ACycleGrantsItsNumberOnce, ()) {
  const Int number = *rc::gen::inRange<Int>(0, 100);
  for (const auto& s : {step("fixed", {{"pilotspercycle", number}}), step("maxpercycle", {{"maximum", number}}),
                        step("statustest", {{"pilots", number}})}) {
    SchedInput in;
    in.wms.emplace();
    in.site = "test";
    Int given = 0;
    for (int pass = 0; pass < 5; ++pass) {
      in.used = given;
      const Int wanted = *rc::gen::inRange<Int>(0, 100);
      given += std::min(wanted, s->apply(wanted, in).out);  // the factory may submit less than granted
      RC_ASSERT(given <= number);
    }
  }
}

TEST(Steps, SayWhichStandOutsideTheDemand) {
  const SchedInput in;
  for (const char* name : {"fixed", "minpercycle", "minpending", "keepnrunning", "mintosubmit"})
    EXPECT_TRUE(step(name, {})->outside_demand()) << name;
  EXPECT_TRUE(step("statustest", {{"pilots", Int{0}}})->outside_demand());
  EXPECT_TRUE(step("statusoffline", {{"pilots", Int{0}}})->outside_demand());
  for (const char* name : {"null", "maxpercycle", "maxtorun", "maxperfactory"})
    EXPECT_FALSE(step(name, {})->outside_demand()) << name;
  EXPECT_FALSE(step("ready", {{"offset", Int{0}}})->outside_demand());
  EXPECT_FALSE(step("scale", {{"factor", 1.0}})->outside_demand());
}

}  // namespace
}  // namespace apf::core
