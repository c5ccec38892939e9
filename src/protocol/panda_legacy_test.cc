#include "protocol/panda_legacy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "protocol/form.h"

namespace apf::protocol::panda {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// As a real pilot3 3.11 says it: over urllib as JSON, over curl as a form.
TEST(PandaLegacy, ReadsGetJobInBothForms) {
  const char* const as_json =
      R"({"siteName": "Q", "computingElement": "CE", "prodSourceLabel": "managed", "diskSpace": 20480,)"
      R"( "workingGroup": "", "cpu": 2596.122, "mem": 24105.55, "node": "slot1@wn1", "allowOtherCountry": false})";
  const char* const as_form =
      "siteName=Q&computingElement=CE&prodSourceLabel=managed&diskSpace=20480&workingGroup=&cpu=2596.122"
      "&mem=24105.55&node=slot1%40wn1&allowOtherCountry=False";
  for (const char* body : {as_json, as_form}) {
    const auto r = read_get_job(body);
    ASSERT_TRUE(r) << r.error().text();
    EXPECT_EQ(r->site, "Q");
    EXPECT_EQ(r->label, "managed");
    EXPECT_EQ(r->resource_type, "");
    EXPECT_EQ(r->memory_mb, 24105);
    EXPECT_EQ(r->disk_mb, 20480);
    EXPECT_EQ(r->node, "slot1@wn1");
    EXPECT_EQ(r->n_jobs, 1);
    EXPECT_TRUE(r->plain);
  }
}

TEST(PandaLegacy, ReadsAnUpdateOfAFailedJob) {
  const auto r = read_update_job(
      R"({"jobId": "12", "state": "failed", "attemptNr": 7314486147430860001, "startTime": 1795301601.5,)"
      R"( "endTime": 1795301607.75, "transExitCode": 5, "pilotErrorCode": 1305, "exeErrorCode": 0, "exeErrorDiag": "",)"
      R"( "pilotErrorDiag": "Failed to execute payload", "cpuConsumptionTime": "4", "maxRSS": 1234, "xml": "",)"
      R"( "node": "wn1", "siteName": "Q", "pilotID": "unknown|PR|3.11.5.1", "metaData": "{}"})");
  ASSERT_TRUE(r) << r.error().text();
  EXPECT_EQ(r->id, 12);
  EXPECT_EQ(r->status, "failed");
  EXPECT_EQ(r->attempt_key, "7314486147430860001");
  EXPECT_EQ(r->exit_code, 5);
  EXPECT_EQ(r->error_text, "pilot error 1305: Failed to execute payload");
  EXPECT_EQ(r->wall_s, 6.25);
  EXPECT_EQ(r->cpu_s, 4);
  EXPECT_EQ(r->max_rss_kb, 1234);
}

TEST(PandaLegacy, RefusesWhatIsNoRequest) {
  for (const char* body : {"", "[1]", "{", "{\"jobId\": {}}", "%zz", "state=running&attemptNr=1", "jobId=1&attemptNr=1",
                           "jobId=1&state=running", "jobId=0&state=running&attemptNr=1",
                           "jobId=1&state=running&attemptNr=x", R"({"jobId":1,"state":["running"],"attemptNr":1})"}) {
    const auto r = read_update_job(body);
    ASSERT_FALSE(r) << body;
    EXPECT_EQ(r.error().code, "panda.bad_request") << body;
  }
  EXPECT_FALSE(read_get_job("node=wn1"));
  for (const char* ids : {"", "ids=", "ids=a", "ids=1 2", "ids=-1", "ids=99999999999999999999"})
    EXPECT_FALSE(read_get_status(ids)) << ids;
  EXPECT_EQ(*read_get_status(R"({"ids": 7})"), std::vector<std::int64_t>{7});
  EXPECT_EQ(*read_get_status("ids=4%2C5"), (std::vector<std::int64_t>{4, 5}));
}

TEST(PandaLegacy, ReadsWhatAWorkerSaysInBothGenerations) {
  const WorkerStatus expected{"apf", "7", "started", "Q", "wn1"};
  EXPECT_EQ(*read_worker_status(R"({"workerID": "7", "harvesterID": "apf", "status": "started", "site": "Q",
                                    "node_id": "wn1"})"),
            expected);
  EXPECT_EQ(read_worker_status(R"({"worker_id": 7, "harvester_id": "apf", "status": "started"})")->worker, "7");
  EXPECT_FALSE(read_worker_status("workerID=7&status=started"));
  EXPECT_EQ(read_worker_node(R"({"site": "S", "panda_queue": "Q", "host_name": "wn1", "n_sockets": 1})")->node, "wn1");
  EXPECT_FALSE(read_worker_node(R"({"site": "S"})"));
}

