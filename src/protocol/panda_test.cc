#include "protocol/panda.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/samples.h"

namespace apf::protocol::panda {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using tests::panda_sample;

constexpr const char* kStats = "--- GET /api/v1/statistics/active_job_detailed_stats_by_site";

TEST(PandaStats, ReadsTheReplyOfARealServer) {
  const std::string whole = tests::read_file(APF_SOURCE_DIR "/tests/data/panda/v103_statistics_active.txt");
  const std::size_t at = whole.rfind(kStats);
  const std::string body = whole.substr(whole.find('\n', at) + 1, whole.find("\n[", at) - whole.find('\n', at) - 1);
  const auto cells = read_detailed_stats(200, body);
  ASSERT_TRUE(cells) << cells.error().text();
  EXPECT_THAT(*cells,
              ElementsAre(Cell{"LAB_GRID", "MCORE", "managed", {{"activated", 2}, {"assigned", 0}, {"running", 0}}},
                          Cell{"LAB_GRID", "SCORE", "managed", {{"activated", 3}, {"assigned", 0}, {"running", 0}}},
                          Cell{"LAB_GRID", "SCORE", "user", {{"activated", 4}, {"assigned", 0}, {"running", 0}}}));
}

TEST(PandaStats, AnEmptySystemIsARefusalAndNotZero) {
  const auto cells = read_detailed_stats(200, panda_sample("v103_statistics.txt", kStats));
  ASSERT_FALSE(cells);
  EXPECT_EQ(cells.error().code, "panda.refused");
  EXPECT_EQ(cells.error().kind, Kind::transient);
  EXPECT_THAT(cells.error().what, HasSubstr("Database failure"));
}

TEST(PandaStats, ForgivesWhatRealServersDo) {
  const auto cells = read_detailed_stats(
      200,
      R"({"success":true,"data":{"Q":{"SCORE":{"managed":{"activated":"7","running":2.0,"sent":null,"new":1}}}}})");
  ASSERT_TRUE(cells) << cells.error().text();
  EXPECT_THAT(*cells, ElementsAre(Cell{"Q", "SCORE", "managed", {{"activated", 7}, {"running", 2}, {"new", 1}}}));
  const auto none = read_detailed_stats(200, R"({"success":true,"message":null,"data":{}})");
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
}

struct Refused {
  int status;
  const char* body;
  const char* code;
  const char* says;
};
class PandaNonsense : public testing::TestWithParam<Refused> {};

TEST_P(PandaNonsense, IsRefusedWithWords) {
  const auto cells = read_detailed_stats(GetParam().status, GetParam().body);
  ASSERT_FALSE(cells);
  EXPECT_EQ(cells.error().code, GetParam().code);
  EXPECT_THAT(cells.error().text(), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Replies, PandaNonsense,
    testing::Values(
        Refused{200, "<html><body>Proxy error</body></html>", "panda.not_json", "HTML"},
        Refused{200, "", "panda.not_json", "empty"},
        Refused{200, "{'success': False, 'message': 'Database failure', 'data': {}}", "panda.not_json", "'success'"},
        Refused{200, "[]", "panda.bad_reply", "envelope"},
        Refused{200, R"({"success":"yes","data":{}})", "panda.bad_reply", "envelope"},
        Refused{200, R"({"success":true})", "panda.bad_reply", "expected an object of sites, got nothing"},
        Refused{200, R"({"success":true,"data":[1]})", "panda.bad_reply", "got a list"},
        Refused{200, R"({"success":true,"data":{"Q":{"SCORE":[]}}})", "panda.bad_reply", "Q/SCORE"},
        Refused{200, R"({"success":true,"data":{"":{}}})", "panda.bad_reply", "without a name"},
        Refused{200, R"({"success":true,"data":{"Q":{"S":{"m":{"activated":-1}}}}})", "panda.bad_reply", "-1"},
        Refused{200, R"({"success":true,"data":{"Q":{"S":{"m":{"activated":1.5}}}}})", "panda.bad_reply", "fraction"},
        Refused{200, R"({"success":true,"data":{"Q":{"S":{"m":{"activated":"7 "}}}}})", "panda.bad_reply", "text"},
        Refused{200, R"({"success":true,"data":{"Q":{"S":{"m":{"activated":1e30}}}}})", "panda.bad_reply", "activated"},
        Refused{200, R"({"success":true,"data":{"Q":{"S":{"m":{"activated":99999999999999999999}}}}})",
                "panda.bad_reply", "activated"},
        Refused{403, "ERROR : method getJobStatistics is forbidden", "panda.no_method", "forbidden"},
        Refused{403, "ERROR : active_job_stats_by_site is forbidden", "panda.no_method", "does not have this call"},
        Refused{403, "ERROR : Token authentication failed. x is wrong", "panda.http", "check the token"},
        Refused{403, "<html>ERROR : is forbidden</html>", "panda.http", "403"},
        Refused{500, "ERROR : method x is forbidden", "panda.http", "500"},
        Refused{200, R"({"success": true, "message": "", "data": {"LAB_GRID": {"SCO)", "panda.not_json",
                "expected JSON"},
        Refused{401, R"({"success":false,"message":"no token","data":null})", "panda.http", "401: no token"},
        Refused{502, "<html>bad gateway</html>", "panda.http", "502"}));

TEST(PandaStats, ReadsThePlainFormAndTheFormByShare) {
  const auto plain = read_site_stats(200, R"({"success":true,"data":{"Q":{"activated":9,"running":1}}})");
  ASSERT_TRUE(plain) << plain.error().text();
  EXPECT_THAT(*plain, ElementsAre(Cell{"Q", "", "", {{"activated", 9}, {"running", 1}}}));
  EXPECT_FALSE(read_site_stats(200, R"({"success":true,"data":{"Q":{"SCORE":{"managed":{}}}}})"));
  const auto shares =
      read_share_stats(200, panda_sample("v103_statistics.txt", "job_stats_by_site_share_and_resource_type"));
  ASSERT_TRUE(shares) << shares.error().text();
  ASSERT_EQ(shares->size(), 1U);
  EXPECT_EQ(shares->front().label, "managed");
  EXPECT_EQ(shares->front().resource_type, "SCORE");
  EXPECT_EQ(shares->front().jobs.at("failed"), 3);
}

TEST(PandaStats, WritesWhatItReads) {
  const std::vector<Cell> cells = {
      {"A", "SCORE", "managed", {{"activated", 3}, {"assigned", 0}, {"running", 1}}},
      {"A", "SCORE", "user", {{"activated", 4}, {"assigned", 0}, {"running", 0}, {"holding", 2}}}};
  const auto back = read_detailed_stats(200, write_detailed_stats(cells));
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, cells);
  EXPECT_THAT(write_site_stats(cells), HasSubstr(R"({"A":{"activated":7,"assigned":0,"holding":2,"running":1}})"));
}

