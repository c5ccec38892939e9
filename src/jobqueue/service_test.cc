#include "jobqueue/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "protocol/panda.h"
#include "support/jobqueue_data.h"

namespace apf::jobqueue {
namespace {

namespace panda = protocol::panda;
using testing::HasSubstr;
using tests::ask;
using tests::at;
using tests::job;

// Keeps what it was answered.
struct Answer final : net::Reply {
  std::vector<net::Response> sent;
  bool gone = false;
  void send(net::Response r) override { sent.push_back(std::move(r)); }
  [[nodiscard]] bool closed() const override { return gone; }
};

class ServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened = Service::open(dir_.file("jobs.db"), {}, at(0));
    ASSERT_TRUE(opened) << opened.error().text();
    service_ = std::move(*opened);
  }
  static Incoming post(const char* path, std::string body, const std::shared_ptr<Answer>& answer) {
    net::Request r;
    r.method = "POST";
    r.path = path;
    r.body = std::move(body);
    return {std::move(r), answer};
  }
  static Incoming get(const char* path, const std::shared_ptr<Answer>& answer, const std::string& etag = "",
                      const std::string& wait = "") {
    net::Request r;
    r.method = "GET";
    r.path = path;
    if (!etag.empty()) r.headers["if-none-match"] = etag;
    if (!wait.empty()) r.query.emplace("wait", wait);
    return {std::move(r), answer};
  }
  std::shared_ptr<Answer> run(Incoming call, double t) {
    auto answer = std::dynamic_pointer_cast<Answer>(call.reply);
    std::vector<Incoming> group;
    group.push_back(std::move(call));
    service_->handle(std::move(group), at(t));
    return answer;
  }
  std::shared_ptr<Answer> submit(int n, double t) {
    return run(post(panda::kSubmitJobs,
                    panda::write_submit({"", std::vector<panda::JobSpec>(static_cast<std::size_t>(n), job("Q"))}),
                    std::make_shared<Answer>()),
               t);
  }
  std::string etag() {
    return run(get(panda::kDetailedStats, std::make_shared<Answer>()), 0)->sent.at(0).headers["ETag"];
  }

  tests::Directory dir_;
  std::unique_ptr<Service> service_;
};

TEST_F(ServiceTest, StatisticsAreExactAndSaySo) {
  submit(3, 0);
  const auto answer = run(get(panda::kDetailedStats, std::make_shared<Answer>()), 1);
  ASSERT_EQ(answer->sent.size(), 1U);
  EXPECT_EQ(answer->sent[0].headers["X-APF-Lag"], "0");
  EXPECT_EQ(answer->sent[0].headers.count("X-APF-Waited"), 0U);
  const auto cells = panda::read_detailed_stats(answer->sent[0].status, answer->sent[0].body);
  ASSERT_TRUE(cells);
  EXPECT_EQ(cells->at(0).jobs.at("activated"), 3);
}

TEST_F(ServiceTest, ALongPollWaitsForAChangeAndSharesItWithOthers) {
  const std::string known = etag();
  auto first = run(get(panda::kDetailedStats, std::make_shared<Answer>(), known, "25"), 1);
  auto second = run(get(panda::kDetailedStats, std::make_shared<Answer>(), known, "25"), 2);
  EXPECT_TRUE(first->sent.empty());
  EXPECT_EQ(service_->waiting(), 2U);
  submit(1, 3);
  EXPECT_TRUE(first->sent.empty()) << "a moment for changes that come together";
  submit(1, 3.01);
  EXPECT_EQ(service_->next(at(3.01).mono), at(3.02).mono);
  service_->tick(at(3.02));
  for (const auto& answer : {first, second}) {
    ASSERT_EQ(answer->sent.size(), 1U);
    EXPECT_EQ(answer->sent[0].status, 200);
    EXPECT_NE(answer->sent[0].headers["ETag"], known);
    EXPECT_THAT(answer->sent[0].body, HasSubstr("\"activated\":2"));
  }
  EXPECT_EQ(first->sent[0].headers["X-APF-Waited"], "2020");
  EXPECT_EQ(service_->waiting(), 0U);
}