TEST(PandaLegacy, AGuardEndsWithItsAttemptAndDiffersForEach) {
  EXPECT_EQ(legacy_guard("ffffffffffffffffffff", 3) % 10000, 3);
  EXPECT_EQ(legacy_guard("0000000000000000", 12) % 10000, 12);
  EXPECT_GE(legacy_guard("0000000000000000", 1), 10000) << "never a bare number of an attempt";
  EXPECT_NE(legacy_guard("123456789abcdef0", 1), legacy_guard("223456789abcdef0", 1));
}

Job job_with(std::vector<std::string> argv) {
  Job job;
  job.id = 9;
  job.attempt = 120001;
  job.spec.site = "Q";
  job.spec.argv = std::move(argv);
  return job;
}

TEST(PandaLegacy, GivesCommandLinesThroughTheRunnerAndUrlsAsTheyAre) {
  Job job = job_with({"/bin/echo", "a  b", "it's"});
  job.spec.environment = {{"TILE", "7 x"}};
  auto j = json::parse(write_given(job, "http://h:1", true));
  EXPECT_EQ(j["transformation"], "http://h:1/trf/exec");
  EXPECT_EQ(j["jobPars"], R"(env 'TILE=7 x' /bin/echo 'a  b' 'it'\''s')");
  EXPECT_EQ(j["PandaID"], 9);
  EXPECT_EQ(j["attemptNr"], 120001);
  EXPECT_EQ(j["StatusCode"], 0);
  j = json::parse(write_given(job_with({"https://vo.example.org/run.sh", "x y"}), "http://h:1", true));
  EXPECT_EQ(j["transformation"], "https://vo.example.org/run.sh");
  EXPECT_EQ(j["jobPars"], "'x y'");
}

TEST(PandaLegacy, AFormHoldsWhatTheJsonHolds) {
  const Job job = job_with({"/bin/true", "%&="});
  const auto j = json::parse(write_given(job, "http://h:1", true));
  const auto fields = read_form(write_given(job, "http://h:1", false));
  ASSERT_TRUE(fields);
  EXPECT_EQ(fields->size(), j.size());
  for (const auto& [name, value] : *fields) {
    ASSERT_TRUE(j.contains(name)) << name;
    EXPECT_TRUE(!j[name].is_string() || value == j[name].get<std::string>()) << name;
  }
  EXPECT_EQ(write_legacy(LegacyCode::no_jobs, false), "StatusCode=20");
  EXPECT_EQ(write_legacy_command("", false), "StatusCode=0&command=NULL");
  EXPECT_EQ(json::parse(write_legacy_command("tobekilled", true)),
            json::parse(R"({"StatusCode":0,"command":"tobekilled"})"));
  const std::vector<JobState> states = {{"running", 2}, {"notfound", 0}};
  EXPECT_EQ(json::parse(write_legacy_status(states, true))["status"], "running,notfound");
}

TEST(PandaLegacy, AQueueIsALineAnAttribute) {
  const std::string text = write_queue({"Q", "test"});
  EXPECT_THAT(text, HasSubstr("\n \"status\": \"test\",\n"));
  EXPECT_THAT(text, HasSubstr("\n \"state\": \"ACTIVE\",\n"));
  EXPECT_THAT(text, HasSubstr("\n \"container_options\": \"\",\n")) << "PanDA's shell wrapper ends without it";
  EXPECT_EQ(json::parse(write_queues(std::vector<Site>{{"A", "online"}, {"B", "offline"}}))["B"]["status"], "offline");
}

}  // namespace
}  // namespace apf::protocol::panda
