#include "monitor/news/udp.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <future>
#include <thread>

#include "monitor/store/pilots.h"
#include "monitor/store/schema.h"
#include "support/directory.h"

namespace apf::monitor {
namespace {

using testing::Contains;

void send_to(std::uint16_t port, const std::string& bytes) {
  const net::OwnedFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::sendto(fd.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to),
            static_cast<ssize_t>(bytes.size()));
}

// A writer that knows the factory lab, and a listener.
struct Rig {
  tests::Directory dir;
  Board board;
  std::unique_ptr<Writer> writer;
  std::unique_ptr<Readers> readers;
  std::unique_ptr<Udp> udp;

  explicit Rig(std::int64_t rate = 1000) {
    const db::Place place{dir.file("monitor.db"), "", kOwner};
    writer = Writer::start(place, {}, board).value();
    readers = Readers::start(place, 1).value();
    News news;
    news.factory.name = "lab";
    std::promise<void> stored;
    EXPECT_TRUE(writer->take(std::move(news), [&](const Result<Taken>&) { stored.set_value(); }));
    stored.get_future().wait();
    wait([&] { return board.get()->factory(std::string_view("lab")) != nullptr; });
    udp = Udp::start("127.0.0.1:0", rate, {board, *writer, *readers, [](const std::string&) {}}).value();
  }
  ~Rig() {
    readers->stop();  // before what their work uses
    udp.reset();
    writer->stop();
  }
  template <class Condition>
  void wait(Condition condition) const {
    const Mono patience = mono_now() + seconds{120};
    while (!condition() && mono_now() < patience) std::this_thread::sleep_for(milliseconds{2});
    EXPECT_TRUE(condition());
  }
  [[nodiscard]] std::optional<Pilot> pilot(const std::string& id) const {
    std::promise<std::optional<Pilot>> found;
    const FactoryNo lab = board.get()->factory(std::string_view("lab"))->no;
    EXPECT_TRUE(readers->run([&](db::Db& db) { found.set_value(find_pilot(db, lab, id).value()); }));
    return found.get_future().get();
  }
};

TEST(Udp, TakesThePilotsOfFactoriesThatAreKnown) {
  Rig r;
  send_to(r.udp->port(),
          "20251211a-master          lab:2.0          running 0          LAB_GRID          ce1.example.org          "
          "lab_harvester          1          http://127.0.0.1/logs/2.0.out");
  r.wait([&] { return r.pilot("2.0").has_value(); });
  EXPECT_EQ(r.pilot("2.0")->state, PilotState::running);
  r.wait([&] { return r.board.get()->label("lab", "LAB_GRID-ce1") != nullptr; });
  EXPECT_THAT(r.pilot("2.0")->details, Contains(Detail{"gtag", "http://127.0.0.1/logs/2.0.out"}));
  send_to(r.udp->port(), "20251211a-master lab:2.0 exiting 68 LAB_GRID ce1.example.org lab_harvester 1 unknown");
  r.wait([&] { return r.pilot("2.0")->state == PilotState::exiting; });
  send_to(r.udp->port(), "v stranger:2.0 running 0");
  r.wait([&] { return r.udp->stats().dropped == 1; });
  EXPECT_EQ(r.board.get()->factory(std::string_view("stranger")), nullptr);
}

TEST(Udp, TakesASupervisorsLineForAPilotThatIsKnown) {
  Rig r;
  send_to(r.udp->port(), "v lab:2.0 running 0 LAB_GRID");
  r.wait([&] { return r.pilot("2.0").has_value(); });
  send_to(r.udp->port(), "TIME_DIFF 3725 v LAB_GRID lab:2.0");
  r.wait([&] { return r.udp->stats().taken == 2; });
  r.wait([&] {
    const auto pilot = r.pilot("2.0");
    for (const Moment& m : pilot->line)
      if (m.text.find("not grown for 1 h 2 min") != std::string::npos) return true;
    return false;
  });
  send_to(r.udp->port(), "TIME_DIFF 3725 v LAB_GRID lab:77");  // Harvester's number of the same pilot
  r.wait([&] { return r.udp->stats().dropped == 1; });
  EXPECT_FALSE(r.pilot("77"));
}

TEST(Udp, CountsWhatIsBadOrTooMuch) {
  Rig r(1);
  for (int i = 0; i < 10; ++i) send_to(r.udp->port(), "nonsense");
  r.wait([&] { return r.udp->stats().bad == 10; });
  for (int i = 0; i < 100; ++i) send_to(r.udp->port(), "nonsense");
  r.wait([&] { return r.udp->stats().dropped + r.udp->stats().bad == 110; });
  EXPECT_GT(r.udp->stats().dropped, 0);
}

TEST(Udp, SaysWhyItCantListen) {
  Rig r;
  const auto again = Udp::start("127.0.0.1:" + std::to_string(r.udp->port()), 1,
                                {r.board, *r.writer, *r.readers, [](const std::string&) {}});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, "net.cannot_listen");
  EXPECT_FALSE(Udp::start("nowhere", 1, {r.board, *r.writer, *r.readers, [](const std::string&) {}}));
}

}  // namespace
}  // namespace apf::monitor