TEST(PandaSites, ReadsStatusAndKnowsWhenItIsNotSaid) {
  const auto sites = read_site_specs(200, panda_sample("v103_site_specs.txt", "get_site_specs"));
  ASSERT_TRUE(sites) << sites.error().text();
  EXPECT_THAT(*sites, testing::Contains(Site{"LAB_GRID", "online"}));
  const auto odd = read_site_specs(200, R"({"success":true,"data":{"A":{"status":null},"B":{}}})");
  ASSERT_TRUE(odd);
  EXPECT_THAT(*odd, ElementsAre(Site{"A", "unknown"}, Site{"B", "unknown"}));
  const std::vector<Site> ours = {{"A", "online"}, {"B", "brokeroff"}};
  EXPECT_EQ(*read_site_specs(200, write_site_specs(ours)), ours);
}

TEST(PandaSites, ReadsThePickleOfOldServers) {
  const auto sites = read_legacy_site_specs(200, panda_sample("v053_site_specs.txt", "getSiteSpecs"));
  ASSERT_TRUE(sites) << sites.error().text();
  EXPECT_THAT(*sites, ElementsAre(Site{"LAB_GRID", "online"}, Site{"LAB_TEST", "test"}));
  EXPECT_EQ(read_legacy_site_specs(200, R"({"success":true})").error().code, "panda.not_pickle");
  EXPECT_EQ(read_legacy_site_specs(403, "ERROR : method getSiteSpecs is forbidden").error().code, "panda.no_method");
}

