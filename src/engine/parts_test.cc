// The small parts of the shell: alarms, addresses, secrets, the wrapper's file.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "engine/alarms.h"
#include "engine/call_context.h"
#include "engine/identity.h"
#include "engine/random.h"
#include "engine/wrapper_store.h"

namespace apf::engine {
namespace {

namespace fs = std::filesystem;
constexpr Mono kNow{1'000'000'000'000};
const Wall kShown{1'800'000'000'000};

struct Told {
  std::string code;
  bool raised = false;
  std::int64_t suppressed = 0;
};

class AlarmsTest : public testing::Test {
 protected:
  std::vector<Told> told_;
  Alarms alarms_{[this](const core::Alarm& a, bool raised, std::int64_t suppressed) {
                   told_.push_back({a.code, raised, suppressed});
                 },
                 {.repeat = seconds{600}, .most = 3, .window = seconds{3600}}};
};

TEST_F(AlarmsTest, EachIsToldOnceWhenRaisedAndOnceWhenCleared) {
  for (int i = 0; i < 3; ++i) alarms_.raise("x", "a", "text " + std::to_string(i), kNow, kShown);
  ASSERT_EQ(alarms_.own().size(), 1U);
  EXPECT_EQ(alarms_.own()[0].text, "text 2");  // the words stay current
  for (int i = 0; i < 3; ++i) alarms_.clear("x", "a", kNow);
  EXPECT_TRUE(alarms_.own().empty());
  ASSERT_EQ(told_.size(), 2U);
  EXPECT_TRUE(told_[0].raised);
  EXPECT_FALSE(told_[1].raised);
}

TEST_F(AlarmsTest, OneThatFlapsIsToldAtMostOncePerTime) {
  const core::Alarm a{"x", "a", "text", kShown};
  for (int i = 0; i < 10; ++i) {
    alarms_.changed(a, true, kNow + seconds{i});
    alarms_.changed(a, false, kNow + seconds{i});
  }
  EXPECT_EQ(told_.size(), 2U);  // the first raise and its end; an end nobody heard the beginning of is not told
  alarms_.changed(a, true, kNow + seconds{700});
  ASSERT_EQ(told_.size(), 3U);
  EXPECT_EQ(told_[2].suppressed, 9);
}

TEST_F(AlarmsTest, ManyAtOnceAreBounded) {
  for (int i = 0; i < 10; ++i) alarms_.raise("x", std::to_string(i), "text", kNow, kShown);
  EXPECT_EQ(told_.size(), 3U);
  EXPECT_EQ(alarms_.own().size(), 10U);
  alarms_.raise("x", "later", "text", kNow + seconds{4000}, kShown);
  EXPECT_EQ(told_.size(), 4U);
}

TEST(AlarmCommand, GetsItsWordsInTheEnvironment) {
  const auto c = alarm_command("mail -s apf ops", {"x.y", "batch:p", "it's \"bad\"; rm -rf /", kShown}, true, 4);
  EXPECT_EQ(c.argv.back(), "mail -s apf ops");  // what the alarm says is never part of the command
  EXPECT_EQ(c.environment.at("APF_ALARM"), "raised");
  EXPECT_EQ(c.environment.at("APF_ALARM_TEXT"), "it's \"bad\"; rm -rf /");
  EXPECT_EQ(c.environment.at("APF_ALARM_SUPPRESSED"), "4");
}

class FilesTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(dir_); }
  void TearDown() override { fs::remove_all(dir_); }
  std::string file(const std::string& name, const std::string& content, mode_t mode) {
    const std::string path = dir_ + "/" + name;
    std::ofstream(path) << content;
    chmod(path.c_str(), mode);
    return path;
  }
  std::string dir_ = testing::TempDir() + "parts-" + random_name(8);
};

TEST_F(FilesTest, SecretsAreReadWithoutTheirLastNewline) {
  EXPECT_EQ(*read_credential(file("a", "token\n", 0600)), "token");
  EXPECT_EQ(*read_credential(file("b", "two\nlines", 0400)), "two\nlines");
}

