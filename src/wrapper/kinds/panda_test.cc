#include "wrapper/kinds/panda.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace apf::wrapper {
namespace {

using Words = std::vector<std::string>;

Options options(Words own, std::string url = {}) {
  Options o;
  o.wms_queue = "Q";
  o.wms_url = std::move(url);
  o.code.arguments = std::move(own);
  return o;
}

TEST(PandaArguments, AreThoseOfThePilotWrapper) {
  EXPECT_EQ(panda_arguments(options({"-t"}), false), (Words{"-q", "Q", "-i", "PR", "-j", "managed", "-t"}));
  EXPECT_EQ(panda_arguments(options({}), true), (Words{"-q", "Q", "-i", "RC", "-j", "managed"}));
  EXPECT_EQ(panda_arguments(options({"-q", "X", "--joblabel=user", "-i", "ALRB"}), false),
            (Words{"-q", "X", "--joblabel=user", "-i", "ALRB"}));
}

struct UrlCase {
  const char* url;
  Words told;
};
class PandaUrl : public testing::TestWithParam<UrlCase> {};
INSTANTIATE_TEST_SUITE_P(Cases, PandaUrl,
                         testing::Values(UrlCase{"https://h.x:25443", {"--url", "https://h.x", "-p", "25443"}},
                                         UrlCase{"https://h.x:25443/server/panda",
                                                 {"--url", "https://h.x", "-p", "25443"}},
                                         UrlCase{"http://h/server", {"--url", "http://h"}},
                                         UrlCase{"http://[::1]:80", {"--url", "http://[::1]", "-p", "80"}},
                                         UrlCase{"http://[::1]", {"--url", "http://[::1]"}}));

TEST_P(PandaUrl, IsTakenApart) {
  Words all = panda_arguments(options({}, GetParam().url), false);
  EXPECT_EQ(Words(all.begin() + 6, all.end()), GetParam().told);
  EXPECT_EQ(panda_arguments(options({"--url", "u"}, GetParam().url), false).size(), 8U) << "the given one counts";
}

TEST(PandaExit, IsTheWrappersOwn) {
  for (const auto& [code, want] :
       std::map<int, int>{{0, 0}, {64, 64}, {68, 68}, {80, 80}, {82, 0}, {7, 7}, {143, 1}, {130, 1}, {137, 1}})
    EXPECT_EQ(panda_exit(code, 0), want) << code;
  EXPECT_EQ(panda_exit(-1, 9), 1);
}

TEST(PandaWorker, IsTheFirstOfTheSubmissionAndTheIndex) {
  EXPECT_EQ(worker_id("400000007", "3"), 400000010);
  EXPECT_EQ(worker_id("0", "0"), 0);
  for (const auto& [first, index] : std::vector<std::pair<const char*, const char*>>{
           {"", "1"}, {"1", ""}, {"1", "$(Process)"}, {"x", "1"}, {"-1", "1"}, {"9223372036854775807", "1"}})
    EXPECT_FALSE(worker_id(first, index)) << first << " " << index;
}

TEST(QueueDataOfPanda, StatusAndEnviron) {
  const auto data = read_queue_data(R"({"status":"test","environ":"A=b c 1D=x E='q' F=g=h;G=\"\"","other":[1]})");
  ASSERT_TRUE(data) << data.error().text();
  EXPECT_EQ(data->status, "test");
  EXPECT_EQ(data->environ, (std::map<std::string, std::string>{{"A", "b"}, {"E", "q"}, {"F", "g=h"}, {"G", ""}}));
  EXPECT_EQ(read_queue_data("{}")->status, "");
  for (const char* bad : {"", "<html>", "[]", "{\"status\":[]}", "{"}) EXPECT_FALSE(read_queue_data(bad)) << bad;
}

}  // namespace
}  // namespace apf::wrapper
