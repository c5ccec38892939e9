#include "engine/journal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "core/factory.h"
#include "engine/journal_codec.h"
#include "engine/journal_reader.h"
#include "engine/random.h"
#include "engine/replay.h"

namespace apf::engine {
namespace {

namespace fs = std::filesystem;
const Wall kNow{1'800'000'000'000};

StepSpec step(const std::string& use, const std::map<std::string, OptionValue>& options = {}) {
  StepSpec s{use, {}};
  for (const auto& [name, value] : options) s.options.set(name, value);
  return s;
}

std::shared_ptr<core::Config> config_of(const std::vector<StepSpec>& chain, const std::string& version = "1 (test)") {
  auto c = std::make_shared<core::Config>();
  c->version = version;
  for (const char* name : {"Q", "R"}) {
    auto q = std::make_shared<QueueSpec>();
    q->name = name;
    q->sched = chain;
    c->queues.push_back(q);
  }
  return c;
}

core::Decision decision(const std::string& queue, std::int64_t n, std::int64_t at = 0) {
  core::Decision d;
  d.queue = queue;
  d.at = Wall{kNow.ms + at};
  d.pass = 3;
  d.seq = 9;
  d.config_version = "1 (test)";
  d.input.wms = SchedInput::Wms{1, 100, 3, 4, 5};
  d.input.pending = 10;
  d.input.dealt = 50;
  d.steps = {{"ready", 0, n, "in=0,activated=100,\"quoted\"\n,ret=" + std::to_string(n)}};
  d.chain = n;
  d.n = n;
  d.bound_by = "ready";
  return d;
}

class JournalTest : public testing::Test {
 protected:
  void TearDown() override { fs::remove_all(dir_); }
  std::vector<core::Decision> decisions(const JournalFilter& filter = {}) {
    std::vector<core::Decision> all;
    auto read =
        read_journal(dir_, filter, {.config = {}, .decision = [&](const auto& d) { all.push_back(d); }, .repeats = {}});
    EXPECT_TRUE(read);
    count_ = *read;
    return all;
  }
  std::string dir_ = testing::TempDir() + "journal-" + random_name(8);
  JournalCount count_;
};

TEST_F(JournalTest, DecisionsReadBackAsTheyWere) {
  {
    Journal journal({.directory = dir_});
    journal.config(config_of({step("ready")}), kNow);
    const std::vector all{decision("Q", 7), decision("R", 0)};
    journal.append(all, kNow);
  }
  const auto back = decisions();
  ASSERT_EQ(back.size(), 2U);
  const auto wrote = decision("Q", 7);
  const auto& d = back[0];
  EXPECT_EQ(core::message(d), core::message(wrote));
  EXPECT_EQ(d.input.wms->ready, 100);
  EXPECT_EQ(d.input.dealt, 50);
  EXPECT_EQ(d.at.ms, wrote.at.ms);
  EXPECT_EQ(d.n, 7);
  EXPECT_EQ(d.bound_by, "ready");
  EXPECT_EQ(decisions({.queue = "R", .since = {}, .until = {}}).size(), 1U);
  EXPECT_EQ(decisions({.queue = "", .since = Wall{kNow.ms + 1}, .until = {}}).size(), 0U);
}

TEST_F(JournalTest, KeepsWhatStepsAskedAbout) {
  auto d = decision("Q", 7);
  d.input.cycle = 12;
  d.input.ends = {{seconds{3600}, seconds{10}, 8, 5}, {seconds{60}, milliseconds{1500}, 2, 0}};
  {
    Journal journal({.directory = dir_});
    journal.config(config_of({step("throttle")}), kNow);
    journal.append(std::vector{d}, kNow);
  }
  const auto back = decisions();
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(back[0].input.cycle, 12);
  ASSERT_EQ(back[0].input.ends.size(), 2U);
  EXPECT_EQ(back[0].input.ends[0].within, seconds{3600});
  EXPECT_EQ(back[0].input.ends[0].ended, 8);
  EXPECT_EQ(back[0].input.ends[1].below, milliseconds{1500});
  EXPECT_EQ(back[0].input.ends[1].brief, 0);
}

// As version 1 wrote it: the input without cycle and ends.
TEST(JournalReader, ReadsTheFirstVersion) {
  const std::string line =
      R"j({"v":1,"k":"d","at":1800000000000,"q":"Q","pass":3,"seq":9,"config":"1 (test)","in":{"wms":[1,100,3,4,5],)j"
      R"j("site":"online","pending":10,"running":0,"retiring":0,"claimed":0,"total":0,"used":0,"life":0},)j"
      R"j("steps":[["ready",0,7,"in=0,ret=7"]],"chain":7,"outside":0,"n":7,"bound_by":"ready"})j";
  std::vector<core::Decision> all;
  JournalCount count;
  EXPECT_TRUE(read_journal_line(
      line, {}, {.config = {}, .decision = [&](const auto& d) { all.push_back(d); }, .repeats = {}}, count));
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].input.pending, 10);
  EXPECT_EQ(all[0].input.cycle, 0);
  EXPECT_TRUE(all[0].input.ends.empty());
  std::string newer = line;
  newer.replace(5, 1, "3");
  EXPECT_FALSE(read_journal_line(newer, {}, {}, count));
}

