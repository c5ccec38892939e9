// The samples in tests/data/autopyfactory were written for these tests, in the original's format.
#include "import/import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "import/words.h"

namespace apf::import {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const std::string kSamples = APF_SOURCE_DIR "/tests/data/autopyfactory/";

const Registry& registry() {
  static const Registry all = [] {
    Registry r;
    register_all(r);
    return r;
  }();
  return all;
}

// One [Factory] and the queues' file.
tl::expected<Imported, config::Errors> imported(const std::string& queues, const std::string& factory = "") {
  OldFiles old;
  config::Errors errors;
  Ini first;
  read_ini("[Factory]\nfactoryId = F\n" + factory, "f.conf", first, errors);
  old.factory = *first.find("Factory");
  read_ini(queues, "q.conf", old.queues, errors);
  old.queues.spread_defaults();
  EXPECT_THAT(errors, IsEmpty());
  return import_files(old, registry());
}

std::string error_of(const tl::expected<Imported, config::Errors>& made) {
  return made || made.error().empty() ? "none" : made.error().front().text();
}

const std::string kQueue = "[Q]\nenabled = True\nbatchsubmitplugin = CondorLocal\nschedplugin = Ready\n";

TEST(Ini, IsReadAsPythonReadsIt) {
  config::Errors errors;
  Ini ini;
  read_ini(
      "# comment\n; comment\nREM comment\n[DEFAULT]\nbase: /a\n[A b]\nKey = one ; two\nkey=x;y\nlong = 1\n   2\n\t3 # "
      "4\n"
      "empty = \"\"\nsub = %(base)s/%(Key)s 100%%\n[B]\nbase = /b\r\nsub = %(base)s\n[A b]\nkey = z\n",
      "f", ini, errors);
  EXPECT_THAT(errors, IsEmpty());
  ini.spread_defaults();
  const IniSection* a = ini.find("A b");
  ASSERT_NE(a, nullptr);
  const auto get = [&](const IniSection* s, const char* key) { return **resolve(*s, key); };
  EXPECT_EQ(get(a, "Key"), "one");
  EXPECT_EQ(get(a, "key"), "z") << "a section may come twice";
  EXPECT_EQ(get(a, "long"), "1\n2\n3 # 4");
  EXPECT_EQ(get(a, "empty"), "");
  EXPECT_EQ(get(a, "sub"), "/a/one 100%");
  EXPECT_EQ(get(ini.find("B"), "sub"), "/b");
  EXPECT_FALSE(*resolve(*a, "KEY")) << "capitals matter";
  EXPECT_EQ(a->values.at("key").origin.text(), "f:18");
}

TEST(Ini, SaysWhereItCannotBeRead) {
  config::Errors errors;
  Ini ini;
  read_ini("lost = 1\n[]\n[A]\njust words\n= 3\n[B\nx = %(x)s\ny = %d\nz = %(nothing)s\n", "f", ini, errors);
  std::vector<std::string> places;
  for (const auto& e : errors) places.push_back(e.where + " " + e.code);
  EXPECT_THAT(places, ElementsAre("f:1 import.syntax", "f:2 import.syntax", "f:4 import.syntax", "f:5 import.syntax",
                                  "f:6 import.syntax"));
  for (const char* key : {"x", "y", "z"}) {
    const auto value = resolve(*ini.find("A"), key);
    ASSERT_FALSE(value) << key;
    EXPECT_EQ(value.error().code, "import.interpolation");
  }
}

TEST(Ini, OtherTextThanUtf8IsToldButInComments) {
  config::Errors errors;
  Ini ini;
  read_ini("# M\xfcnchen\n[A]\nx = M\xc3\xbcnchen\ny = M\xfcnchen\n", "f", ini, errors);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].where, "f:4");
}

TEST(Ini, LaterFilesWinKeyByKey) {
  config::Errors errors;
  Ini first, second;
  read_ini("[DEFAULT]\na = 1\nb = 1\n[Q]\nc = 1\n[R]\n", "one", first, errors);
  first.spread_defaults();
  read_ini("[DEFAULT]\nb = 2\n[Q]\nd = 2\n", "two", second, errors);
  second.spread_defaults();
  first.merge(second);
  EXPECT_EQ(**resolve(*first.find("Q"), "a"), "1");
  EXPECT_EQ(**resolve(*first.find("Q"), "b"), "2") << "its DEFAULT belongs to its own sections";
  EXPECT_EQ(**resolve(*first.find("R"), "b"), "1");
}

TEST(Words, ArgumentsAndAttributesAreTakenApart) {
  EXPECT_THAT(arguments_of("--a=1  -b two"), ElementsAre("--a=1", "-b", "two"));
  EXPECT_THAT(arguments_of(R"("--a=1 --cmd=""module load osg"" 'x y'")"),
              ElementsAre("--a=1", "--cmd=module load osg", "x y"));
  EXPECT_THAT(arguments_of(R"(say \"two words\")"), ElementsAre("say", "two words"));
  EXPECT_THAT(arguments_of(R"("")"), IsEmpty());
  EXPECT_THAT(attributes_of(R"(+A = 1, +B = "x\, y" ,, C = \\n)"), ElementsAre("+A = 1", "+B = \"x, y\"", "C = \\n"));
}

