#include "protocol/pilot_datagram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace apf::protocol {
namespace {

using testing::HasSubstr;
using Kind = PilotDatagram::Kind;

// As captured from pilot-wrapper 20251211a.
constexpr const char* kExiting =
    "20251211a-master          lab-factory:2.0          exiting          68          LAB_GRID          unknown"
    "          lab_harvester          1          http://127.0.0.1/logs/2.0.out";

PilotDatagram lab(Kind kind, std::int64_t seconds) {
  PilotDatagram d{.kind = kind, .version = "20251211a-master", .factory = "lab-factory", .cid = "2.0"};
  d.seconds = seconds;
  d.queue = "LAB_GRID";
  return d;
}

TEST(PilotDatagram, ReadsWhatPilotWrapperSends) {
  PilotDatagram expected = lab(Kind::exiting, 68);
  expected.harvester = "lab_harvester";
  expected.worker = "1";
  expected.gtag = "http://127.0.0.1/logs/2.0.out";
  const auto d = read_datagram(kExiting);
  ASSERT_TRUE(d) << d.error().text();
  EXPECT_EQ(*d, expected);
}

TEST(PilotDatagram, ReadsWhatItsSupervisorSends) {
  EXPECT_EQ(*read_datagram("TIME_DIFF 3725 20251211a-master LAB_GRID lab-factory:2.0"), lab(Kind::silent, 3725));
  EXPECT_EQ(*read_datagram("SIGINT 0 20251211a-master LAB_GRID lab-factory:2.0"), lab(Kind::interrupted, 0));
  PilotDatagram without_queue = lab(Kind::interrupted, 0);
  without_queue.queue.clear();
  EXPECT_EQ(*read_datagram("SIGINT 0 20251211a-master  lab-factory:2.0"), without_queue);
}

// The line that was captured from pilot-wrapper, but for the blanks before the seconds.
TEST(PilotDatagram, IsWrittenAsPilotWrapperDoes) {
  PilotDatagram d = lab(Kind::exiting, 68);
  d.harvester = "lab_harvester";
  d.worker = "1";
  d.gtag = "http://127.0.0.1/logs/2.0.out";
  EXPECT_EQ(write_datagram(d),
            "20251211a-master          lab-factory:2.0          exiting 68          LAB_GRID          unknown          "
            "lab_harvester          1          http://127.0.0.1/logs/2.0.out");
  d.queue = "two words\n";
  EXPECT_THAT(write_datagram(d), HasSubstr(" two_words_ "));
}

TEST(PilotDatagram, SurvivesTheTrip) {
  for (const Kind kind : {Kind::running, Kind::exiting, Kind::fault, Kind::silent, Kind::interrupted})
    EXPECT_EQ(*read_datagram(write_datagram(lab(kind, 7))), lab(kind, 7));
}

TEST(PilotDatagram, TakesLessAndMore) {
  PilotDatagram least = lab(Kind::running, 0);
  least.queue.clear();
  EXPECT_EQ(*read_datagram("20251211a-master lab-factory:2.0 running 0"), least);
  EXPECT_EQ(read_datagram(std::string(kExiting) + " a-new-word")->gtag, "http://127.0.0.1/logs/2.0.out");
  EXPECT_EQ(read_datagram("v f:1:2 running 0")->cid, "1:2");
  EXPECT_EQ(read_datagram("v f:1 exiting -3")->seconds, 0);  // a clock that was set back
}

struct Bad {
  std::string bytes;
  const char* says;
};
class BadDatagram : public testing::TestWithParam<Bad> {};
INSTANTIATE_TEST_SUITE_P(
    Cases, BadDatagram,
    testing::Values(Bad{"", "empty"}, Bad{" \n", "empty"}, Bad{"v f:1 running", "fewer words"},
                    Bad{"v f:1 sleeping 0", "'sleeping'"}, Bad{"v : running 0", "FACTORY:CID"},
                    Bad{"v f: running 0", "FACTORY:CID"}, Bad{"v :1 running 0", "FACTORY:CID"},
                    Bad{"v f1 running 0", "FACTORY:CID"}, Bad{"v f:1 running x", "seconds"},
                    Bad{"v f:1 running 99999999999", "seconds"}, Bad{"v f:1 running 1e3", "seconds"},
                    Bad{"SIGINT 0 v", "five words"}, Bad{"TIME_DIFF x v q f:1", "seconds"},
                    Bad{std::string("v f:1\0 running 0", 16), "ASCII"}, Bad{"v f:\xc3\xbc running 0", "ASCII"},
                    Bad{"v f:" + std::string(256, 'x') + " running 0", "FACTORY:CID"},
                    Bad{"v f:1 running 0 " + std::string(1025, 'x'), "1024"}, Bad{std::string(4097, ' '), "4096"},
                    Bad{"a b c d e f g h i j k l m n o p q", "16 words"}));

TEST_P(BadDatagram, IsRefusedWithWords) {
  const auto d = read_datagram(GetParam().bytes);
  ASSERT_FALSE(d);
  EXPECT_EQ(d.error().code, "datagram.bad");
  EXPECT_THAT(d.error().what, HasSubstr(GetParam().says));
}

}  // namespace
}  // namespace apf::protocol
