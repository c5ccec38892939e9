// A pilot that knows PanDA's calls only: what it is given, and that no attempt but the latest counts (R12).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "jobqueue/service.h"
#include "protocol/panda_legacy.h"
#include "support/jobqueue_data.h"

namespace apf::jobqueue {
namespace {

namespace panda = protocol::panda;
using nlohmann::json;
using testing::HasSubstr;
using tests::at;

struct Heard final : net::Reply {
  net::Response sent;
  void send(net::Response r) override { sent = std::move(r); }
  [[nodiscard]] bool closed() const override { return false; }
};

class LegacyTest : public testing::Test {
 protected:
  void SetUp() override { open(0); }
  void open(double t) {
    service_.reset();
    auto opened = Service::open(dir_.file("jobs.db"), {}, at(t));
    ASSERT_TRUE(opened) << opened.error().text();
    service_ = std::move(*opened);
  }
  net::Response ask(const char* method, const std::string& path, const std::string& body, double t,
                    bool as_json = true) {
    auto answer = std::make_shared<Heard>();
    net::Request r;
    r.method = method;
    r.path = path;
    r.body = body;
    r.headers["host"] = "wms.example.org:25443";
    r.secure = true;
    if (as_json) r.headers["accept"] = "application/json";
    std::vector<Incoming> group;
    group.push_back({std::move(r), answer});
    service_->handle(std::move(group), at(t));
    return answer->sent;
  }
  void submit(int attempts = 3) {
    panda::JobSpec spec = tests::job("Q");
    spec.max_attempts = attempts;
    EXPECT_THAT(ask("POST", panda::kSubmitJobs, panda::write_submit({"", {spec}}), 0).body, HasSubstr("true"));
  }
  json get_job(double t) { return json::parse(ask("POST", panda::kLegacyGetJob, "siteName=Q&node=wn1", t).body); }
  std::string update(const json& job, const char* state, double t, const std::string& more = "") {
    const json body = {
        {"jobId", job["PandaID"].dump()}, {"state", state}, {"attemptNr", job["attemptNr"]}, {"node", "wn1"}};
    std::string text = body.dump();
    if (!more.empty()) text.replace(text.size() - 1, 1, "," + more + "}");
    const auto reply = json::parse(ask("POST", panda::kLegacyUpdateJob, text, t).body);
    EXPECT_EQ(reply["StatusCode"], 0) << reply;
    return reply.value("command", "");
  }
  std::int64_t count(const char* status) {
    const auto active = service_->store().cells().active();
    return active.empty() || !active[0].jobs.contains(status) ? 0 : active[0].jobs.at(status);
  }

