#include "engine/lanes.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>

namespace apf::engine {
namespace {

constexpr Duration kLong = seconds{60};

// A door that jobs wait behind.
class Door {
 public:
  void open() { promise_.set_value(); }
  void wait() { future_.wait(); }

 private:
  std::promise<void> promise_;
  std::shared_future<void> future_{promise_.get_future().share()};
};

TEST(Lanes, JobsOfALaneRunInOrderOneAtATime) {
  Lanes lanes;
  std::mutex mutex;
  std::vector<int> order;
  std::atomic<int> inside{0};
  std::promise<void> last;
  for (int i = 0; i < 100; ++i)
    lanes.run(LaneClass::poll, "a", [&, i] {
      EXPECT_EQ(++inside, 1);
      {
        const std::scoped_lock lock(mutex);
        order.push_back(i);
      }
      --inside;
      if (i == 99) last.set_value();
    });
  last.get_future().wait();
  ASSERT_TRUE(lanes.finish(kLong));
  ASSERT_EQ(order.size(), 100U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(Lanes, HangingPollsStarveNeitherSubmissionsNorEachOther) {
  Lanes lanes;
  Door door;
  std::atomic<int> polls{0};
  for (int i = 0; i < 200; ++i)
    lanes.run(LaneClass::poll, "wms." + std::to_string(i), [&] {
      ++polls;
      door.wait();
    });
  std::promise<void> submitted, told;
  lanes.run(LaneClass::act, "batch.pool.submit", [&] { submitted.set_value(); });
  lanes.run(LaneClass::tell, "monitor.log", [&] { told.set_value(); });
  submitted.get_future().wait();
  told.get_future().wait();
  EXPECT_LE(lanes.threads(), 32);
  door.open();
  EXPECT_TRUE(lanes.quiet(LaneClass::poll, kLong));
  EXPECT_EQ(polls, 200);
  EXPECT_TRUE(lanes.finish(kLong));
}

TEST(Lanes, AHangingCallHoldsBackItsOwnLaneOnly) {
  Lanes lanes;
  Door door;
  std::promise<void> other;
  std::atomic<bool> second{false};
  lanes.run(LaneClass::poll, "a", [&] { door.wait(); });
  lanes.run(LaneClass::poll, "a", [&] { second = true; });
  lanes.run(LaneClass::poll, "b", [&] { other.set_value(); });
  other.get_future().wait();
  EXPECT_FALSE(second);
  EXPECT_EQ(lanes.load("a"), 2U);
  door.open();
  EXPECT_TRUE(lanes.finish(kLong));
  EXPECT_TRUE(second);
}

TEST(Lanes, NamesCallsThatAreOverdue) {
  Lanes lanes;
  Door door;
  std::promise<void> begun;
  lanes.run(
      LaneClass::poll, "a",
      [&] {
        begun.set_value();
        door.wait();
      },
      seconds{5});
  begun.get_future().wait();
  EXPECT_TRUE(lanes.overdue(mono_now()).empty());
  EXPECT_EQ(lanes.overdue(mono_now() + seconds{6}), std::vector<std::string>{"a"});
  door.open();
  EXPECT_TRUE(lanes.finish(kLong));
}

TEST(Lanes, FinishLeavesAHangingCallBehind) {
  auto door = std::make_shared<Door>();
  auto over = std::make_shared<std::promise<void>>();
  {
    Lanes lanes;
    std::promise<void> begun;
    lanes.run(LaneClass::poll, "a", [&begun, door, over] {
      begun.set_value();
      door->wait();
      over->set_value();
    });
    begun.get_future().wait();
    EXPECT_FALSE(lanes.finish(milliseconds{1}));
    EXPECT_FALSE(lanes.run(LaneClass::poll, "b", [] {}));
  }
  door->open();
  over->get_future().wait();
}

TEST(Lanes, DropsWhatHasNotBegun) {
  Lanes lanes;
  Door door;
  std::promise<void> begun;
  std::atomic<bool> ran{false};
  lanes.run(LaneClass::poll, "a", [&] {
    begun.set_value();
    door.wait();
  });
  lanes.run(LaneClass::poll, "a", [&] { ran = true; });
  begun.get_future().wait();
  lanes.drop_waiting(LaneClass::poll);
  door.open();
  EXPECT_TRUE(lanes.finish(kLong));
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace apf::engine