TEST_F(ServiceTest, ALongPollWithoutChangeEndsInTime) {
  const std::string known = etag();
  auto answer = run(get(panda::kDetailedStats, std::make_shared<Answer>(), known, "10"), 1);
  EXPECT_EQ(service_->next(at(2).mono), at(11).mono);
  service_->tick(at(10.9));
  EXPECT_TRUE(answer->sent.empty());
  service_->tick(at(11));
  ASSERT_EQ(answer->sent.size(), 1U);
  EXPECT_EQ(answer->sent[0].status, 304);
  EXPECT_EQ(answer->sent[0].headers["ETag"], known);
  EXPECT_EQ(answer->sent[0].headers["X-APF-Waited"], "10000");
}

TEST_F(ServiceTest, WithoutWaitOrWithAnotherTagTheAnswerComesAtOnce) {
  const std::string known = etag();
  EXPECT_EQ(run(get(panda::kDetailedStats, std::make_shared<Answer>(), known), 1)->sent.at(0).status, 304);
  EXPECT_EQ(run(get(panda::kDetailedStats, std::make_shared<Answer>(), known, "x"), 1)->sent.at(0).status, 304);
  EXPECT_EQ(run(get(panda::kDetailedStats, std::make_shared<Answer>(), "\"old-1\"", "9"), 1)->sent.at(0).status, 200);
}

TEST_F(ServiceTest, ARenewalWakesNobody) {
  submit(1, 0);
  const auto given = run(post(panda::kAcquireJobs, panda::write_acquire(ask("Q")), std::make_shared<Answer>()), 1);
  const auto jobs = panda::read_acquired(200, given->sent.at(0).body);
  ASSERT_TRUE(jobs);
  const std::string running = panda::write_update(tests::say(jobs->at(0), "running"));
  run(post(panda::kUpdateJob, running, std::make_shared<Answer>()), 2);
  auto answer = run(get(panda::kDetailedStats, std::make_shared<Answer>(), etag(), "25"), 3);
  run(post(panda::kUpdateJob, running, std::make_shared<Answer>()), 4);
  service_->tick(at(5));
  EXPECT_TRUE(answer->sent.empty());
}

TEST_F(ServiceTest, LeasesEndByThemselves) {
  submit(1, 0);
  run(post(panda::kAcquireJobs, panda::write_acquire(ask("Q")), std::make_shared<Answer>()), 1);
  EXPECT_LE(service_->next(at(7260).mono), at(7261).mono);
  service_->tick(at(7261));
  EXPECT_EQ(service_->store().cells().active().at(0).jobs.at("activated"), 1);
}

TEST_F(ServiceTest, SiteSpecsChangeTheirTagAndWakeTheWaiting) {
  submit(1, 0);
  const auto before = run(get(panda::kDetailedStats, std::make_shared<Answer>()), 1)->sent.at(0);
  auto waits = run(get(panda::kDetailedStats, std::make_shared<Answer>(), before.headers.at("ETag"), "25"), 1);
  const auto set =
      run(post("/api/v1/apf/set_site", R"({"site":"Q","status":"offline"})", std::make_shared<Answer>()), 2);
  EXPECT_TRUE(panda::read_envelope(200, set->sent.at(0).body));
  service_->tick(at(3));
  ASSERT_EQ(waits->sent.size(), 1U);
  EXPECT_NE(waits->sent[0].headers["X-APF-Sites"], before.headers.at("X-APF-Sites"));
  const auto specs = run(get(panda::kSiteSpecs, std::make_shared<Answer>()), 4);
  EXPECT_EQ(panda::read_site_specs(200, specs->sent.at(0).body)->at(0), (panda::Site{"Q", "offline"}));
}

TEST_F(ServiceTest, OneBadRequestDoesNotHarmItsGroup) {
  auto good = std::make_shared<Answer>();
  auto bad = std::make_shared<Answer>();
  std::vector<Incoming> group;
  group.push_back(post(panda::kSubmitJobs, panda::write_submit({"", {job("Q")}}), good));
  group.push_back(post(panda::kSubmitJobs, "{}", bad));
  service_->handle(std::move(group), at(0));
  EXPECT_TRUE(panda::read_submitted(200, good->sent.at(0).body));
  EXPECT_THAT(bad->sent.at(0).body, HasSubstr("'jobs' is missing"));
  EXPECT_EQ(bad->sent[0].status, 200);
}

