// Credentials of queues on a fake Context: judged before each submission, kept at one path, renewed there.
#include "credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "apf/registry.h"
#include "support/fake_context.h"

namespace apf {
void register_batch_htcondor(Registry& registry);
}

namespace apf::batch_htcondor {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string slurp(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A token that ends in so many seconds; "eyJ" is how each JSON object begins in base64url.
std::string token_for(std::int64_t s, const std::string& audience = "ce") {
  const std::string claims = "{\"exp\":" + std::to_string(wall_now().ms / 1000 + s) + ",\"aud\":\"" + audience + "\"}";
  constexpr const char* kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  unsigned bits = 0, held = 0;
  for (const char c : claims) {
    bits = bits << 8U | static_cast<unsigned char>(c);
    for (held += 8; held >= 6; held -= 6) out += kDigits[bits >> (held - 6) & 63U];
  }
  if (held > 0) out += kDigits[bits << (6 - held) & 63U];
  return "e30." + out + ".c2ln";
}

class HtcondorCredentials : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string directory = (fs::temp_directory_path() / "apf-credential-XXXXXX").string();
    ASSERT_NE(mkdtemp(directory.data()), nullptr);
    root_ = directory;
    queue_.name = "Q";
    queue_.executable = "/bin/pilot";
    queue_.submit.set("rerun_evicted", false);
    queue_.submit.set("job_log", true);
    queue_.submit.set("credential", std::string("/etc/token"));
    me_.log_dir = root_ / "logs";
    me_.state_dir = root_ / "state";
  }
  void TearDown() override { fs::remove_all(root_); }
  Result<Credentials::Copy> prepare() { return credentials_.prepare(root_, queue_, context_); }

  fs::path root_;
  FactoryIdentity me_;
  QueueSpec queue_;
  tests::FakeContext context_;
  Credentials credentials_{htcondor::Account{}};
};

TEST_F(HtcondorCredentials, ACopyStaysAtOnePathAndIsRenewedThere) {
  const std::string first = token_for(7200), second = token_for(9000);
  context_.credentials["/etc/token"] = first;
  const auto copy = prepare();
  ASSERT_TRUE(copy) << copy.error().text();
  EXPECT_EQ(copy->proxy, "");
  EXPECT_EQ(slurp(copy->token), first);
  struct stat info{};
  ASSERT_EQ(::stat(copy->token.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  context_.credentials["/etc/token"] = second;
  Credentials restarted{htcondor::Account{}};
  restarted.renew(root_, context_);
  EXPECT_EQ(slurp(copy->token), second) << "renewed for pilots that wait, without a submission";
  EXPECT_EQ(prepare()->token, copy->token);
}

TEST_F(HtcondorCredentials, ARenewalNeverBringsAWorseOne) {
  const std::string good = token_for(7200);
  context_.credentials["/etc/token"] = good;
  const auto copy = prepare();
  ASSERT_TRUE(copy);
  for (const std::string& worse : {token_for(60), std::string("garbage"), std::string()}) {
    context_.credentials["/etc/token"] = worse;
    Credentials{htcondor::Account{}}.renew(root_, context_);
    EXPECT_EQ(slurp(copy->token), good);
  }
  context_.credentials.clear();
  Credentials{htcondor::Account{}}.renew(root_, context_);
  EXPECT_EQ(slurp(copy->token), good);
}

TEST_F(HtcondorCredentials, WhatWillNotDoIsRefusedInASentence) {
  const auto said = [&] {
    const auto copy = prepare();
    if (copy) return std::string("good");
    EXPECT_EQ(copy.error().kind, Kind::transient);
    return copy.error().text();
  };
  EXPECT_THAT(said(), HasSubstr("/etc/token"));
  context_.credentials["/etc/token"] = "garbage";
  EXPECT_THAT(said(), HasSubstr("/etc/token: is neither a PEM file nor a JSON web token [credential.unreadable]"));
  context_.credentials["/etc/token"] = token_for(600);
  EXPECT_THAT(said(), HasSubstr("pilots need 20 min (renew it, or set credential_min_life) [credential.too_short]"));
  queue_.submit.set("credential_min_life", Duration(seconds{300}));
  EXPECT_EQ(said(), "good");
  queue_.submit.set("credential_audience", std::string("other"));
  EXPECT_THAT(said(), HasSubstr("the token is not for other; its audience: ce [credential.audience]"));
}

TEST_F(HtcondorCredentials, ACommandIsRunSeldom) {
  queue_.submit = {};
  queue_.submit.set("credential_command", std::vector<std::string>{"/bin/renew", "-x"});
  int runs = 0;
  Finished answer;
  answer.exit_code = 1;
  answer.err = "no server\n";
  context_.on_run = [&](const Command& c) {
    EXPECT_EQ(c.argv, (std::vector<std::string>{"/bin/renew", "-x"}));
    ++runs;
    return answer;
  };
  auto copy = prepare();
  ASSERT_FALSE(copy);
  EXPECT_THAT(copy.error().text(), HasSubstr("credential_command '/bin/renew -x': failed, exit code 1: no server"));
  EXPECT_FALSE(prepare());
  EXPECT_EQ(runs, 1);
  Credentials later{htcondor::Account{}};
  answer.exit_code = 0;
  answer.out = token_for(7200) + "\n";
  EXPECT_TRUE(later.prepare(root_, queue_, context_));
  EXPECT_TRUE(later.prepare(root_, queue_, context_));
  later.renew(root_, context_);
  EXPECT_EQ(runs, 2);
}

TEST_F(HtcondorCredentials, NothingIsSubmittedWithoutAGoodOne) {
  Registry registry;
  register_batch_htcondor(registry);
  Options options;
  options.set("history_since", Duration(seconds{3600}));
  options.set("history_scan", std::int64_t{5000});
  options.set("event_log", std::string("none"));
  const auto batch = registry.batch.at(0).make(options);
  ASSERT_TRUE(batch) << batch.error().text();
  SubmitOrder order;
  order.queue = &queue_;
  order.me = &me_;
  order.submission = "s-1";
  order.n = 2;
  int runs = 0;
  std::string description;
  context_.on_run = [&](const Command& c) {
    ++runs;
    description = slurp(c.argv.back());
    Finished f;
    f.exit_code = 0;
    f.out = "5.0 - 5.1\n";
    return f;
  };
  context_.credentials["/etc/token"] = token_for(10);
  const auto refused = (*batch)->submit(order, context_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "credential.too_short");
  EXPECT_EQ(runs, 0);
  EXPECT_FALSE(fs::exists(me_.state_dir)) << "no key is left behind";
  context_.credentials["/etc/token"] = token_for(7200);
  EXPECT_TRUE((*batch)->submit(order, context_));
  EXPECT_EQ(runs, 1);
  EXPECT_THAT(description, HasSubstr("/apf-token\n"));
  EXPECT_THAT(description, ::testing::Not(HasSubstr(".c2ln")));
}

}  // namespace
}  // namespace apf::batch_htcondor
