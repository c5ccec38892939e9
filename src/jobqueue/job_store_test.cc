#include "jobqueue/job_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "support/jobqueue_data.h"

namespace apf::jobqueue {
namespace {

namespace panda = protocol::panda;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using tests::ask;
using tests::at;
using tests::job;
using tests::say;

class JobStoreTest : public testing::Test {
 protected:
  void SetUp() override { open(at(0)); }
  void open(Now now) {
    store_.reset();
    auto opened = JobStore::open(dir_.file("jobs.db"), options_, now);
    ASSERT_TRUE(opened) << opened.error().text();
    store_ = std::move(*opened);
  }
  // Runs one operation as a group of its own.
  template <class F>
  auto group(F work) {
    EXPECT_TRUE(store_->begin());
    auto result = work(*store_);
    EXPECT_TRUE(store_->commit());
    return result;
  }
  std::vector<std::int64_t> submit(std::vector<panda::JobSpec> jobs, const std::string& request = "", Now now = at(0)) {
    return group([&](JobStore& s) { return s.submit({request, std::move(jobs)}, now); }).value();
  }
  Result<std::vector<panda::Job>> try_acquire(const panda::AcquireRequest& r, Now now = at(0)) {
    return group([&](JobStore& s) { return s.acquire(r, now); });
  }
  panda::Job acquire(const panda::AcquireRequest& r, Now now = at(0)) {
    auto jobs = try_acquire(r, now);
    EXPECT_TRUE(jobs && jobs->size() == 1) << "no job";
    return jobs && !jobs->empty() ? jobs->front() : panda::Job{};
  }
  Result<panda::UpdateReply> update(const panda::UpdateRequest& r, Now now = at(0)) {
    return group([&](JobStore& s) { return s.update(r, now); });
  }
  std::size_t expire(Now now) {
    return group([&](JobStore& s) { return s.expire(now); }).value();
  }
  JobRow row(std::int64_t id) { return store_->find(id).value().value(); }
  std::string status(std::int64_t id) { return name(row(id).status); }
  // Counts as maintained must be those that the table has.
  void check_counts() {
    std::map<std::string, std::int64_t> kept;
    for (const auto& [id, cell] : store_->cells().all())
      for (int i = 0; i < kJobStatuses; ++i)
        if (const auto n = cell.of(static_cast<JobStatus>(i)); n != 0)
          kept[cell.key.site + " " + name(static_cast<JobStatus>(i))] += n;
    open(at(0));  // counts them afresh
    std::map<std::string, std::int64_t> counted;
    for (const auto& [id, cell] : store_->cells().all())
      for (int i = 0; i < kJobStatuses; ++i)
        if (const auto n = cell.of(static_cast<JobStatus>(i)); n != 0)
          counted[cell.key.site + " " + name(static_cast<JobStatus>(i))] += n;
    EXPECT_EQ(kept, counted);
  }

