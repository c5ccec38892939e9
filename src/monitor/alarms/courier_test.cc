#include "monitor/alarms/courier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace apf::monitor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Notice notice(const std::string& factory, bool raised = true) {
  Notice n;
  n.raised = raised;
  n.alarm.found.code = "factory.silent";
  n.alarm.found.factory = factory;
  return n;
}

// What a channel was given; the test says what it answers and when.
struct Record {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> messages;  // "raised a,over b;lost 3"
  int failures_to_come = 0;
  bool blocked = false;

  void wait_for(std::size_t n) {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, std::chrono::minutes{2}, [&] { return messages.size() >= n; }));
  }
  void unblock() {
    const std::scoped_lock lock(mutex);
    blocked = false;
    changed.notify_all();
  }
};

class FakeChannel final : public Channel {
 public:
  explicit FakeChannel(Record& record) : record_(record) {}
  [[nodiscard]] const char* name() const override { return "fake"; }
  Status send(std::span<const Notice> notices, std::int64_t lost, Mono /*deadline*/,
              const std::atomic<bool>* stop) override {
    std::unique_lock lock(record_.mutex);
    std::string text;
    for (const Notice& n : notices)
      text += (text.empty() ? "" : ",") + std::string(n.raised ? "raised " : "over ") + n.alarm.found.factory;
    if (lost > 0) text += ";lost " + std::to_string(lost);
    record_.messages.push_back(text);
    record_.changed.notify_all();
    while (record_.blocked && !*stop) record_.changed.wait_for(lock, milliseconds{5});
    if (record_.failures_to_come-- > 0) return fail(Kind::transient, "fake.down", "down");
    return {};
  }

 private:
  Record& record_;
};

Courier::Limits quick() {
  Courier::Limits l;
  l.gather = l.interval = Duration{};
  l.pause = l.longest_pause = milliseconds{1};
  return l;
}

struct Rig {
  Record record;
  std::vector<std::string> log;
  Courier courier;
  explicit Rig(Courier::Limits limits = quick())
      : courier(std::make_unique<FakeChannel>(record), limits,
                [this](const std::string& line) { log.push_back(line); }) {}
  void tell(std::vector<Notice> n) { courier.tell(n); }
};

TEST(Courier, WhatWaitsGoesTogether) {
  Rig r;
  r.record.blocked = true;
  r.tell({notice("a")});
  r.record.wait_for(1);
  r.tell({notice("b")});
  r.tell({notice("c"), notice("a", false)});
  r.record.unblock();
  r.record.wait_for(2);
  EXPECT_THAT(r.record.messages, ElementsAre("raised a", "raised b,raised c,over a"));
}

TEST(Courier, TriesAgainAndLosesNothing) {
  Rig r;
  r.record.failures_to_come = 3;
  r.tell({notice("a")});
  r.record.wait_for(4);
  EXPECT_THAT(r.record.messages, testing::Each("raised a"));
  r.tell({notice("b")});
  r.record.wait_for(5);
  EXPECT_EQ(r.record.messages.back(), "raised b");
  EXPECT_EQ(r.courier.stats().failures, 3);
  EXPECT_EQ(r.courier.stats().trouble, "");
  EXPECT_THAT(r.log, ElementsAre(HasSubstr("1 notices of alarms wait: down"), HasSubstr("go out again")));
}

TEST(Courier, WhatIsOverBeforeAnybodyWasToldIsNotTold) {
  Rig r;
  r.record.blocked = true;
  r.tell({notice("x")});
  r.record.wait_for(1);
  r.tell({notice("a")});
  r.tell({notice("a", false)});
  r.tell({notice("b")});
  r.record.unblock();
  r.record.wait_for(2);
  EXPECT_EQ(r.record.messages[1], "raised b");
}

TEST(Courier, DropsTheOldestAndSaysSo) {
  Courier::Limits limits = quick();
  limits.most = 2;
  Rig r(limits);
  r.record.blocked = true;
  r.tell({notice("x")});
  r.record.wait_for(1);
  r.tell({notice("a"), notice("b"), notice("c"), notice("d")});
  r.record.unblock();
  r.record.wait_for(2);
  EXPECT_EQ(r.record.messages[1], "raised c,raised d;lost 2");
  EXPECT_EQ(r.courier.stats().lost, 2);
}

TEST(Courier, EndsAtOnceWhateverTheChannelDoes) {
  Rig r;
  r.record.blocked = true;
  r.tell({notice("a")});
  r.record.wait_for(1);
}  // the destructor must not wait for the channel

TEST(Courier, EndsWhileItWaits) {
  Courier::Limits limits = quick();
  limits.gather = seconds{3600};
  Rig r(limits);
  r.tell({notice("a")});
}

}  // namespace
}  // namespace apf::monitor
