#include "engine/engine.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "engine/journal_reader.h"
#include "engine/random.h"
#include "net/http_client.h"

namespace apf::engine {
namespace {

namespace fs = std::filesystem;

// What the fake systems outside hold; tests turn its knobs.
struct World {
  std::mutex mutex;
  std::int64_t ready = 0;
  std::vector<PilotSeen> live;
  int submissions = 0, polls = 0;
  std::string report_key;
  std::string pilots_report_to;      // URL of the fake monitor
  std::vector<PilotNote> notes;      // that it was told
  std::string submitted_report_url;  // what pilots were given
  bool wms_throws = false, submit_throws = false;
  std::shared_future<void> wms_door;  // set: polls of the WMS hang until it opens

  static World*& current() {
    static World* w = nullptr;
    return w;
  }
};

class FakeWms final : public Wms {
 public:
  Result<View<DemandData>> poll(std::span<const std::string> queues, const std::string&, Context&) override {
    World& w = *World::current();
    std::unique_lock lock(w.mutex);
    ++w.polls;
    if (w.wms_door.valid()) {
      const auto door = w.wms_door;
      lock.unlock();
      door.wait();
      lock.lock();
    }
    if (w.wms_throws) throw std::runtime_error("oops");
    View<DemandData> v;
    v.complete = true;
    for (const auto& q : queues) {
      v.data.sites.emplace_back(q, "online");
      v.data.cells.push_back({.wms_queue = q, .job_label = "managed", .resource_type = "SCORE", .ready = w.ready});
    }
    return v;
  }
};

class FakeBatch final : public Batch {
 public:
  Result<View<BatchData>> poll(const FactoryIdentity&, const std::string&, Context&) override {
    World& w = *World::current();
    const std::scoped_lock lock(w.mutex);
    View<BatchData> v;
    v.complete = true;
    v.data.live = w.live;
    return v;
  }
  Result<std::vector<std::string>> submit(const SubmitOrder& o, Context&) override {
    World& w = *World::current();
    const std::scoped_lock lock(w.mutex);
    ++w.submissions;
    w.report_key = o.report_key;
    w.submitted_report_url = o.me->report_url;
    if (w.submit_throws) throw std::runtime_error("oops");
    std::vector<std::string> ids;
    for (int i = 0; i < o.n; ++i) {
      ids.push_back(std::to_string(w.submissions) + "." + std::to_string(i));
      PilotSeen p;
      p.batch_id = ids.back();
      p.submission = o.submission;
      p.queue = o.queue->name;
      p.index = static_cast<std::uint32_t>(i);
      p.run = o.me->run;
      p.state = PilotState::pending;
      w.live.push_back(p);
    }
    return ids;
  }
  Result<View<std::vector<PilotSeen>>> find(const FactoryIdentity&, std::span<const std::string>, Context&) override {
    View<std::vector<PilotSeen>> v;
    v.complete = true;
    return v;
  }
  Result<std::int64_t> remove(std::span<const Removal> pilots, std::span<const PilotState>, const std::string&,
                              Context&) override {
    World& w = *World::current();
    const std::scoped_lock lock(w.mutex);
    for (const auto& r : pilots) std::erase_if(w.live, [&](const auto& p) { return p.batch_id == r.batch_id; });
    return static_cast<std::int64_t>(pilots.size());
  }
};

class FakeMonitor final : public Monitor {
 public:
  void introduce(FactoryIdentity& me) const override {
    World& w = *World::current();
    const std::scoped_lock lock(w.mutex);
    if (!w.pilots_report_to.empty()) me.report_url = w.pilots_report_to;
  }
  Status tell(const FactoryIdentity&, std::span<const PilotNote> pilots, std::span<const QueueNote>,
              Context&) override {
    World& w = *World::current();
    const std::scoped_lock lock(w.mutex);
    w.notes.insert(w.notes.end(), pilots.begin(), pilots.end());
    return {};
  }
};

// Asks for what is ready and not pending yet.
class Want final : public SchedStep {
 public:
  [[nodiscard]] Step apply(std::int64_t, const SchedInput& in) const override {
    const std::int64_t n = std::max<std::int64_t>(0, (in.wms ? in.wms->ready : 0) - in.pending - in.claimed);
    return {n, "ret=" + std::to_string(n)};
  }
};

template <class Interface, class Made>
Plugin<Interface> plugin(std::string_view name) {
  return {name, "for tests", {}, [](const Options&) -> Result<std::unique_ptr<Interface>> {
            return std::make_unique<Made>();
          }};
}

class EngineTest : public testing::Test {
 protected:
  void SetUp() override {
    World::current() = &world_;
    registry_.add(plugin<Wms, FakeWms>("fake"));
    registry_.add(plugin<Batch, FakeBatch>("fake"));
    registry_.add(plugin<SchedStep, Want>("want"));
    registry_.add(plugin<Monitor, FakeMonitor>("fake"));
  }
  void TearDown() override { fs::remove_all(dir_); }

