// What the tests of batch/local share: a factory in a temporary directory whose name holds a blank.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <thread>

#include "batch/local/local.h"
#include "support/test_context.h"

namespace apf::local {

namespace fs = std::filesystem;
using tests::TestContext;

// A factory with its directories, its queue and its plug-in; restart() is what a restarted factory does.
class Local : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "apf local XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root = pattern;
    fs::create_directories(root / "state");
    me.factory_id = "test";
    me.instance = "i1";
    me.run = 3;
    me.user = "tester";
    me.state_dir = (root / "state").string();
    me.log_dir = (root / "pilots logs").string();
    queue.name = "A/q";
    settings.keeper = std::string(APF_BIN_DIR) + "/apf-keeper";
    settings.slots = 2;
    settings.grace_ms = 300;
    restart();
  }

  void TearDown() override {
    settings.slots = 0;
    restart();
    (void)batch->poll(me, "", context);  // no keeper takes another pilot
    for (const auto& p : live())
      if (p.state == PilotState::pending || p.state == PilotState::running) remove(p.batch_id);
    EXPECT_TRUE(until([&] { return live().empty(); }));
    EXPECT_TRUE(until([&] { return keepers() == 0; }));
    std::error_code ignored;
    fs::remove_all(root, ignored);
  }

  void restart() { batch = std::make_unique<LocalBatch>(settings); }

  // The pilot is `sh -c script`; $APF_INDEX tells which one.
  Result<std::vector<std::string>> submit(const std::string& id, int n, const std::string& script) {
    queue.executable = "/bin/sh";
    queue.arguments = {"-c", script};
    SubmitOrder order;
    order.queue = &queue;
    order.me = &me;
    order.submission = id;
    order.n = n;
    order.report_key = "secret of " + id;
    order.when = wall_now();
    return batch->submit(order, context);
  }

  View<BatchData> poll() {
    auto view = batch->poll(me, cursor, context);
    EXPECT_TRUE(view) << view.error().text();
    if (!view) return {};
    cursor = view->cursor;
    for (const auto& p : view->data.ended) {
      ++told[p.batch_id];
      seen_ended[p.batch_id] = p;
    }
    return *view;
  }
  std::vector<PilotSeen> live() { return poll().data.live; }

  std::int64_t remove(const std::string& id,
                      std::vector<PilotState> only_in = {PilotState::pending, PilotState::running}) {
    const std::vector<Batch::Removal> pilots{{id, id.substr(0, id.find('.'))}};
    auto n = batch->remove(pilots, only_in, "retired by the test", context);
    EXPECT_TRUE(n) << n.error().text();
    return n.value_or(-1);
  }

  std::vector<PilotSeen> find(const std::string& submission) {
    const std::vector<std::string> ids{submission};
    auto view = batch->find(me, ids, context);
    EXPECT_TRUE(view && view->complete);
    return view ? view->data : std::vector<PilotSeen>{};
  }

  static bool until(const std::function<bool()>& event) {
    for (int i = 0; i < 4000; ++i) {
      if (event()) return true;
      std::this_thread::sleep_for(milliseconds{5});
    }
    return false;
  }
  // As `until`, polling in between.
  bool until_polled(const std::function<bool(const View<BatchData>&)>& event) {
    return until([&] { return event(poll()); });
  }
  [[nodiscard]] static std::size_t running(const View<BatchData>& view) {
    return static_cast<std::size_t>(std::count_if(view.data.live.begin(), view.data.live.end(),
                                                  [](const PilotSeen& p) { return p.state == PilotState::running; }));
  }
  bool until_ended(std::size_t n) {
    return until([&] {
      poll();
      return seen_ended.size() >= n;
    });
  }

  // Slots whose lock somebody holds.
  [[nodiscard]] int keepers() const {
    const Spool spool((root / "state/local").string());
    int n = 0;
    for (int k = 0; k < 64; ++k)
      if (fs::exists(spool.path("slot/" + std::to_string(k))) && !spool.lock_slot(k)) ++n;
    return n;
  }
  [[nodiscard]] Taken taken_of(const std::string& submission, std::uint32_t index) const {
    const Spool spool((root / "state/local").string());
    for (const auto& name : spool.orders().value_or(std::vector<std::string>{}))
      if (name.ends_with("-" + submission))
        if (const auto record = read_record(spool.live(name) + "/" + file_of(index, "taken")))
          return Taken::from(*record);
    return {};
  }
  [[nodiscard]] std::string log_file(const std::string& id, const std::string& kind) const {
    const auto day = iso8601(wall_now()).substr(0, 10);
    return (root / "pilots logs" / day / "A_q" / (id + "." + kind)).string();
  }
  [[nodiscard]] std::string file(const std::string& name) const { return (root / name).string(); }
  [[nodiscard]] std::size_t lines(const std::string& name) const {
    const auto text = read_file(file(name)).value_or("");
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }

  fs::path root;
  FactoryIdentity me;
  QueueSpec queue;
  Settings settings;
  TestContext context;
  std::unique_ptr<LocalBatch> batch;
  std::string cursor;
  std::map<std::string, int> told;
  std::map<std::string, PilotSeen> seen_ended;
};

}  // namespace apf::local