  tests::Directory dir_;
  StoreOptions options_;
  std::unique_ptr<JobStore> store_;
};

TEST_F(JobStoreTest, AJobsLife) {
  const auto ids = submit({job("Q", "hello")});
  ASSERT_THAT(ids, ElementsAre(1));
  EXPECT_EQ(store_->sites().at("Q"), "online");
  const panda::Job j = acquire(ask("Q"), at(1));
  EXPECT_EQ(j.id, 1);
  EXPECT_EQ(j.attempt, 1);
  EXPECT_EQ(j.lease_s, 7200);
  EXPECT_EQ(j.attempt_key.size(), 64U);
  EXPECT_THAT(j.spec.argv, ElementsAre("/bin/echo", "hello"));
  EXPECT_EQ(status(1), "sent");
  EXPECT_EQ(row(1).node, "wn1");
  EXPECT_THAT(*try_acquire(ask("Q")), IsEmpty());

  const auto running = update(say(j, "running"), at(2));
  ASSERT_TRUE(running);
  EXPECT_TRUE(running->accepted());
  EXPECT_EQ(running->lease_s, 7200);
  auto end = say(j, "finished");
  end.exit_code = 0;
  end.cpu_s = 1.5;
  end.wall_s = 2.5;
  EXPECT_TRUE(update(end, at(5))->accepted());
  const JobRow done = row(1);
  EXPECT_EQ(done.status, JobStatus::finished);
  EXPECT_EQ(done.exit_code, 0);
  EXPECT_EQ(done.cpu_s, 1.5);
  EXPECT_EQ(done.wall_s, 2.5);
  EXPECT_EQ(done.started, at(1).wall);
  EXPECT_EQ(done.ended, at(5).wall);
  EXPECT_EQ(store_->leases().size(), 0U);
  EXPECT_THAT(store_->cells().active(), IsEmpty());
  check_counts();
}

TEST_F(JobStoreTest, HigherPriorityFirstThenTheOlder) {
  auto low = job("Q");
  low.priority = 1;
  auto high = job("Q");
  high.priority = 9;
  high.label = "user";
  auto mid = job("Q");
  mid.priority = 5;
  mid.resource_type = "MCORE";
  submit({low, mid, high, low, high});
  std::vector<std::int64_t> order;
  for (int i = 0; i < 5; ++i) order.push_back(acquire(ask("Q")).id);
  EXPECT_THAT(order, ElementsAre(3, 5, 2, 1, 4));
}

TEST_F(JobStoreTest, GivesOnlyWhatFits) {
  auto big = job("Q");
  big.priority = 9;
  big.memory_mb = 4000;
  auto lengthy = job("Q");
  lengthy.priority = 8;
  lengthy.walltime_s = 7200;
  auto wide = job("Q");
  wide.resource_type = "MCORE";
  auto users = job("Q");
  users.label = "user";
  submit({big, lengthy, wide, users, job("OTHER")});
  auto request = ask("Q");
  request.memory_mb = 2000;
  request.remaining_s = 3600;
  request.label = "managed";
  request.resource_type = "SCORE";
  EXPECT_THAT(*try_acquire(request), IsEmpty());
  request.label = "user";
  EXPECT_EQ(acquire(request).id, 4);
  request.label = "unified";
  request.resource_type = "";
  EXPECT_EQ(acquire(request).id, 3);
  request.remaining_s = 7200;
  EXPECT_EQ(acquire(request).id, 2);
  request.memory_mb = 0;  // does not say what it has
  EXPECT_EQ(acquire(request).id, 1);
  EXPECT_THAT(*try_acquire(ask("NOWHERE")), IsEmpty());
}

TEST_F(JobStoreTest, SiteStatusDecidesWhatIsGivenOut) {
  auto probe = job("Q");
  probe.label = "test";
  submit({job("Q"), probe});
  const auto set = [&](const char* s) { return group([&](JobStore& store) { return store.set_site("Q", s); }); };
  ASSERT_TRUE(set("offline"));
  EXPECT_THAT(*try_acquire(ask("Q")), IsEmpty());
  ASSERT_TRUE(set("test"));
  EXPECT_EQ(acquire(ask("Q")).id, 2);
  EXPECT_THAT(*try_acquire(ask("Q")), IsEmpty());
  ASSERT_TRUE(set("brokeroff"));
  EXPECT_EQ(acquire(ask("Q")).id, 1);
  open(at(0));
  EXPECT_EQ(store_->sites().at("Q"), "brokeroff");
}

TEST_F(JobStoreTest, ARepeatedRequestGetsTheSame) {
  const auto ids = submit({job("Q"), job("Q")}, "s1");
  EXPECT_EQ(submit({job("Q"), job("Q")}, "s1"), ids);
  EXPECT_EQ(store_->cells().all().begin()->second.of(JobStatus::activated), 2);
  const panda::Job first = acquire(ask("Q", "r1"), at(1));
  open(at(2));  // also after a restart
  const panda::Job again = acquire(ask("Q", "r1"), at(3));
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(again.attempt_key, first.attempt_key);
  EXPECT_NE(acquire(ask("Q", "r2"), at(4)).id, first.id);
  ASSERT_TRUE(update(say(first, "finished"), at(5)));
  const auto late = try_acquire(ask("Q", "r1"), at(6));
  ASSERT_FALSE(late);
  EXPECT_THAT(late.error().what, HasSubstr("new apf_request_id"));
}

TEST_F(JobStoreTest, NoJobsIsNotRemembered) {
  EXPECT_THAT(*try_acquire(ask("Q", "r1")), IsEmpty());
  submit({job("Q")});
  EXPECT_EQ(acquire(ask("Q", "r1")).id, 1);
}

TEST_F(JobStoreTest, ALeaseEndsAfterLeaseAndGraceAndIsRenewedByUpdates) {
  submit({job("Q")});
  const panda::Job j = acquire(ask("Q"), at(0));
  EXPECT_EQ(expire(at(7259)), 0U);
  ASSERT_TRUE(update(say(j, "running"), at(7000)));
  EXPECT_EQ(expire(at(7000 + 7259)), 0U);
  EXPECT_EQ(expire(at(7000 + 7260)), 1U);
  EXPECT_EQ(status(1), "activated");
  EXPECT_THAT(row(1).error, HasSubstr("attempt 1: its lease ended on wn1"));
  const panda::Job second = acquire(ask("Q"), at(20000));
  EXPECT_EQ(second.attempt, 2);
  EXPECT_NE(second.attempt_key, j.attempt_key);
  // the first pilot comes back: nothing of it counts any more
  for (const char* s : {"running", "finished", "failed"}) {
    const auto reply = update(say(j, s), at(20001));
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->command, "badattemptnr") << s;
    EXPECT_TRUE(reply->kill());
  }
  EXPECT_EQ(status(1), "sent");
  EXPECT_TRUE(update(say(second, "finished"), at(20002))->accepted());
  check_counts();
}

TEST_F(JobStoreTest, AResultThatComesAfterTheLeaseButBeforeAnotherPilotIsTaken) {
  submit({job("Q")});
  const panda::Job j = acquire(ask("Q"), at(0));
  expire(at(8000));
  EXPECT_EQ(update(say(j, "running"), at(8001))->command, "badattemptnr");
  EXPECT_TRUE(update(say(j, "finished"), at(8002))->accepted());
  EXPECT_EQ(status(1), "finished");
  EXPECT_THAT(*try_acquire(ask("Q"), at(8003)), IsEmpty());
  check_counts();
}

TEST_F(JobStoreTest, NoLeaseEndsBeforeTheServersStartAndLease) {
  submit({job("Q")});
  const panda::Job j = acquire(ask("Q"), at(0));
  open(at(100000));  // was down for long
  EXPECT_EQ(expire(at(100000 + 7259)), 0U);
  EXPECT_TRUE(update(say(j, "finished"), at(100000 + 7259))->accepted());
}

TEST_F(JobStoreTest, LeasesDoNotCareForTheClockOnTheWall) {
  submit({job("Q")});
  acquire(ask("Q"), at(0));
  EXPECT_EQ(expire({at(10).mono, Wall{at(1e9).wall.ms}}), 0U);
  EXPECT_EQ(expire({at(7260).mono, Wall{1}}), 1U);
}

TEST_F(JobStoreTest, FailedAttemptsAreTriedAgainUntilNoneIsLeft) {
  auto spec = job("Q");
  spec.max_attempts = 2;
  submit({spec});
  const panda::Job first = acquire(ask("Q"));
  auto failure = say(first, "failed");
  failure.exit_code = 3;
  EXPECT_TRUE(update(failure)->accepted());
  EXPECT_EQ(status(1), "activated");
  EXPECT_TRUE(update(failure)->accepted()) << "a repeated report";
  EXPECT_EQ(update(say(first, "finished"))->command, "alreadydone") << "one result an attempt";
  const panda::Job second = acquire(ask("Q"));
  EXPECT_EQ(second.attempt, 2);
  auto last = say(second, "failed");
  last.exit_code = 4;
  last.error_text = "disk full";
  EXPECT_TRUE(update(last)->accepted());
  EXPECT_EQ(status(1), "failed");
  EXPECT_EQ(row(1).exit_code, 4);
  EXPECT_EQ(row(1).error, "disk full");
  EXPECT_TRUE(update(last)->accepted());
  EXPECT_EQ(update(say(second, "running"))->command, "alreadydone");
  check_counts();
}

TEST_F(JobStoreTest, UpdatesAreGuarded) {
  submit({job("Q")});
  const panda::Job j = acquire(ask("Q"));
  auto r = say(j, "finished");
  r.attempt_key.back() = r.attempt_key.back() == 'a' ? 'b' : 'a';
  EXPECT_EQ(update(r)->command, "badattemptnr");
  r = say(j, "finished");
  r.attempt = 2;
  EXPECT_EQ(update(r)->command, "badattemptnr");
  r.attempt_key = "";
  EXPECT_THAT(update(r).error().what, HasSubstr("apf_attempt_key"));
  for (const char* s : {"activated", "sent", "cancelled", "nonsense", ""})
    EXPECT_THAT(update(say(j, s)).error().what, HasSubstr("Invalid job status")) << s;
  r = say(j, "finished");
  r.id = 99;
  EXPECT_THAT(update(r).error().what, HasSubstr("not known"));
  EXPECT_EQ(status(1), "sent");
  EXPECT_EQ(update(say(j, "finished"))->command, "");
}

TEST_F(JobStoreTest, KillReachesWaitingJobsAtOnceAndOthersByTheirPilot) {
  submit({job("Q"), job("Q"), job("Q")});
  const panda::Job j = acquire(ask("Q"));
  const panda::Job lost = acquire(ask("Q"));
  const std::vector<std::int64_t> ids = {1, 2, 3, 99};
  EXPECT_THAT(*group([&](JobStore& s) { return s.kill(ids, at(1)); }), ElementsAre(true, true, true, false));
  EXPECT_EQ(status(3), "cancelled");
  EXPECT_EQ(status(1), "sent");
  EXPECT_TRUE(update(say(j, "running"))->kill());
  EXPECT_TRUE(update(say(j, "failed"))->accepted());
  EXPECT_EQ(status(1), "cancelled");
  expire(at(9000));
  EXPECT_EQ(status(2), "cancelled") << "its pilot was never heard of again: " << lost.id;
  EXPECT_THAT(*group([&](JobStore& s) { return s.kill(ids, at(1)); }), ElementsAre(false, false, false, false));
  check_counts();
}

TEST_F(JobStoreTest, StatisticsFollowEveryStep) {
  submit({job("Q"), job("Q")});
  const auto version = store_->version();
  const panda::Job j = acquire(ask("Q"));
  EXPECT_GT(store_->version(), version);
  EXPECT_THAT(store_->cells().active(),
              ElementsAre(panda::Cell{"Q", "SCORE", "managed", {{"activated", 1}, {"sent", 1}}}));
  update(say(j, "running"));
  EXPECT_THAT(store_->cells().active(),
              ElementsAre(panda::Cell{"Q", "SCORE", "managed", {{"activated", 1}, {"running", 1}}}));
  const auto same = store_->version();
  update(say(j, "running"));
  EXPECT_EQ(store_->version(), same) << "a renewal is no news";
}

TEST_F(JobStoreTest, ARolledBackGroupLeavesNoTrace) {
  const auto version = store_->version();
  ASSERT_TRUE(store_->begin());
  ASSERT_TRUE(store_->submit({"r", {job("NEW"), job("NEW")}}, at(0)));
  ASSERT_TRUE(store_->acquire(ask("NEW"), at(0)));
  store_->rollback();
  EXPECT_EQ(store_->version(), version);
  EXPECT_THAT(store_->cells().all(), IsEmpty());
  EXPECT_THAT(store_->sites(), IsEmpty());
  EXPECT_EQ(store_->leases().size(), 0U);
  EXPECT_EQ(submit({job("NEW")}, "r").size(), 1U);
  EXPECT_EQ(acquire(ask("NEW")).attempt, 1);
  check_counts();
}

TEST_F(JobStoreTest, EndedJobsAndOldRequestsAreForgotten) {
  submit({job("Q"), job("Q")}, "s");
  const panda::Job j = acquire(ask("Q", "r"));
  update(say(j, "finished"), at(10));
  const auto forget = [&](double s) { return group([&](JobStore& store) { return store.forget(at(s)); }).value(); };
  EXPECT_EQ(forget(7 * 86400), 0U);
  EXPECT_EQ(forget(7 * 86400 + 11), 1U);
  EXPECT_FALSE(store_->find(1).value());
  EXPECT_EQ(status(2), "activated") << "a job that waits is never forgotten";
  EXPECT_EQ(submit({job("Q")}, "s").front(), 3) << "numbers are never used again";
  check_counts();
}

TEST_F(JobStoreTest, ListsByFilterInOrder) {
  submit({job("A"), job("B"), job("A"), job("A")});
  acquire(ask("A"));
  const auto ids = [&](const JobFilter& f) {
    std::vector<std::int64_t> out;
    const auto rows = store_->list(f);
    for (const JobRow& r : *rows) out.push_back(r.id);
    return out;
  };
  EXPECT_THAT(ids({}), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(ids({"A", {}, 0, 100}), ElementsAre(1, 3, 4));
  EXPECT_THAT(ids({"A", JobStatus::activated, 0, 100}), ElementsAre(3, 4));
  EXPECT_THAT(ids({"", {}, 1, 2}), ElementsAre(2, 3));
  EXPECT_THAT(ids({"C", {}, 0, 100}), IsEmpty());
}

}  // namespace
}  // namespace apf::jobqueue