JobSpec sample_spec() {
  JobSpec s;
  s.site = "Q";
  s.name = "tile";
  s.priority = -5;
  s.memory_mb = 1000;
  s.walltime_s = 3600;
  s.argv = {"/bin/sh", "-c", "echo 'a b' \"$X\" \\", ""};
  s.environment = {{"X", "1 2"}};
  return s;
}

TEST(PandaJobs, SubmitSurvivesTheTrip) {
  SubmitRequest request{"r-1", {sample_spec(), sample_spec()}};
  const auto back = read_submit(write_submit(request), 10);
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(back->request_id, "r-1");
  EXPECT_EQ(back->jobs, request.jobs);
  const std::vector<std::int64_t> ids = {7, 8};
  EXPECT_EQ(*read_submitted(200, write_submitted(ids)), ids);
}

TEST(PandaJobs, TakesAListAndThePlainNamesOfPanda) {
  const auto got = read_submit(
      R"({"jobs":[{"computingSite":"Q","transformation":"/bin/echo","jobParameters":"-n 'a b'","maxWalltime":"NULL"}]})",
      10);
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_THAT(got->jobs.at(0).argv, ElementsAre("/bin/echo", "-n", "a b"));
  EXPECT_EQ(got->jobs.at(0).walltime_s, 0);
}