TEST_F(JournalTest, RepeatsAreFoldedToACount) {
  {
    Journal journal({.directory = dir_});
    journal.config(config_of({step("ready")}), kNow);
    for (int i = 0; i < 10; ++i) journal.append(std::vector{decision("Q", 0, i)}, kNow);
    for (int i = 0; i < 3; ++i) journal.append(std::vector{decision("R", 5, i)}, kNow);  // n != 0: in full
  }
  EXPECT_EQ(decisions({.queue = "Q", .since = {}, .until = {}}).size(), 1U);
  EXPECT_EQ(decisions({.queue = "R", .since = {}, .until = {}}).size(), 3U);
  const auto last = last_decisions(dir_, "Q", 5);
  ASSERT_EQ(last.size(), 1U);
  EXPECT_EQ(last[0].repeats, 9);
  EXPECT_EQ(last[0].last.ms, kNow.ms + 9);
}

TEST_F(JournalTest, InputsThatNoStepUsedMakeNoNewDecision) {
  auto a = decision("Q", 0), b = a;
  b.input.factory_total = 99;
  b.seq = 10;
  EXPECT_EQ(hash_of(a), hash_of(b));
  b.steps[0].message = "in=0,activated=101";
  EXPECT_NE(hash_of(a), hash_of(b));
  b = a;
  b.bound_by = "maxpending";
  EXPECT_NE(hash_of(a), hash_of(b));
}

TEST_F(JournalTest, ATornLastLineCostsThatLineOnly) {
  std::string file;
  {
    Journal journal({.directory = dir_});
    file = journal.file();
    journal.append(std::vector{decision("Q", 1), decision("Q", 2)}, kNow);
  }
  fs::resize_file(file, fs::file_size(file) - 20);
  {
    Journal journal({.directory = dir_});
    journal.append(std::vector{decision("Q", 3)}, kNow);
  }
  const auto back = decisions();
  ASSERT_EQ(back.size(), 2U);
  EXPECT_EQ(back[0].n, 1);
  EXPECT_EQ(back[1].n, 3);
  EXPECT_EQ(count_.unreadable, 1);
}

TEST_F(JournalTest, RotatesAndStaysWithinItsSize) {
  {
    Journal journal({.directory = dir_, .size = 16 * 4096});
    journal.config(config_of({step("ready")}), kNow);
    for (int i = 0; i < 2000; ++i) journal.append(std::vector{decision("Q", i + 1)}, wall_now());
  }
  std::uintmax_t total = 0;
  const auto files = journal_files(dir_);
  EXPECT_GT(files.size(), 4U);
  for (const auto& f : files) {
    total += fs::file_size(f);
    std::string first;
    std::ifstream in(f);
    std::getline(in, first);
    EXPECT_NE(first.find("\"k\":\"config\""), std::string::npos) << f;
  }
  EXPECT_LE(total, 17U * 4096U);
  EXPECT_EQ(decisions().back().n, 2000);
  EXPECT_EQ(last_decisions(dir_, "Q", 100).size(), 100U);
}

TEST_F(JournalTest, OldFilesGo) {
  fs::create_directories(dir_);
  const std::string old = dir_ + "/decisions.000001.jsonl";
  std::ofstream(old) << std::string(5000, ' ');
  fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::hours{48});
  Journal journal({.directory = dir_, .age = seconds{86400}, .size = 4096});
  // number 1 is continued once more, then rotated
  for (int i = 0; i < 50; ++i) journal.append(std::vector{decision("Q", i + 1)}, wall_now());
  EXPECT_FALSE(fs::exists(old));
}

TEST_F(JournalTest, AFullDiskCostsLinesAndIsCounted) {
  if (!fs::exists("/dev/full")) GTEST_SKIP();
  fs::create_directories(dir_);
  const std::string file = dir_ + "/decisions.000001.jsonl";
  fs::create_symlink("/dev/full", file);
  Journal journal({.directory = dir_});
  journal.append(std::vector{decision("Q", 1)}, kNow);
  journal.append(std::vector{decision("Q", 2)}, kNow);
  EXPECT_EQ(journal.dropped(), 2);
  EXPECT_NE(journal.trouble(), "");
}