TEST(Import, SamplesBecomeAConfigurationThatIsGood) {
  const auto made = import_autopyfactory(kSamples + "autopyfactory.conf", registry());
  ASSERT_TRUE(made) << error_of(made);
  std::string text = made->toml;
  for (auto at = text.find(kSamples); at != std::string::npos; at = text.find(kSamples))
    text.erase(at, kSamples.size());
  std::ifstream in(kSamples + "expected.toml");
  std::ostringstream expected;
  expected << in.rdbuf();
  EXPECT_EQ(text, expected.str());
  const config::Text result{"result", "/etc/apf", made->toml};
  const auto loaded = config::assemble({&result, 1}, registry(), {});
  ASSERT_TRUE(loaded) << loaded.error().front().text();
  EXPECT_EQ(loaded->config->queues.size(), 7U);
  EXPECT_EQ(made->queues, 7);
  EXPECT_EQ(made->left_out, 1);
}

TEST(Import, EachRetiredOrUnknownSubmissionIsLeftOutWithAReason) {
  for (const char* plugin : {"CondorGT2", "CondorGT5", "CondorCREAM", "CondorEC2", "CondorDeltaCloud", "Exec", ""}) {
    const auto made = imported("[Q]\nbatchsubmitplugin = " + std::string(plugin) + "\nschedplugin = Ready\n");
    ASSERT_TRUE(made) << error_of(made);
    EXPECT_EQ(made->left_out, 1) << plugin;
    EXPECT_THAT(made->toml, Not(HasSubstr("[queue.Q]")));
    EXPECT_THAT(made->notes, Contains(HasSubstr("left out:")));
  }
}

TEST(Import, AQueueThatWasNotEnabledIsNot) {
  EXPECT_THAT(imported("[Q]\nbatchsubmitplugin = CondorLocal\nschedplugin = Ready\n")->toml,
              HasSubstr("enabled = false"));
  EXPECT_THAT(imported(kQueue)->toml, Not(HasSubstr("enabled")));
  EXPECT_THAT(imported(kQueue, "enablequeues = False\n")->toml, HasSubstr("enabled = false"));
  EXPECT_THAT(imported(kQueue, "cycles = 0\n")->toml, HasSubstr("enabled = false"));
}

TEST(Import, AStepWithoutCounterpartLeavesTheQueueInTheShadow) {
  const auto made = imported(kQueue + "schedplugin = Ready, Magic\n");
  EXPECT_THAT(made->toml, HasSubstr("mode = \"shadow\""));
  EXPECT_THAT(made->notes, Contains(HasSubstr("q.conf:5: the sched step Magic has no counterpart")));
  EXPECT_THAT(imported("[Q]\nbatchsubmitplugin = CondorLocal\n")->toml, HasSubstr(R"({ use = "null" })"));
}

TEST(Import, OptionsOfStepsAreTakenOver) {
  const auto made = imported(kQueue +
                             "schedplugin = Throttle, Activated, MaxPending, Scale\nsched.throttle.interval = 1800\n"
                             "sched.throttle.ratio = 0.5\nsched.activated.testmode.allowed = True\n"
                             "sched.activated.testmode.pilots = 3\nsched.maxpending.allow_negative = False\n");
  ASSERT_TRUE(made) << error_of(made);
  for (const char* step : {R"({ use = "throttle", interval = "1800s", ratio = 0.5 })",
                           R"({ use = "activated", testmode_allowed = true, testmode_pilots = 3 })",
                           R"({ use = "maxpending", allow_negative = false })", R"({ use = "scale" })"})
    EXPECT_THAT(made->toml, HasSubstr(step));
}

TEST(Import, TheLastOfTwoSubmitAttributesCounts) {
  const auto made = imported(kQueue +
                             "batchsubmit.condorlocal.condor_attributes = request_cpus = 1, request_cpus = 2\n"
                             "batchsubmit.condorlocal.condor_attributes.request_cpus = 4\n");
  ASSERT_TRUE(made) << error_of(made);
  EXPECT_THAT(made->toml, HasSubstr("submit.request_cpus = 4"));
  EXPECT_THAT(made->toml, Not(HasSubstr("submit.request_cpus = 1")));
}

TEST(Import, BadValuesAreToldWithTheirPlace) {
  EXPECT_EQ(error_of(imported(kQueue + "sched.ready.offset = many\n")),
            "q.conf:5: sched.ready.offset: 'many' is no whole number [import.bad_value]");
  EXPECT_THAT(error_of(imported("[Q]\nenabled = perhaps\n")), HasSubstr("q.conf:2"));
  EXPECT_THAT(error_of(imported(kQueue + "executable = %(nowhere)s\n")), HasSubstr("[import.interpolation]"));
  EXPECT_THAT(error_of(imported(kQueue + "batchsubmit.condorlocal.environ = A=1 B\n")),
              HasSubstr("'B' is not NAME=VALUE"));
  OldFiles none;
  EXPECT_THAT(error_of(import_files(none, registry())), HasSubstr("factoryId"));
}

TEST(Import, WhatAllQueuesInheritIsToldOnce) {
  const auto made =
      imported("[DEFAULT]\nmystery = 1\nbatchsubmitplugin = CondorLocal\nschedplugin = Ready\n[A]\n[B]\n[C]\n");
  ASSERT_TRUE(made);
  EXPECT_THAT(made->notes, ElementsAre(HasSubstr("q.conf:2: 'mystery' has no counterpart")));
}

TEST(Import, FilesThatAreNotThereAreToldTogether) {
  const auto made = import_autopyfactory(kSamples + "nothing.conf", registry());
  EXPECT_THAT(error_of(made), HasSubstr("[import.unreadable]"));
  config::Errors errors;
  read_old_files(kSamples + "monitor.conf", errors);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].code, "import.no_factory");
}

}  // namespace
}  // namespace apf::import