// Files may grow no further while it lives: what a full disk does, without one.
class FullDisk {
 public:
  FullDisk() : before_(signal(SIGXFSZ, SIG_IGN)) { set(4096); }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() {
    set(RLIM_INFINITY);
    static_cast<void>(signal(SIGXFSZ, before_));
  }

 private:
  static void set(rlim_t bytes) {
    rlimit limit{};
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = std::min(bytes, limit.rlim_max);
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  sighandler_t before_;
};

TEST_F(ServiceTest, AFullDiskRefusesChangesAndLosesNothing) {
  submit(2, 0);
  {
    const FullDisk full;
    const auto refused = submit(100, 1);
    EXPECT_EQ(refused->sent.at(0).status, 503);
    EXPECT_THAT(refused->sent[0].body, HasSubstr("nothing was stored"));
    const auto given = run(post(panda::kAcquireJobs, panda::write_acquire(ask("Q")), std::make_shared<Answer>()), 2);
    EXPECT_EQ(given->sent.at(0).status, 503) << "a job is given out only when that is stored";
    const auto stats = run(get(panda::kDetailedStats, std::make_shared<Answer>()), 3);
    EXPECT_THAT(stats->sent.at(0).body, HasSubstr("\"activated\":2"));
  }
  EXPECT_EQ(submit(1, 4)->sent.at(0).status, 200);
  EXPECT_THAT(run(get(panda::kDetailedStats, std::make_shared<Answer>()), 5)->sent.at(0).body,
              HasSubstr("\"activated\":3"));
  EXPECT_EQ(service_->store().leases().size(), 0U);
}

TEST_F(ServiceTest, HousekeepingRestsAfterAFailure) {
  submit(1, 0);
  run(post(panda::kAcquireJobs, panda::write_acquire(ask("Q")), std::make_shared<Answer>()), 1);
  std::vector<std::string> complaints;
  service_->complain = [&](const std::string& text) { complaints.push_back(text); };
  {
    const FullDisk full;
    service_->tick(at(7261));
    ASSERT_EQ(complaints.size(), 1U);
    EXPECT_THAT(complaints[0], HasSubstr("lease has ended"));
    EXPECT_GE(service_->next(at(7261).mono), at(7262).mono) << "it must not spin";
  }
  service_->tick(at(7262));
  EXPECT_EQ(service_->store().cells().active().at(0).jobs.at("activated"), 1);
}

TEST_F(ServiceTest, WrongCallsGetWords) {
  const auto says = [&](Incoming call) { return run(std::move(call), 0)->sent.at(0).body; };
  const auto fresh = [] { return std::make_shared<Answer>(); };
  EXPECT_THAT(says(post(panda::kDetailedStats, "", fresh())), HasSubstr("expecting GET, received POST"));
  EXPECT_THAT(says(get("/api/v1/nothing", fresh())), HasSubstr("no such call"));
  EXPECT_THAT(says(get("/api/v1/apf/list_jobs", fresh())), HasSubstr("\"success\":true"));
  EXPECT_THAT(says(get("/api/v1/job/get_status", fresh())), HasSubstr("'job_ids' is missing"));
  EXPECT_THAT(says(post(panda::kKillJobs, R"({"job_ids":["a"]})", fresh())), HasSubstr("whole number"));
  EXPECT_THAT(says(post("/api/v1/apf/set_site", R"({"site":"Q","status":"up"})", fresh())),
              HasSubstr("must be online"));
}

TEST_F(ServiceTest, NobodyWaitsForAServerThatStops) {
  auto answer = run(get(panda::kDetailedStats, std::make_shared<Answer>(), etag(), "25"), 1);
  service_->close();
  EXPECT_EQ(answer->sent.at(0).status, 503);
}

}  // namespace
}  // namespace apf::jobqueue
