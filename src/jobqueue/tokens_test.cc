#include "jobqueue/tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "jobqueue/api.h"
#include "jobqueue/server.h"
#include "support/jobqueue_data.h"

namespace apf::jobqueue {
namespace {

using testing::HasSubstr;

TEST(Tokens, AreMadeOnceAndForTheirOwnerOnly) {
  const tests::Directory dir;
  const std::string tokens = dir.file("tokens");
  const auto first = load_tokens(tokens);
  ASSERT_TRUE(first) << first.error().text();
  EXPECT_NE(first->submit, first->pilot);
  EXPECT_NE(first->pilot, first->read);
  struct stat st{};
  ASSERT_EQ(stat((tokens + "/pilot.token").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777U, 0600U);
  EXPECT_EQ(load_tokens(tokens)->pilot, first->pilot);
}

TEST(Tokens, RefusesFilesThatAreNotSecret) {
  const tests::Directory dir;
  const std::string tokens = dir.file("tokens");
  ASSERT_TRUE(load_tokens(tokens));
  ASSERT_EQ(chmod((tokens + "/read.token").c_str(), 0640), 0);
  EXPECT_THAT(load_tokens(tokens).error().text(), HasSubstr("others may read it (chmod 600)"));
  ASSERT_EQ(chmod((tokens + "/read.token").c_str(), 0600), 0);
  std::ofstream(tokens + "/read.token") << "short\n";
  EXPECT_THAT(load_tokens(tokens).error().text(), HasSubstr("no token of at least 32"));
}

TEST(Tokens, EachOpensItsCallsOnly) {
  const Tokens t{std::string(64, 's'), std::string(64, 'p'), std::string(64, 'r')};
  const auto status = [&](const std::string& token, const char* path) {
    net::Request r;
    r.path = path;
    if (!token.empty()) r.headers["authorization"] = "Bearer " + token;
    const auto refused = refuse_caller(r, t);
    return refused ? refused->status : 200;
  };
  namespace panda = protocol::panda;
  EXPECT_EQ(status(t.submit, panda::kSubmitJobs), 200);
  EXPECT_EQ(status(t.submit, panda::kDetailedStats), 200);
  EXPECT_EQ(status(t.submit, panda::kAcquireJobs), 403);
  EXPECT_EQ(status(t.pilot, panda::kAcquireJobs), 200);
  EXPECT_EQ(status(t.pilot, panda::kUpdateJob), 200);
  EXPECT_EQ(status(t.pilot, panda::kSubmitJobs), 403);
  EXPECT_EQ(status(t.pilot, panda::kKillJobs), 403);
  EXPECT_EQ(status(t.pilot, panda::kDetailedStats), 403);
  EXPECT_EQ(status(t.read, panda::kDetailedStats), 200);
  EXPECT_EQ(status(t.read, panda::kAcquireJobs), 403);
  EXPECT_EQ(status(t.read, "/api/v1/apf/set_site"), 403);
  EXPECT_EQ(status("", panda::kDetailedStats), 401);
  EXPECT_EQ(status(std::string(64, 'x'), panda::kDetailedStats), 401);
  EXPECT_EQ(status(t.read, "/elsewhere"), 404);
  EXPECT_EQ(status("", "/elsewhere"), 401) << "strangers learn nothing";
  EXPECT_EQ(status("", panda::kIsAlive), 200);
}

TEST(Loopback, NothingElseIsListenedOn) {
  const tests::Directory dir;
  ServerSettings settings;
  settings.data = dir.file("data");
  settings.address = "0.0.0.0";
  const auto server = Server::start(settings);
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().code, "jobqueue.not_loopback");
  EXPECT_FALSE(std::filesystem::exists(settings.data)) << "and nothing is made";
}

}  // namespace
}  // namespace apf::jobqueue
