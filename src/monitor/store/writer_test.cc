#include "monitor/store/writer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <future>

#include "support/test_store.h"

namespace apf::monitor {
namespace {

News pilots(int cluster, int count) {
  News n;
  n.factory.name = "f";
  for (int i = 0; i < count; ++i) {
    PilotNews p;
    p.id = fmt::format("{}.{}", cluster, i);
    p.label = "L";
    n.pilots.push_back(std::move(p));
  }
  return n;
}

// What comes while too much waits is refused, counted and shown; all that was taken is stored and answered.
TEST(Writer, RefusesAndCountsWhatIsTooMuch) {
  tests::TestStore store;
  Board board;
  WriterOptions options;
  options.most_waiting = 50;  // a News of ten pilots weighs eleven
  auto writer = Writer::start(store.place(), options, board).value();
  std::promise<void> reached, go_on;
  ASSERT_TRUE(writer->run(
      [&](db::Db&) -> Status {
        reached.set_value();
        go_on.get_future().wait();
        return {};
      },
      [](const Status&) {}));
  reached.get_future().wait();  // nothing is stored now
  int answered = 0, created = 0;
  const auto done = [&](const Result<Taken>& taken) {
    ++answered;
    created += taken.value().created;
  };
  for (int cluster = 1; cluster <= 4; ++cluster) EXPECT_TRUE(writer->take(pilots(cluster, 10), done));
  EXPECT_FALSE(writer->take(pilots(5, 10), done));
  EXPECT_FALSE(writer->take(pilots(6, 7), done));
  writer->drop(3);  // datagrams that never came here
  EXPECT_TRUE(writer->take(pilots(7, 5), done)) << "what still fits";
  go_on.set_value();
  writer->stop();
  EXPECT_EQ(answered, 5);
  EXPECT_EQ(created, 45);
  EXPECT_EQ(board.get()->pilots, 45);
  EXPECT_EQ(board.get()->dropped, 20U);
  EXPECT_FALSE(writer->take(pilots(8, 1), done)) << "it has stopped";
}

}  // namespace
}  // namespace apf::monitor
