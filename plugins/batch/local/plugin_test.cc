// batch/local with real keepers and pilots in temporary directories whose names hold blanks.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <thread>

#include "apf/registry.h"
#include "keeper/keep.h"
#include "local.h"
#include "process/supervisor.h"
#include "protocol/launch.h"

namespace apf::local {
namespace {

namespace fs = std::filesystem;

class TestContext final : public Context {
 public:
  [[nodiscard]] Mono deadline() const override { return mono_now() + seconds{30}; }
  [[nodiscard]] bool stopping() const override { return false; }
  void log(Level level, std::string_view message) override {
    if (level >= Level::warning) logged.emplace_back(message);
  }
  Result<Finished> run(const Command& command) override {
    process::Limits limits;
    limits.deadline = deadline();
    return process::run(command, limits);
  }
  Result<HttpReply> http(const HttpRequest& /*request*/) override { return fail(Kind::bug, "test", "not here"); }
  Result<std::string> credential(std::string_view /*file*/) override { return fail(Kind::bug, "test", "not here"); }
  void sleep(Duration d) override { std::this_thread::sleep_for(d); }

  std::vector<std::string> logged;
};

// A factory with its directories, its queue and its plug-in; restart() is what a restarted factory does.
class Local : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "apf local XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root = pattern;
    fs::create_directories(root / "state");
    me.factory_id = "test";
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

TEST_F(Local, RunsPilotsWithTheirFilesAndTellsTheirEnd) {
  std::ofstream(root / "my token") << "T";
  queue.input_files = {file("my token")};
  queue.environment["COLOUR"] = "a b\n\"c\"";
  const auto ids = submit("s-1", 3,
                          "printf %s \"$COLOUR\"; cat 'my token' apf-report.key; stat -c %a apf-report.key 'my token';"
                          "pwd; echo oops $APFCID $APF_INDEX >&2; exit $APF_INDEX");
  ASSERT_TRUE(ids) << ids.error().text();
  EXPECT_EQ(*ids, (std::vector<std::string>{"s-1.0", "s-1.1", "s-1.2"}));
  ASSERT_TRUE(until_ended(3));
  for (std::uint32_t i = 0; i < 3; ++i) {
    const PilotSeen& p = seen_ended[fmt::format("s-1.{}", i)];
    EXPECT_EQ(p.state, PilotState::done);
    EXPECT_EQ(p.exit_code, static_cast<int>(i));
    EXPECT_EQ(p.index, i);
    EXPECT_EQ(p.run, 3U);
    EXPECT_EQ(p.queue, "A/q");
    EXPECT_EQ(p.submission, "s-1");
    EXPECT_EQ(p.node, host_name());
    EXPECT_GE(p.wall_s, 0);
    EXPECT_GE(p.cpu_s, 0);
    EXPECT_GT(p.started.ms, 0);
    EXPECT_GE(p.ended.ms, p.started.ms);
    EXPECT_GE(p.started.ms, p.submitted.ms);
  }
  const std::string scratch = file("state/local/scratch/s-1.2");
  EXPECT_EQ(read_file(log_file("s-1.2", "out")).value_or(""), "a b\n\"c\"Tsecret of s-1600\n600\n" + scratch + "\n");
  EXPECT_EQ(read_file(log_file("s-1.2", "err")).value_or(""), "oops s-1.2 2\n");
  EXPECT_NE(read_file(log_file("s-1.2", "log")).value_or("").find("exit code 2"), std::string::npos);
  EXPECT_FALSE(fs::exists(scratch));
  EXPECT_TRUE(until([&] { return live().empty(); }));
}

}  // namespace
}  // namespace apf::local