  std::shared_ptr<core::Config> config() {
    auto c = std::make_shared<core::Config>();
    c->version = "1";
    c->factory.factory_id = "fac";
    c->factory.state_dir = dir_ + "/state";
    c->factory.log_dir = dir_ + "/logs";
    c->factory.min_free_disk = c->factory.min_free_memory = 0;
    core::WmsSource w;
    w.name = "w";
    w.plugin = "fake";
    w.interval = milliseconds{50};
    c->wms.push_back(w);
    core::BatchSource b;
    b.name = "b";
    b.plugin = "fake";
    b.interval = milliseconds{50};
    c->batch.push_back(b);
    auto q = std::make_shared<QueueSpec>();
    q->name = "Q";
    q->wms = "w";
    q->wms_queue = "SITE";
    q->batch = "b";
    q->sched.push_back({"want", {}});
    c->queues.push_back(q);
    return c;
  }
  Result<std::unique_ptr<Engine>> start(std::shared_ptr<core::Config> c) {
    return Engine::start({.config = std::move(c), .registry = &registry_});
  }
  std::unique_ptr<Engine> started() {
    auto e = start(config());
    EXPECT_TRUE(e) << e.error().text();
    return std::move(*e);
  }
  Result<HttpReply> control(const Engine& e, const std::string& path, const std::string& body) {
    HttpRequest r;
    r.method = "POST";
    r.url = "http://apf" + path;
    r.body = body;
    return net::fetch(r, mono_now() + seconds{30}, nullptr, e.control_socket());
  }

  std::string dir_ = testing::TempDir() + "engine-" + random_name(8);
  World world_;
  Registry registry_;
};

// Waits for something that other threads will do.
bool comes(const std::function<bool()>& condition) {
  const Mono until = mono_now() + seconds{60};
  while (!condition()) {
    if (mono_now() > until) return false;
    std::this_thread::sleep_for(milliseconds{5});
  }
  return true;
}

// Pilots that wait in the batch system, when the factory counts as many.
std::int64_t pending(const Engine& e) {
  const auto q = e.snapshots().queue("Q");
  World& w = *World::current();
  const std::scoped_lock lock(w.mutex);
  return q && q->open_submissions == 0 && static_cast<std::int64_t>(w.live.size()) == q->pending ? q->pending : -1;
}
bool has_alarm(const Engine& e, const std::string& code) {
  for (const auto& a : e.alarms())
    if (a.code == code) return true;
  return false;
}

TEST_F(EngineTest, ServesDemandOnceAndRemembersIt) {
  world_.ready = 5;
  {
    auto e = started();
    ASSERT_TRUE(comes([&] { return pending(*e) == 5; }));
    EXPECT_TRUE(e->stop());
  }
  auto e = started();
  ASSERT_TRUE(comes([&] { return e->snapshots().passes() > 4; }));
  EXPECT_EQ(pending(*e), 5);
  EXPECT_EQ(e->me()->run, 2U);
  const std::scoped_lock lock(world_.mutex);
  EXPECT_EQ(world_.submissions, 1);
  EXPECT_EQ(world_.live.size(), 5U);
}

TEST_F(EngineTest, JournalsWhatItDecided) {
  world_.ready = 3;
  auto e = started();
  ASSERT_TRUE(comes([&] { return pending(*e) == 3; }));
  e->stop();
  const auto last = last_decisions(e->journal_directory(), "Q", 100);
  ASSERT_FALSE(last.empty());
  EXPECT_TRUE(std::any_of(last.begin(), last.end(), [](const auto& d) { return d.decision.n == 3; }));
}

TEST_F(EngineTest, ASecondFactoryOnTheStateDirectoryIsRefused) {
  auto e = started();
  const auto second = start(config());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, "engine.locked");
}

TEST_F(EngineTest, ATakenPortIsRefused) {
  auto e = started();
  auto c = config();
  c->factory.state_dir = dir_ + "/other";
  c->factory.listen = e->address();
  const auto second = start(c);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, "net.address_in_use");
  EXPECT_EQ(second.error().kind, Kind::config);
}