  tests::Directory dir_;
  std::unique_ptr<Service> service_;
};

TEST_F(LegacyTest, AJobRunsFromGetJobToFinished) {
  submit();
  const json job = get_job(1);
  EXPECT_EQ(job["StatusCode"], 0);
  EXPECT_EQ(job["transformation"], "https://wms.example.org:25443/trf/exec");
  EXPECT_EQ(job["jobPars"], "/bin/echo x");
  EXPECT_EQ(update(job, "starting", 2), "NULL");
  EXPECT_EQ(update(job, "running", 3), "NULL");
  EXPECT_EQ(count("running"), 1);
  EXPECT_EQ(update(job, "finished", 4, R"("transExitCode":0)"), "NULL");
  EXPECT_EQ(update(job, "finished", 5, R"("transExitCode":0)"), "NULL") << "its answer was lost: it says so again";
  EXPECT_EQ(json::parse(ask("POST", panda::kLegacyGetStatus, "ids=1,77", 6).body)["status"], "finished,notfound");
  EXPECT_EQ(get_job(7)["StatusCode"], 20) << "no job";
}

TEST_F(LegacyTest, APilotsErrorIsKeptAndTheJobTriedAgain) {
  submit(2);
  const json first = get_job(1);
  const char* const error = R"("transExitCode":5,"pilotErrorCode":1305,"pilotErrorDiag":"payload failed")";
  EXPECT_EQ(update(first, "failed", 2, error), "NULL");
  EXPECT_EQ(count("activated"), 1);
  const json second = get_job(3);
  EXPECT_NE(second["attemptNr"], first["attemptNr"]);
  EXPECT_EQ(second["attemptNr"].get<std::int64_t>() % 10000, 2);
  EXPECT_EQ(update(first, "running", 4), "tobekilled") << "only the latest attempt may report";
  EXPECT_EQ(update(second, "failed", 5, error), "NULL");
  const auto described = ask("GET", "/api/v1/apf/list_jobs", "", 6).body;
  EXPECT_THAT(described, HasSubstr("pilot error 1305: payload failed"));
  EXPECT_THAT(described, HasSubstr(R"("transExitCode":5)"));
}

TEST_F(LegacyTest, ALeaseIsRenewedByUpdatesAndEndsWithoutThem) {
  submit();
  const json first = get_job(0);
  EXPECT_EQ(update(first, "running", 1), "NULL");
  EXPECT_EQ(update(first, "running", 7000), "NULL");
  service_->tick(at(7400));
  EXPECT_EQ(count("running"), 1) << "renewed at 7000 s";
  service_->tick(at(7000 + 7261));
  EXPECT_EQ(count("activated"), 1);
  const json second = get_job(14300);
  EXPECT_EQ(update(second, "running", 14301), "NULL");
  EXPECT_EQ(update(first, "running", 14302), "tobekilled");
  EXPECT_EQ(update(first, "finished", 14303), "tobekilled") << "one attempt's result counts";
  EXPECT_EQ(count("running"), 1);
  EXPECT_EQ(update(second, "finished", 14304), "NULL");
}

TEST_F(LegacyTest, ALeaseOutlivesTheServer) {
  submit();
  const json job = get_job(0);
  open(7000);
  service_->tick(at(7300));
  EXPECT_EQ(count("sent"), 1) << "no lease ends before server start + lease";
  EXPECT_EQ(update(job, "running", 7301), "NULL");
}

TEST_F(LegacyTest, OnlyWhoHoldsTheAttemptMayReport) {
  submit();
  json job = get_job(1);
  json guess = job;
  guess["attemptNr"] = 1;
  EXPECT_EQ(update(guess, "failed", 2), "tobekilled");
  guess["attemptNr"] = job["attemptNr"].get<std::int64_t>() + 10000;
  EXPECT_EQ(update(guess, "failed", 2), "tobekilled");
  const std::string no_attempt = R"({"jobId":1,"state":"failed"})";
  EXPECT_THAT(ask("POST", panda::kLegacyUpdateJob, no_attempt, 2).body, HasSubstr("'attemptNr' is missing"));
  const std::string new_call = R"({"job_id":1,"job_status":"failed","attempt_nr":1})";
  EXPECT_THAT(ask("POST", panda::kUpdateJob, new_call, 2).body, HasSubstr("badattemptnr"));
  EXPECT_EQ(count("sent"), 1);
  EXPECT_EQ(update(job, "running", 3), "NULL");
}

TEST_F(LegacyTest, AJobOfOurWrapperCannotBeReportedByItsBareNumber) {
  submit();
  panda::AcquireRequest r = tests::ask("Q", "request-1");
  const auto given = panda::read_acquired(200, ask("POST", panda::kAcquireJobs, panda::write_acquire(r), 1).body);
  ASSERT_TRUE(given);
  EXPECT_EQ(given->front().attempt, 1);
  const json guess = {{"PandaID", 1}, {"attemptNr", 1}};
  EXPECT_EQ(update(guess, "finished", 2), "tobekilled");
  EXPECT_EQ(count("sent"), 1);
}

TEST_F(LegacyTest, AKilledJobsPilotHearsIt) {
  submit();
  const json job = get_job(1);
  EXPECT_EQ(update(job, "running", 2), "NULL");
  ask("POST", panda::kKillJobs, R"({"job_ids":[1]})", 3);
  EXPECT_EQ(update(job, "running", 4), "tobekilled");
  EXPECT_EQ(update(job, "failed", 5, R"("pilotErrorCode":1144)"), "NULL");
  EXPECT_EQ(json::parse(ask("POST", panda::kLegacyGetStatus, "ids=1", 6).body)["status"], "cancelled");
}

// A pilot of today's PanDA, over /api/v1, that knows no apf_ names either.
TEST_F(LegacyTest, APlainPilotOfTheNewApiReportsByItsAttemptNumber) {
  submit();
  const auto reply = json::parse(ask("POST", panda::kAcquireJobs, R"({"site_name":"Q","node":"wn1"})", 1).body);
  const json& job = reply["data"]["jobs"][0];
  EXPECT_EQ(job["transformation"], "https://wms.example.org:25443/trf/exec");
  const auto say = [&](const char* status, double t) {
    const json body = {{"job_id", job["PandaID"]}, {"job_status", status}, {"attempt_nr", job["attemptNr"]}};
    return json::parse(ask("POST", panda::kUpdateJob, body.dump(), t).body)["data"]["command"];
  };
  EXPECT_EQ(say("running", 2), "NULL");
  EXPECT_EQ(say("finished", 3), "NULL");
}

TEST_F(LegacyTest, RepliesAreFormsForWhoDoesNotAcceptJson) {
  EXPECT_EQ(ask("POST", panda::kLegacyGetJob, "siteName=Q", 1, false).body, "StatusCode=20");
  EXPECT_EQ(ask("POST", panda::kLegacyGetJob, "siteName=Q", 1, false).type, "text/plain");
  EXPECT_EQ(ask("GET", panda::kLegacyIsAlive, "", 1, false).body, "alive=yes");
  EXPECT_EQ(
      ask("POST", panda::kLegacyWorkerStatus, R"({"workerID":"7","harvesterID":"a","status":"started"})", 1, false)
          .body,
      "StatusCode=0");
  EXPECT_THAT(ask("POST", panda::kLegacyGetJob, "node=x", 1, false).body, HasSubstr("StatusCode=30&errorDialog="));
  EXPECT_THAT(ask("POST", panda::kWorkerNode, R"({"site":"S","host_name":"wn1"})", 1).body, HasSubstr("true"));
}

TEST_F(LegacyTest, ACompressedBodyIsUnpackedWhateverItsHeadSays) {
  // printf 'siteName=Q' | gzip -n, with and without its last byte
  const std::string packed(
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x2b\xce\x2c\x49\xf5\x4b\xcc\x4d\xb5\x0d\x04\x00"
      "\x12\xa7\x74\x9f\x0a\x00\x00\x00",
      30);
  EXPECT_EQ(json::parse(ask("POST", panda::kLegacyGetJob, packed, 1).body)["StatusCode"], 20);
  const auto cut = ask("POST", panda::kLegacyGetJob, packed.substr(0, 29), 1);
  EXPECT_THAT(cut.body, HasSubstr("cut off"));
  EXPECT_EQ(json::parse(cut.body)["StatusCode"], 30);
  EXPECT_EQ(ask("GET", panda::kRunner, packed.substr(0, 29), 1).status, 200) << "anybody's bodies are left alone";
}

TEST_F(LegacyTest, QueuesAreThoseOfTheStore) {
  submit();
  const auto one = ask("GET", "/cache/schedconfig/Q.all.json", "", 1);
  EXPECT_EQ(json::parse(one.body)["status"], "online");
  EXPECT_EQ(ask("GET", "/cache/schedconfig/X.all.json", "", 1).status, 404);
  EXPECT_EQ(ask("GET", "/cache/schedconfig/../jobs.db", "", 1).status, 404);
  EXPECT_TRUE(json::parse(ask("GET", "/cache/schedconfig/schedconfig.all.json", "", 1).body).contains("Q"));
  EXPECT_EQ(json::parse(ask("GET", panda::kDdmEndpoints, "", 1).body), json::object());
  EXPECT_THAT(ask("GET", panda::kRunner, "", 1).body, HasSubstr("#!/bin/sh"));
}

TEST(LegacyAccess, WhoHasNoTokenHearsPandasCode) {
  const Tokens tokens{std::string(32, 's'), std::string(32, 'p'), std::string(32, 'r')};
  net::Request r;
  r.path = panda::kLegacyGetJob;
  EXPECT_THAT(refuse_caller(r, tokens)->body, HasSubstr("StatusCode=60"));
  r.headers["authorization"] = "Bearer nobody";
  EXPECT_THAT(refuse_caller(r, tokens)->body, HasSubstr("StatusCode=50"));
  r.headers["authorization"] = "Bearer " + std::string(32, 'r');
  EXPECT_THAT(refuse_caller(r, tokens)->body, HasSubstr("StatusCode=60"));
  r.headers["authorization"] = "Bearer " + std::string(32, 'p');
  EXPECT_FALSE(refuse_caller(r, tokens));
  r.headers.clear();
  r.path = "/cache/schedconfig/Q.all.json";
  EXPECT_FALSE(refuse_caller(r, tokens)) << "pilots read queues before they have anything to show";
}

}  // namespace
}  // namespace apf::jobqueue
