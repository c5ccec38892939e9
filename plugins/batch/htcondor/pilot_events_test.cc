// From events to pilots, on recorded event logs: cases/events.json is what a schedd (HTCondor 23.9) wrote, byte for
// byte, of some of its jobs (events of memory use left out); cases/events.txt has the pilots that are read from it.
// What is hard to record is made up.
#include "pilot_events.h"

#include <gmock/gmock.h>

#include <fstream>
#include <random>
#include <sstream>

#include "hold.h"
#include "support/made_events.h"

namespace apf::batch_htcondor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const char* name_of(HoldKind kind) {
  switch (kind) {
    case HoldKind::none: return "-";
    case HoldKind::passing: return "passing";
    case HoldKind::permanent: return "permanent";
    case HoldKind::people: return "people";
  }
  return "?";
}

std::string dash(const std::string& text) { return text.empty() ? "-" : text; }

std::string shown(const PilotSeen& p) {
  const auto time = [](Wall w) { return w.ms == 0 ? std::string("-") : iso8601(w).substr(11, 8); };
  return fmt::format("{} {} {} {} {}{} {} {} {} {} {} {} {} {}", p.batch_id, p.submission, p.index, p.run,
                     p.foreign ? "!" : "", name(p.state), time(p.submitted), time(p.started), time(p.ended),
                     p.exit_code, p.wall_s, dash(p.node), name_of(p.hold), dash(p.reason));
}

