#include "monitor/show/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "support/golden.h"

namespace apf::monitor {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kNow = 1'790'000'000'000;

Snapshot figures() {
  auto factory = std::make_shared<FactoryFigures>();
  factory->no = 1;
  factory->name = "lab<1>";
  factory->email = "ops@example.org";
  factory->seen = Wall{kNow - 60'000};
  factory->live = {.created = 3, .running = 7, .exiting = 1, .stale = 2};
  factory->hour = {.created = 9, .started = 8, .done = 5, .fault = 2};
  auto label = std::make_shared<LabelFigures>();
  label->no = 1;
  label->factory = 1;
  label->factory_name = "lab<1>";
  label->name = "BNL \"x\"\n";
  label->live = factory->live;
  label->hour = factory->hour;
  Snapshot s;
  s.at = Wall{kNow};
  s.factories = {factory};
  s.labels = {label};
  s.pilots = 4711;
  s.news = 12;
  return s;
}

OwnFigures own() {
  OwnFigures o;
  o.alarms.resize(3);
  for (Alarm& a : o.alarms) a.found.code = "label.faults";
  o.alarms[1].acknowledged.at = Wall{1};
  o.alarms[2].muted = true;
  o.deliveries = {{"mail", {.waiting = 1, .messages = 2, .failures = 3, .lost = 4, .trouble = ""}}};
  o.access = {5, 6};
  o.udp = {7, 0, 0};
  return o;
}

TEST(MonitorMetrics, AreAsAgreed) {
  const std::string text = metrics_text(figures(), own());
  const std::regex process("(process_[a-z_]+|version=)[ \"]*[0-9.e+-]+");
  test::expect_golden("monitor_metrics.txt", std::regex_replace(text, process, "$1 *"));
}

TEST(MonitorMetrics, AreBounded) {
  Snapshot s = figures();
  s.labels.resize(5003, s.labels[0]);
  EXPECT_THAT(metrics_text(s, own()), HasSubstr("\napf_monitor_metrics_labels_left_out 3\n"));
}

TEST(Sls, TellsOfAFactory) {
  const Snapshot s = figures();
  const std::string text = sls_text(s, s.factories[0].get(), "https://mon.example.org", Wall{kNow});
  for (const char* part :
       {"<serviceupdate xmlns=\"http://sls.cern.ch/SLS/XML/update\">", "<id>PilotFactory_lab&lt;1&gt;</id>",
        "<availability>100</availability>", "<status>available</status>", "<contact>ops@example.org</contact>",
        "<numericvalue name=\"running\" desc=\"pilots that run\">7<"})
    EXPECT_THAT(text, HasSubstr(part));
  EXPECT_THAT(sls_text(s, s.factories[0].get(), "", Wall{kNow + 1'200'000}), HasSubstr("<status>degraded<"));
  EXPECT_THAT(sls_text(s, s.factories[0].get(), "", Wall{kNow + 3'600'000}), HasSubstr("<status>unavailable<"));
}

TEST(Sls, TellsOfAllFactories) {
  Snapshot s = figures();
  auto other = std::make_shared<FactoryFigures>(*s.factories[0]);
  other->seen = Wall{kNow - 7'200'000};
  s.factories.push_back(other);
  EXPECT_THAT(sls_text(s, nullptr, "", Wall{kNow}), HasSubstr("<availability>50</availability>"));
  other->seen = Wall{1};  // long gone
  EXPECT_THAT(sls_text(s, nullptr, "", Wall{kNow}), HasSubstr("<availability>100</availability>"));
  EXPECT_THAT(sls_text(Snapshot{}, nullptr, "", Wall{kNow}), Not(HasSubstr("webpage")));
}

}  // namespace
}  // namespace apf::monitor