TEST(PandaJobs, RefusesJobsThatCannotRun) {
  const auto says = [](const char* body) { return read_submit(body, 2).error().what; };
  EXPECT_THAT(says(R"({"jobs":[]})"), HasSubstr("at least one"));
  EXPECT_THAT(says(R"({"jobs":[{},{},{}]})"), HasSubstr("at most 2"));
  EXPECT_THAT(says(R"({"jobs":[{"computingSite":"Q"}]})"), HasSubstr("job 0 of the list: 'transformation' is missing"));
  EXPECT_THAT(says(R"({"jobs":[{"transformation":"x"}]})"), HasSubstr("'computingSite' is missing"));
  EXPECT_THAT(says(R"({"jobs":[{"computingSite":"Q","apf_argv":["a\u0000"]}]})"), HasSubstr("zero byte"));
  EXPECT_THAT(says(R"({"jobs":[{"computingSite":"Q","transformation":"x","jobParameters":"'"}]})"),
              HasSubstr("not closed"));
  EXPECT_THAT(says(R"({"jobs":"[{]"})"), HasSubstr("'jobs': expected JSON"));
  EXPECT_THAT(says("a=1"), HasSubstr("expected JSON"));
}

TEST(PandaPilot, ReadsTheJobOfARealServer) {
  const auto jobs = read_acquired(200, panda_sample("v103_acquire_jobs.txt", "robot cert"));
  ASSERT_TRUE(jobs) << jobs.error().text();
  ASSERT_EQ(jobs->size(), 1U);
  const Job& job = jobs->front();
  EXPECT_EQ(job.id, 4);
  EXPECT_EQ(job.attempt, 1);
  EXPECT_THAT(job.spec.argv, ElementsAre("/bin/echo", "hello", "from", "panda", "payload"));
  EXPECT_EQ(job.spec.cputime_s, 600);
  EXPECT_EQ(job.spec.memory_mb, 500);
  EXPECT_EQ(job.spec.walltime_s, 0);
  EXPECT_EQ(job.lease_s, 0);
  EXPECT_TRUE(job.attempt_key.empty());
}

TEST(PandaPilot, AnEmptyQueueIsNotAFailure) {
  EXPECT_EQ(read_acquired(200, panda_sample("v103_acquire_jobs.txt", "empty queue")).error().code, "panda.no_jobs");
  EXPECT_EQ(read_acquired(200, write_no_jobs()).error().code, "panda.no_jobs");
  EXPECT_EQ(read_acquired(200, write_acquired({})).error().code, "panda.no_jobs");
  EXPECT_EQ(read_acquired(200, panda_sample("v103_acquire_jobs.txt", "no client cert")).error().code, "panda.refused");
  EXPECT_EQ(read_acquired(502, "").error().kind, Kind::uncertain);
}

TEST(PandaPilot, JobSurvivesTheTrip) {
  Job job{42, 2, sample_spec(), 7200, "secret"};
  const auto back = read_acquired(200, write_acquired(std::vector<Job>{job}));
  ASSERT_TRUE(back) << back.error().text();
  JobSpec expected = job.spec;
  expected.site.clear();  // neither is told to a pilot
  expected.max_attempts = JobSpec{}.max_attempts;
  EXPECT_EQ(back->front().spec, expected);
  EXPECT_EQ(back->front().id, 42);
  EXPECT_EQ(back->front().attempt, 2);
  EXPECT_EQ(back->front().lease_s, 7200);
  EXPECT_EQ(back->front().attempt_key, "secret");
}

TEST(PandaPilot, AcquireSurvivesTheTripAndSendsNoExtensionsToPanda) {
  AcquireRequest r;
  r.site = "Q";
  r.label = "managed";
  r.memory_mb = 2000;
  r.node = "wn1";
  EXPECT_THAT(write_acquire(r), testing::Not(HasSubstr("apf_")));
  r.request_id = "abc";
  const auto back = read_acquire(write_acquire(r));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->site, "Q");
  EXPECT_EQ(back->memory_mb, 2000);
  EXPECT_EQ(back->request_id, "abc");
  EXPECT_THAT(read_acquire(R"({"memory":1})").error().what, HasSubstr("'site_name' is missing"));
  EXPECT_THAT(read_acquire(R"({"site_name":"Q","memory":"much"})").error().what,
              HasSubstr("'memory' must be a whole number"));
}

TEST(PandaPilot, UpdateSurvivesTheTripAndSendsNoExtensionsToPanda) {
  UpdateRequest r;
  r.id = 4;
  r.status = "finished";
  r.attempt = 1;
  r.exit_code = 0;
  r.cpu_s = 1.25;
  r.wall_s = 2.5;
  EXPECT_THAT(write_update(r), testing::Not(HasSubstr("apf_")));
  EXPECT_THAT(write_update(r), HasSubstr(R"("trans_exit_code":0)"));
  r.attempt_key = "k";
  const auto back = read_update(write_update(r));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->exit_code, 0);
  EXPECT_EQ(back->cpu_s, 1.25);
  EXPECT_EQ(back->wall_s, 2.5);
  EXPECT_FALSE(back->error_code);
  EXPECT_THAT(read_update(R"({"job_id":0,"job_status":"running"})").error().what, HasSubstr("'job_id' is 0"));
  EXPECT_THAT(read_update(R"({"job_id":1,"job_status":"running","apf_wall_s":-1})").error().what, HasSubstr("range"));
}

TEST(PandaPilot, RepliesToUpdates) {
  const auto real = read_updated(200, panda_sample("legacy_getjob_updatejob.txt", "new API update_job"));
  ASSERT_TRUE(real) << real.error().text();
  EXPECT_TRUE(real->accepted());
  EXPECT_FALSE(real->kill());
  const auto refused = read_updated(200, write_updated({"badattemptnr", 0, "that attempt has ended"}));
  ASSERT_TRUE(refused);
  EXPECT_FALSE(refused->accepted());
  EXPECT_TRUE(refused->kill());
  EXPECT_EQ(read_updated(200, write_updated({"", 7200, ""}))->lease_s, 7200);
  EXPECT_EQ(read_updated(200, R"({"success":true,"data":{"StatusCode":10}})").error().kind, Kind::uncertain);
}

TEST(PandaEnvelope, AnythingElse) {
  EXPECT_EQ(*read_envelope(200, write_success(R"([1, 2])")), "[1,2]");
  EXPECT_EQ(*read_envelope(200, write_success()), "null");
  EXPECT_THAT(read_envelope(200, write_failure("say \"no\"")).error().what, HasSubstr("say \"no\""));
}

}  // namespace
}  // namespace apf::protocol::panda