TEST_F(EngineTest, AnUnknownPluginIsAnErrorOfConfiguration) {
  auto c = config();
  c->batch[0].plugin = "fkae";
  const auto e = start(c);
  ASSERT_FALSE(e);
  EXPECT_EQ(e.error().code, "config.unknown_plugin");
}

TEST_F(EngineTest, ACorruptLedgerSaysWhatToDo) {
  fs::create_directories(dir_ + "/state");
  std::ofstream(dir_ + "/state/ledger.db") << std::string(5000, 'x');
  const auto e = start(config());
  ASSERT_FALSE(e);
  EXPECT_EQ(e.error().code, "store.corrupt");
  EXPECT_NE(e.error().advice.find("ledger rebuild"), std::string::npos);
}

TEST_F(EngineTest, APluginThatThrowsIsAnErrorOfItsSource) {
  world_.wms_throws = true;
  auto e = started();
  ASSERT_TRUE(comes([&] {
    const auto f = e->snapshots().factory();
    return f && std::any_of(f->sources.begin(), f->sources.end(),
                            [](const auto& s) { return s.trouble.find("oops") != std::string::npos; });
  }));
}

TEST_F(EngineTest, ASubmissionThatThrowsStaysOpenAndIsNotRepeated) {
  world_.submit_throws = true;
  world_.ready = 4;
  auto e = started();
  ASSERT_TRUE(comes([&] {
    const auto q = e->snapshots().queue("Q");
    return q && q->open_submissions == 1;
  }));
  const auto passes = e->snapshots().passes();
  ASSERT_TRUE(comes([&] { return e->snapshots().passes() > passes + 3; }));
  const std::scoped_lock lock(world_.mutex);
  EXPECT_EQ(world_.submissions, 1);
}

TEST_F(EngineTest, AHangingPollHoldsUpNothingElse) {
  std::promise<void> door;
  world_.wms_door = door.get_future().share();
  auto e = started();
  ASSERT_TRUE(comes([&] {
    const auto f = e->snapshots().factory();
    return f && std::any_of(f->sources.begin(), f->sources.end(),
                            [](const auto& s) { return s.kind == "batch" && s.state == "ok"; });
  }));
  EXPECT_EQ(control(*e, "/api/v1/holds", R"({"verb":"pause","scope":"queue:Q","reason":"test"})")->status, 200);
  door.set_value();
  EXPECT_TRUE(e->stop());
}

TEST_F(EngineTest, AFullDiskHoldsSubmissionsAndEndsByItself) {
  auto e = started();
  ASSERT_TRUE(comes([&] { return e->stats().passes > 2; }));
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit none{1, old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &none);
  {
    const std::scoped_lock lock(world_.mutex);
    world_.ready = 5;
  }
  EXPECT_TRUE(comes([&] { return has_alarm(*e, "ledger.failing"); }));
  EXPECT_TRUE(comes([&] { return has_alarm(*e, "journal.dropped"); }));
  {
    const std::scoped_lock lock(world_.mutex);
    EXPECT_EQ(world_.submissions, 0);
  }
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  EXPECT_TRUE(comes([&] { return pending(*e) == 5; }));
  EXPECT_TRUE(comes([&] { return !has_alarm(*e, "ledger.failing") && !has_alarm(*e, "journal.dropped"); }));
}