TEST_F(FilesTest, SecretsThatOthersMayReadAreRefused) {
  for (const mode_t mode : {0644U, 0640U, 0602U}) {
    const auto got = read_credential(file("c" + std::to_string(mode), "token", mode));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, "engine.credential_open_to_others");
  }
  EXPECT_EQ(read_credential(dir_ + "/none").error().code, "engine.credential_missing");
  EXPECT_EQ(read_credential(dir_).error().code, "engine.credential_missing");
  EXPECT_EQ(read_credential(file("long", std::string(2'000'000, 'x'), 0600)).error().code,
            "engine.credential_too_long");
}

TEST_F(FilesTest, TheWrapperIsKnownByItsSum) {
  // the well-known sum of "abc", FIPS 180-2
  EXPECT_EQ(*file_sha256(file("w", "abc", 0755)), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(file_sha256(dir_ + "/none").error().code, "engine.wrapper_missing");
}

TEST_F(FilesTest, PilotsOfThisMachineTakeTheFileItselfIfTheyMay) {
  const auto open = file("w", "abc", 0755), closed = file("v", "abc", 0700);
  if (everybody_may_read(open)) {
    EXPECT_EQ(wrapper_urls(open, "5a", "127.0.0.1:80"), "file://" + open + ",http://127.0.0.1:80/wrapper/5a.tar.gz");
  }
  EXPECT_EQ(wrapper_urls(closed, "5a", "127.0.0.1:80"), "http://127.0.0.1:80/wrapper/5a.tar.gz");
  EXPECT_EQ(wrapper_urls(open, "5a", "host.example.org:80"), "http://host.example.org:80/wrapper/5a.tar.gz");
  EXPECT_EQ(wrapper_urls("/a b/w", "5a", ""), "file:///a%20b/w");  // not served: the file is all there is
}

TEST_F(FilesTest, AWrapperThatWasPinnedStaysWhenItsFileChanges) {
  const std::string kept = dir_ + "/wrappers";
  const auto first = keep_wrapper(file("w", "abc", 0644), kept);
  ASSERT_TRUE(first) << first.error().text();
  const auto second = keep_wrapper(file("w", "abd", 0644), kept);
  ASSERT_TRUE(second);
  EXPECT_NE(*first, *second);
  for (const auto& sum : {*first, *second}) EXPECT_EQ(*file_sha256(kept + "/" + sum + ".tar.gz"), sum);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(keep_wrapper(file("w", std::to_string(i), 0644), kept));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(kept), {}), 10);
  EXPECT_TRUE(std::filesystem::exists(kept + "/" + *file_sha256(dir_ + "/w") + ".tar.gz"));
  EXPECT_EQ(keep_wrapper(dir_ + "/none", kept).error().code, "engine.wrapper_missing");
}

TEST_F(FilesTest, TheConfigurationNamesWrappers) {
  const auto built_in = file("w", "abc", 0600), own = file("own", "abd", 0600), next = file("next", "abe", 0600);
  core::FactorySettings factory;
  factory.state_dir = dir_;
  FactoryIdentity me;
  const IdentityFiles files{"boot", built_in, true};
  ASSERT_TRUE(choose_wrapper(me, factory, "h:1", files));
  EXPECT_EQ(me.wrapper_sha256, *file_sha256(built_in));
  EXPECT_EQ(me.next_wrapper_sha256, "");
  factory.wrapper = own;
  factory.next_wrapper = next;
  ASSERT_TRUE(choose_wrapper(me, factory, "h:1", files));
  EXPECT_EQ(me.wrapper_url, "http://h:1/wrapper/" + *file_sha256(own) + ".tar.gz");
  EXPECT_EQ(me.next_wrapper_url, "http://h:1/wrapper/" + *file_sha256(next) + ".tar.gz");
  factory.next_wrapper.clear();
  ASSERT_TRUE(choose_wrapper(me, factory, "h:1", files));
  EXPECT_EQ(me.next_wrapper_sha256, "");
  factory.wrapper = dir_ + "/none";
  EXPECT_EQ(choose_wrapper(me, factory, "h:1", files).error().code, "engine.wrapper_missing");
}

}  // namespace
}  // namespace apf::engine
