#include "protocol/panda_harvester.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "protocol/form.h"
#include "support/samples.h"

namespace apf::protocol::panda {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using tests::panda_sample;

Worker sample() {
  Worker w;
  w.id = 7;
  w.status = "finished";
  w.batch_id = "12.0";
  w.queue = "BNL";
  w.site = "LAB_GRID";
  w.node = "wn1";
  w.resource_type = "SCORE";
  w.label = "managed";
  w.computing_element = "ce01";
  w.submission_host = w.harvester_host = "here";
  w.native_status = "done";
  w.message = "a\nb";
  w.out_url = "http://h/12.0.out";
  w.err_url = "http://h/12.0.err";
  w.log_url = "http://h/12.0.log";
  w.cores = 8;
  w.exit_code = 0;
  w.submitted = Wall{1'795'305'600'007};
  w.started = Wall{1'795'305'601'000};
  w.ended = Wall{1'795'305'602'250};
  return w;
}

TEST(PandaHarvester, WritesAWorkerAsTheServerWantsIt) {
  const json expected = json::parse(R"({"harvester_id": "h", "workers": [{
    "workerID": 7, "status": "finished", "batchID": "12.0", "queueName": "BNL", "computingSite": "LAB_GRID",
    "nodeID": "wn1", "resourceType": "SCORE", "jobType": "managed", "computingElement": "ce01",
    "submissionHost": "here", "harvesterHost": "here", "nativeStatus": "done", "diagMessage": "a b",
    "stdOut": "http://h/12.0.out", "stdErr": "http://h/12.0.err", "batchLog": "http://h/12.0.log",
    "nCore": 8, "nativeExitCode": 0, "submitTime": "datetime/2026-11-22 00:00:00.007000",
    "startTime": "datetime/2026-11-22 00:00:01.000000", "endTime": "datetime/2026-11-22 00:00:02.250000"}]})");
  EXPECT_EQ(json::parse(write_workers("h", std::vector{sample()})), expected);
  const auto form = read_form(write_legacy_workers("h", std::vector{sample()}));
  ASSERT_TRUE(form);
  EXPECT_EQ(form->at(0), FormField("harvesterID", "h"));
  EXPECT_EQ(form->at(1).first, "workers");
  EXPECT_EQ(json::parse(form->at(1).second), expected["workers"]);
}

TEST(PandaHarvester, LeavesOutWhatIsNotKnownAndCutsWhatDoesNotFit) {
  Worker w;
  w.id = 1;
  w.status = "submitted";
  EXPECT_EQ(json::parse(write_workers("h", std::vector{w}))["workers"],
            json::parse(R"([{"workerID": 1, "status": "submitted"}])"));
  w.message = std::string(499, 'x') + "\xc3\xa9";  // its last character would be cut in two
  w.out_url = std::string(251, 'u');
  const json got = json::parse(write_workers("h", std::vector{w}))["workers"][0];
  EXPECT_EQ(got["diagMessage"], std::string(499, 'x'));
  EXPECT_FALSE(got.contains("stdOut")) << "a link that is cut leads nowhere";
}

TEST(PandaHarvester, WritesCountsAsAText) {
  const WorkerCounts counts = {{"managed", {{"SCORE", {{"running", 3}, {"submitted", 2}}}}}};
  const std::string sent = panda_sample("v103_harvester_api.txt", "get_worker_statistics");
  const json body = json::parse(write_worker_counts("lab_harvester", "LAB_GRID", counts));
  EXPECT_EQ(body["panda_queue"], "LAB_GRID");
  EXPECT_EQ(json::parse(body["statistics"].get<std::string>()), json::parse(sent)["data"]["LAB_GRID"]["lab_harvester"])
      << "what a real server told of such a report";
  EXPECT_THAT(write_legacy_worker_counts("h", "Q", counts), HasSubstr("harvesterID=h&siteName=Q&paramsList=%7B"));
}

TEST(PandaHarvester, ReadsTheAnswersOfARealServer) {
  EXPECT_EQ(*read_workers_taken(200, panda_sample("v103_harvester_api.txt", "update_workers")), 1U);
  EXPECT_TRUE(read_counts_taken(200, panda_sample("v103_harvester_api.txt", "report_worker_statistics")));
  const auto refused = read_counts_taken(200, panda_sample("v103_harvester_api.txt", "update_service_metrics"));
  EXPECT_EQ(refused.error().code, "panda.refused");
  EXPECT_EQ(*read_legacy_workers_taken(200, "[true, [true, false, true]]"), 2U);
  EXPECT_TRUE(read_legacy_counts_taken(200, R"([true, "OK"])"));
}

TEST(PandaHarvester, RefusesEverythingElseWithWords) {
  const auto code = [](int status, const char* body) { return read_workers_taken(status, body).error().code; };
  EXPECT_EQ(code(403, "ERROR : method update_workers is forbidden"), "panda.no_method");
  EXPECT_EQ(code(200, "<html>"), "panda.not_json");
  EXPECT_EQ(code(200, R"({"success": true, "data": 3})"), "panda.bad_reply");
  const auto old = [](int status, const char* body) { return read_legacy_workers_taken(status, body).error().code; };
  EXPECT_EQ(old(200, R"([false, "SSL secure connection is required"])"), "panda.refused");
  EXPECT_EQ(old(200, ""), "panda.not_json");
  EXPECT_EQ(old(200, "[true]"), "panda.bad_reply");
  EXPECT_EQ(old(502, "x"), "panda.http");
  EXPECT_EQ(read_legacy_counts_taken(200, "[0, 1]").error().code, "panda.bad_reply");
}

}  // namespace
}  // namespace apf::protocol::panda