TEST_F(EngineTest, PauseIsRememberedOverARestartUntilItIsResumed) {
  {
    auto e = started();
    const auto paused = control(*e, "/api/v1/holds", R"({"verb":"pause","scope":"all","reason":"power cut"})");
    ASSERT_TRUE(paused);
    EXPECT_EQ(paused->status, 200) << paused->body;
  }
  world_.ready = 2;
  auto e = started();
  ASSERT_TRUE(comes([&] { return e->stats().passes > 5; }));
  EXPECT_EQ(world_.submissions, 0);
  EXPECT_EQ(control(*e, "/api/v1/holds", R"({"verb":"resume","scope":"all"})")->status, 200);
  EXPECT_TRUE(comes([&] { return pending(*e) == 2; }));
  EXPECT_EQ(control(*e, "/api/v1/holds", R"({"verb":"resume","scope":"all"})")->status, 409);
}

TEST_F(EngineTest, TakesOrdersOverTheSocketOnly) {
  auto e = started();
  HttpRequest r;
  r.method = "POST";
  r.url = "http://" + e->address() + "/api/v1/holds";
  r.body = R"({"verb":"pause","scope":"all"})";
  EXPECT_EQ(net::fetch(r, mono_now() + seconds{30})->status, 403);
  EXPECT_EQ(control(*e, "/api/v1/holds", R"({"verb":"pause","scope":"all"})")->status, 200);
  EXPECT_EQ(control(*e, "/api/v1/adopt", "")->status, 200);
  EXPECT_EQ(control(*e, "/api/v1/reload", "")->status, 409);  // it was started without a file
}

TEST_F(EngineTest, RemovesPilotsByNumber) {
  world_.ready = 4;
  auto e = started();
  ASSERT_TRUE(comes([&] { return pending(*e) == 4; }));
  {
    const std::scoped_lock lock(world_.mutex);
    world_.ready = 0;
  }
  ASSERT_TRUE(comes([&] { return e->ledger().pilots({.queue = "Q"})->size() == 4; }));
  const auto no = e->ledger().pilots({.batch_id = "1.2"})->front().no;
  const auto asked = control(*e, "/api/v1/pilots/remove", R"({"reason":"test","pilots":[)" + std::to_string(no) + "]}");
  EXPECT_EQ(asked->status, 200) << asked->body;
  EXPECT_TRUE(comes([&] {
    const std::scoped_lock lock(world_.mutex);
    return world_.live.size() == 3 &&
           std::none_of(world_.live.begin(), world_.live.end(), [](const auto& p) { return p.batch_id == "1.2"; });
  }));
}

TEST_F(EngineTest, TakesReportsThatShowTheirKeyOnly) {
  world_.ready = 1;
  auto e = started();
  ASSERT_TRUE(comes([&] { return e->ledger().pilots({})->size() == 1; }));
  const auto pilot = e->ledger().pilots({})->front();
  HttpRequest r;
  r.method = "POST";
  r.url = "http://" + e->address() + "/apfmon/jobs/fac:" + pilot.batch_id;
  r.body = "state=running&index=0&node=n1&submission=" + pilot.submission;
  EXPECT_EQ(net::fetch(r, mono_now() + seconds{30})->status, 401);
  r.headers = {{"Authorization", "Bearer 00"}};
  EXPECT_EQ(net::fetch(r, mono_now() + seconds{30})->status, 401);
  {
    const std::scoped_lock lock(world_.mutex);
    r.headers = {{"Authorization", "Bearer " + world_.report_key}};
  }
  EXPECT_EQ(net::fetch(r, mono_now() + seconds{30})->status, 200);
  EXPECT_TRUE(comes([&] { return e->ledger().pilots({})->front().node == "n1"; }));
}

