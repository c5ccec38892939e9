// The real program over the vectors: what AutoPyFactory's own plug-ins decided, and where we decide otherwise.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "process/supervisor.h"

namespace apf::factory {
namespace {

using nlohmann::json;

std::string read_file(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

Finished decide(const std::string& input, bool message = false) {
  Command command{.argv = {APF_BIN_DIR "/apf", "decide"}, .input = input};
  if (message) command.argv.emplace_back("--message");
  auto done = process::run(command, {.deadline = mono_now() + seconds{60}});
  return done ? *done : Finished{};
}

std::vector<json> lines(const std::string& text) {
  std::vector<json> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(json::parse(line));
  return out;
}

TEST(Decide, EqualsTheOriginalOnEveryVector) {
  const std::string text = read_file(APF_SOURCE_DIR "/tests/vectors/sched.jsonl");
  const auto want = lines(text);
  ASSERT_EQ(want.size(), 400U);
  const Finished done = decide(text);
  ASSERT_EQ(done.exit_code, 0) << done.err;
  const auto got = lines(done.out);
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i) {
    const json expected{{"id", want[i]["id"]}, {"steps", want[i]["steps"]}, {"submit", want[i]["submit"]}};
    EXPECT_EQ(got[i], expected) << want[i].dump();
  }
}

// What the original's vectors do not cover: where we decide otherwise, and steps and inputs that only we have.
class OwnVectors : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Decide, OwnVectors, testing::Values("deviations", "further"),
                         [](const auto& given) { return std::string(given.param); });

TEST_P(OwnVectors, DecideAsDocumented) {
  const std::string text = read_file(std::string(APF_SOURCE_DIR "/tests/vectors/") + GetParam() + ".jsonl");
  const auto want = lines(text);
  ASSERT_FALSE(want.empty());
  const Finished done = decide(text, true);
  ASSERT_EQ(done.exit_code, 0) << done.err;
  const auto got = lines(done.out);
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i) {
    const json expected{{"id", want[i]["id"]},
                        {"steps", want[i]["steps"]},
                        {"submit", want[i]["submit"]},
                        {"message", want[i]["message"]}};
    EXPECT_EQ(got[i], expected) << want[i]["why"];
  }
}

TEST(Decide, SaysWhichLineIsBadAndGoesOn) {
  const Finished done = decide(
      "{\"id\":1,\"chain\":[\"null\"]}\n"
      "not json\n"
      "\n"
      "{\"id\":3,\"chain\":[\"redy\"]}\n"
      "{\"id\":4,\"chain\":[\"ready\"],\"options\":{\"sched.ready.ofset\":1}}\n"
      "{\"id\":5,\"chain\":[\"ready\"],\"batch\":{\"pending\":\"many\"}}\n"
      "{\"id\":6,\"chain\":[\"maxpending\"],\"options\":{\"sched.maxpending.maximum\":-1}}\n"
      "[]\n"
      "{\"id\":\"last\",\"chain\":[]}");
  EXPECT_EQ(done.exit_code, 2);
  EXPECT_EQ(done.err,
            "apf decide: line 2: not a JSON object [decide.bad_input]\n"
            "apf decide: line 4: no sched plug-in 'redy' (did you mean 'ready'?) [decide.bad_input]\n"
            "apf decide: line 5: option 'sched.ready.ofset' is not known (did you mean 'offset'?) [decide.bad_input]\n"
            "apf decide: line 6: 'pending' must be an integer [decide.bad_input]\n"
            "apf decide: line 7: 'maximum' must be at least 0, not -1 [config.out_of_range]\n"
            "apf decide: line 8: not a JSON object [decide.bad_input]\n");
  EXPECT_EQ(done.out,
            "{\"id\":1,\"steps\":[{\"plugin\":\"null\",\"in\":0,\"out\":0}],\"submit\":0}\n"
            "{\"id\":\"last\",\"steps\":[],\"submit\":0}\n");
}

TEST(Decide, NothingInNothingOut) {
  const Finished done = decide("");
  EXPECT_EQ(done.exit_code, 0);
  EXPECT_EQ(done.out, "");
  EXPECT_EQ(done.err, "");
}

}  // namespace
}  // namespace apf::factory