TEST_F(JournalTest, OptionsReadBackBitForBit) {
  {
    Journal journal({.directory = dir_});
    journal.config(config_of({step("scale", {{"factor", 0.1},
                                             {"most", std::numeric_limits<double>::infinity()},
                                             {"n", std::int64_t{7}},
                                             {"on", true},
                                             {"wait", Duration{seconds{5}}},
                                             {"names", std::vector<std::string>{"a", "b"}},
                                             {"env", Table{{"k", "v"}}},
                                             {"text", std::string("x\"y")}})}),
                   kNow);
    journal.append(std::vector{decision("Q", 1)}, kNow);
  }
  JournalConfig got;
  ASSERT_TRUE(read_journal(dir_, {}, {.config = [&](const auto& c) { got = c; }, .decision = {}, .repeats = {}}));
  ASSERT_EQ(got.chains.size(), 1U);  // two queues, one chain
  const Options& o = got.chains[0][0].options;
  EXPECT_EQ(o.real("factor"), 0.1);
  EXPECT_EQ(o.real("most"), std::numeric_limits<double>::infinity());
  EXPECT_EQ(o.integer("n"), 7);
  EXPECT_TRUE(o.flag("on"));
  EXPECT_EQ(o.duration("wait"), seconds{5});
  EXPECT_EQ(o.list("names").size(), 2U);
  EXPECT_EQ(o.table("env").at("k"), "v");
  EXPECT_EQ(o.text("text"), "x\"y");
}

// A step whose arithmetic the test knows.
class Twice final : public SchedStep {
 public:
  explicit Twice(std::int64_t times) : times_(times) {}
  [[nodiscard]] Step apply(std::int64_t n, const SchedInput& in) const override {
    return {(n + in.pending) * times_, "in=" + std::to_string(n)};
  }

 private:
  std::int64_t times_;
};
constexpr OptionSpec kTwiceOptions[] = {{.name = "times", .type = OptionType::integer}};
Registry twice_registry() {
  Registry r;
  r.add(
      Plugin<SchedStep>{"twice", "doubles", kTwiceOptions, [](const Options& o) -> Result<std::unique_ptr<SchedStep>> {
                          return std::make_unique<Twice>(o.integer("times"));
                        }});
  return r;
}

TEST_F(JournalTest, ReplayComputesEveryDecisionAgain) {
  const Registry registry = twice_registry();
  const auto config =
      config_of({step("twice", {{"times", std::int64_t{2}}}), step("twice", {{"times", std::int64_t{3}}})});
  auto good = decision("Q", 0), bad = good;
  const auto chain = make_chain(config->queues[0]->sched, registry);
  ASSERT_TRUE(chain);
  good.steps = core::fold(*chain, good.input, &good.outside);
  good.chain = good.n = good.steps.back().out;
  bad = good;
  bad.steps.back().out += 1;
  auto unknown = good;
  unknown.config_version = "2";
  {
    Journal journal({.directory = dir_});
    journal.config(config, kNow);
    journal.append(std::vector{good, bad, unknown}, kNow);
  }
  std::int64_t shown = 0;
  auto result = replay(dir_, {}, registry, [&](const auto& was, const auto& is) {
    ++shown;
    EXPECT_EQ(was.steps.back().out, is.steps.back().out + 1);
  });
  ASSERT_TRUE(result) << result.error().text();
  EXPECT_EQ(result->decisions, 3);
  EXPECT_EQ(result->equal, 1);
  EXPECT_EQ(result->different, 1);
  EXPECT_EQ(result->skipped, 1);
  EXPECT_EQ(shown, 1);
}

TEST(JournalLine, GarbageIsRefused) {
  JournalCount count;
  for (const char* line : {"", "{", "[]", "{}", "{\"v\":2,\"k\":\"d\"}", "{\"v\":1,\"k\":\"d\"}", "{\"v\":1,\"k\":7}",
                           R"({"v":1,"k":"config","version":"x","chains":[],"queues":{"Q":3}})",
                           R"({"v":1,"k":"config","version":"x","chains":[[{"use":1}]],"queues":{}})"})
    EXPECT_FALSE(read_journal_line(
        line, {}, {.config = [](const auto&) {}, .decision = [](const auto&) {}, .repeats = {}}, count))
        << line;
}

}  // namespace
}  // namespace apf::engine