TEST_F(EngineTest, AMonitorToWhichPilotsReportIsToldOfTheirKeys) {
  for (const std::string url : {"", "https://monitor/api"}) {
    SCOPED_TRACE(url);
    {
      const std::scoped_lock lock(world_.mutex);
      world_.pilots_report_to = url;
      world_.notes.clear();
      world_.live.clear();
      world_.ready = 3;
    }
    fs::remove_all(dir_);
    auto c = config();
    c->monitors.push_back({"m", "fake", {}});
    auto e = start(std::move(c));
    ASSERT_TRUE(e) << e.error().text();
    ASSERT_TRUE(comes([&] {
      const std::scoped_lock lock(world_.mutex);
      return world_.notes.size() >= 3;
    }));
    const std::scoped_lock lock(world_.mutex);
    EXPECT_EQ(world_.submitted_report_url == "https://monitor/api", !url.empty());
    for (const PilotNote& note : world_.notes) {
      EXPECT_EQ(note.together, 3U);
      EXPECT_EQ(note.report_key_sha256, url.empty() ? "" : key_digest(world_.report_key));
    }
  }
}

TEST_F(EngineTest, PilotsReportToOneMonitorOnly) {
  world_.pilots_report_to = "https://monitor/api";
  auto c = config();
  c->monitors.push_back({"m", "fake", {}});
  c->monitors.push_back({"n", "fake", {}});
  const auto e = start(std::move(c));
  ASSERT_FALSE(e);
  EXPECT_EQ(e.error().code, "monitor.two_for_pilots");
  EXPECT_EQ(e.error().where, "monitor.n");
}

TEST_F(EngineTest, ReloadIsAllOrNothing) {
  auto next = config();
  next->version = "2";
  bool accepted = false;
  auto e = Engine::start({.config = config(), .registry = &registry_, .load = [&]() -> Result<Candidate> {
                            return Candidate{next, {}, [&] { accepted = true; }};
                          }});
  ASSERT_TRUE(e);
  next->queues[0] = std::make_shared<QueueSpec>(*next->queues[0]);
  auto broken = config();
  broken->wms[0].plugin = "none";
  std::swap(next, broken);
  EXPECT_FALSE((*e)->reload());
  EXPECT_FALSE(accepted);
  EXPECT_EQ((*e)->config()->version, "1");
  std::swap(next, broken);
  const auto done = (*e)->reload();
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_TRUE(accepted);
  EXPECT_EQ((*e)->config()->version, "2");
  const auto f = (*e)->snapshots().factory();  // in force, and shown, when reload() returns
  ASSERT_TRUE(f);
  EXPECT_EQ(f->config_version, "2");
}

TEST_F(EngineTest, AReloadTakesAnotherWrapperForNewPilots) {
  fs::create_directories(dir_);
  const std::string wrapper = dir_ + "/wrapper.tar.gz";
  std::ofstream(wrapper) << "one";
  auto e = Engine::start({.config = config(),
                          .registry = &registry_,
                          .load = [&]() -> Result<Candidate> { return Candidate{config(), {}, {}}; },
                          .wrapper_file = wrapper});
  ASSERT_TRUE(e) << e.error().text();
  const std::string before = (*e)->me()->wrapper_sha256;
  std::ofstream(wrapper) << "two";
  EXPECT_EQ((*e)->me()->wrapper_sha256, before) << "only from a reload on";
  ASSERT_TRUE((*e)->reload());
  EXPECT_NE((*e)->me()->wrapper_sha256, before);
  HttpRequest r;  // of a pilot that waited meanwhile
  r.url = "http://" + (*e)->address() + "/wrapper/" + before + ".tar.gz";
  const auto old = net::fetch(r, mono_now() + seconds{30});
  ASSERT_TRUE(old);
  EXPECT_EQ(old->body, "one");
  EXPECT_EQ(old->headers.at("cache-control"), "public, max-age=31536000, immutable");
  EXPECT_TRUE(old->headers.contains("etag"));
  fs::remove(wrapper);
  EXPECT_EQ((*e)->reload().error().code, "engine.wrapper_missing");
}

}  // namespace
}  // namespace apf::engine