std::string slurp(const std::string& file) {
  std::ifstream in(std::string(APF_SOURCE_DIR) + "/plugins/batch/htcondor/cases/" + file, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::vector<std::string> expected() {
  std::vector<std::string> out;
  std::istringstream in(slurp("events.txt"));
  for (std::string line; std::getline(in, line);)
    if (!line.empty() && line[0] != '#') out.push_back(line);
  return out;
}

// What the pilots of a text are when it arrives in pieces of these sizes, at the times that its events name.
std::vector<std::string> pilots_of(std::string_view text, const std::vector<std::size_t>& sizes) {
  htcondor::ObjectSplitter splitter;
  PilotEvents events("f-1", "i1");
  std::vector<PilotSeen> out;
  Mono now;
  std::size_t piece = 0;
  while (!text.empty()) {
    const std::size_t n = std::min(sizes[piece++ % sizes.size()], text.size());
    splitter.add(text.substr(0, n));
    text.remove_prefix(n);
    while (const auto object = splitter.next()) {
      const auto event = htcondor::decode_event(*object);
      EXPECT_TRUE(event);
      if (!event) continue;
      now = Mono{event->at.ms * 1'000'000};
      events.settle(now, out);
      events.take(*event, now, [] { return std::string("here"); }, out);
    }
  }
  events.settle(now + seconds{5}, out);
  EXPECT_EQ(events.take_doubt(), "");
  EXPECT_EQ(splitter.damages(), 0U);
  std::vector<std::string> lines;
  for (const auto& p : out) lines.push_back(shown(p));
  return lines;
}

TEST(HtcondorEvents, ArePilotsAsRecordedHoweverTheTextIsChopped) {
  const std::string text = slurp("events.json");
  ASSERT_GT(text.size(), 10'000U);
  ASSERT_THAT(pilots_of(text, {text.size()}), ::testing::ElementsAreArray(expected()));
  EXPECT_EQ(pilots_of(text, {1}), expected());
  std::mt19937 random(11);  // NOLINT(*-msc51-cpp,cert-msc32-c): the same in each run
  for (int i = 0; i < 20; ++i) {
    std::vector<std::size_t> sizes(5);
    for (auto& s : sizes) s = 1 + random() % 4000;
    ASSERT_EQ(pilots_of(text, sizes), expected());
  }
}

// The same jobs' user log in XML form (cases/user_log.xml) and in the schedd's event log (cases/user_log.json).
TEST(HtcondorEvents, AreTheSamePilotsInEitherForm) {
  const std::string xml = slurp("user_log.xml");
  const auto pilots = pilots_of(xml, {xml.size()});
  EXPECT_EQ(pilots, pilots_of(slurp("user_log.json"), {1000}));
  EXPECT_EQ(pilots, pilots_of(xml, {1}));
  for (const char* state : {" pending ", " running ", " held ", " removed ", " failed ", " done "})
    EXPECT_THAT(pilots, ::testing::Contains(HasSubstr(state)));
}

TEST(HtcondorEvents, HoldsAreOfThreeKinds) {
  EXPECT_EQ(hold_kind(1, 0), HoldKind::people);
  EXPECT_EQ(hold_kind(15, 0), HoldKind::people);
  EXPECT_EQ(hold_kind(13, 2), HoldKind::passing);
  EXPECT_EQ(hold_kind(6, 8), HoldKind::permanent);
  EXPECT_EQ(hold_kind(6, 2), HoldKind::passing);
  EXPECT_EQ(hold_kind(34, 0), HoldKind::permanent);
  EXPECT_EQ(hold_kind(26, 0), HoldKind::permanent);
  EXPECT_EQ(hold_kind(0, 0), HoldKind::passing);
  EXPECT_EQ(hold_kind(4711, 0), HoldKind::passing);
}

TEST_F(MadeEvents, AnEvictionThatEndsInAHoldOrARemovalIsNone) {
  take(both(4, 0) + both(12, 0, R"("HoldReasonCode": 1)") + both(4, 1) + both(9, 1) + both(4, 2));
  EXPECT_THAT(told(), ElementsAre("5.0 held", "5.1 removed"));
  EXPECT_TRUE(events_.due());
  EXPECT_THAT(told(milliseconds{500}), IsEmpty());
  EXPECT_THAT(told(milliseconds{600}), ElementsAre("5.2 failed"));
  EXPECT_FALSE(events_.due());
}

TEST_F(MadeEvents, AnEvictedPilotThatMayRunAgainOrNeverRanIsPending) {
  const std::string rerun = R"("APF_RERUN": true)", never = R"("NumJobStarts": 0)";
  std::string again = about(4, 0), unstarted = about(7, 1);
  again.replace(again.find(R"("APF_RERUN": false)"), 18, rerun);
  unstarted.replace(unstarted.find(R"("NumJobStarts": 1)"), 17, never);
  take(again + unstarted);
  EXPECT_THAT(told(seconds{2}), ElementsAre("5.0 pending", "5.1 pending"));
}

TEST_F(MadeEvents, AReleasedPilotThatRanBeforeNeverRunsAgain) {
  std::string waiting = about(13, 1);
  waiting.replace(waiting.find(R"("NumJobStarts": 1)"), 17, R"("NumJobStarts": 0)");
  take(about(13, 0) + waiting);
  EXPECT_THAT(told(), ElementsAre("5.1 pending"));
  EXPECT_THAT(told(seconds{1}), ElementsAre("5.0 failed"));
}

TEST_F(MadeEvents, EventsWithoutInformationAreUnderstoodFromEarlierOnes) {
  take(both(0, 0) + event(1, 0));
  EXPECT_THAT(told(), ElementsAre("5.0 pending"));
  EXPECT_THAT(told(seconds{1}), ElementsAre("5.0 running"));
  EXPECT_EQ(events_.take_doubt(), "");
  take(event(5, 0, R"("TerminatedNormally": true, "ReturnValue": 3)") + event(9, 0));
  EXPECT_THAT(told(), ElementsAre("5.0 done")) << "what comes next settles it at once";
  EXPECT_EQ(events_.take_doubt(), "");
}

TEST_F(MadeEvents, EventsOfAJobThatIsNotKnownAreADoubt) {
  take(event(1, 0));
  EXPECT_EQ(events_.take_doubt(), "") << "its information may come";
  EXPECT_THAT(told(seconds{1}), IsEmpty());
  EXPECT_NE(events_.take_doubt(), "");
  EXPECT_EQ(events_.take_doubt(), "");
  take(both(1, 1) + event(4, 1));
  EXPECT_THAT(told(seconds{1}), ElementsAre("5.1 running")) << "whether it ran before its eviction is not known";
  EXPECT_NE(events_.take_doubt(), "");
  std::string broken = about(1, 2);
  broken.replace(broken.find("APF_SUBMISSION"), 14, "APF_SUBMISSIOM");
  take(broken);
  EXPECT_NE(events_.take_doubt(), "");
}

TEST_F(MadeEvents, InformationMayComeAfterEventsOfOtherJobs) {
  take(event(1, 0) + event(1, 1) + about(1, 1) + about(1, 0));
  EXPECT_THAT(told(), ElementsAre("5.1 running", "5.0 running"));
  EXPECT_THAT(told(seconds{5}), IsEmpty());
  EXPECT_EQ(events_.take_doubt(), "");
}

TEST_F(MadeEvents, OthersJobsAreLeftOut) {
  std::string other = about(1, 0);
  other.replace(other.find("\"f-1\""), 5, "\"f-2\"");
  const std::string none = event(28, 1, R"("TriggerEventTypeNumber": 1)");
  std::string foreign = about(1, 2);
  foreign.replace(foreign.find("\"i1\""), 4, "\"i0\"");
  take(event(1, 0) + other + event(1, 1) + none + foreign);
  ASSERT_EQ(out_.size(), 1U);
  EXPECT_TRUE(out_[0].foreign);
  EXPECT_THAT(told(seconds{5}), ElementsAre("5.2 running"));
  EXPECT_EQ(events_.take_doubt(), "");
}

TEST_F(MadeEvents, TheBookmarkStandsBeforeWhatIsKeptBack) {
  take(both(0, 0));
  EXPECT_EQ(events_.oldest(), std::nullopt);
  take(about(4, 0));
  const auto first = events_.oldest();
  ASSERT_TRUE(first);
  take(about(4, 1));
  EXPECT_EQ(events_.oldest(), first);
  take(about(9, 0));
  EXPECT_NE(events_.oldest(), first);
  EXPECT_NE(events_.oldest(), std::nullopt);
}

TEST_F(MadeEvents, EventsThatChangeNothingAreIgnored) {
  for (const int type : {6, 8, 21, 22, 25, 26, 27, 33, 35, 36, 37, 38, 99}) take(both(type, 0));
  take(both(40, 0, "\"Type\": 6") + both(40, 0, "\"Type\": 3"));
  EXPECT_THAT(told(seconds{5}), IsEmpty());
  EXPECT_EQ(events_.take_doubt(), "");
  take(both(40, 0, "\"Type\": 2") + both(40, 0, "\"Type\": 5") + both(10, 0) + both(11, 0) + both(29, 0) + both(30, 0));
  EXPECT_THAT(told(), ElementsAre("5.0 running", "5.0 transferring", "5.0 suspended", "5.0 running", "5.0 unknown",
                                  "5.0 running"));
}

}  // namespace
}  // namespace apf::batch_htcondor
