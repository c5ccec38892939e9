#include "config/load.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "config/test_registry.h"

namespace apf::config {
namespace {

namespace fs = std::filesystem;
using testing::kHead;

const Registry& plugins() {
  static const Registry r = testing::registry();
  return r;
}

std::string words(const Errors& errors) {
  std::string out;
  for (const Error& e : errors) out += e.text() + "\n";
  return out;
}

LoadResult from(const std::string& text, const LoadOptions& options = {}, const std::string& file = "a.toml") {
  const Text t{file, "/etc/apf", text};
  return assemble({&t, 1}, plugins(), options);
}

Loaded good(const std::string& text, const LoadOptions& options = {}) {
  auto loaded = from(text, options);
  EXPECT_TRUE(loaded) << (loaded ? "" : words(loaded.error()));
  return loaded ? *loaded : Loaded{};
}

const std::string kOneQueue = kHead + R"([queue.Q]
wms = "w"
batch = "b"
sched = [ { use = "ready" } ]
)";

TEST(Load, AQueueHasItsDefaults) {
  const Loaded l = good(kOneQueue);
  ASSERT_EQ(l.config->queues.size(), 1U);
  const QueueSpec& q = *l.config->queues[0];
  EXPECT_EQ(q.name, "Q");
  EXPECT_EQ(q.wms_queue, "Q");
  EXPECT_EQ(q.wms, "w");
  EXPECT_EQ(q.batch, "b");
  EXPECT_DOUBLE_EQ(q.weight, 1.0);
  EXPECT_TRUE(q.enabled);
  EXPECT_EQ(q.mode, Mode::active);
  EXPECT_EQ(q.retire, Retire::none);
  EXPECT_TRUE(q.retire_newest_first);
  EXPECT_EQ(q.keep_logs, seconds{7L * 86400});
  EXPECT_TRUE(q.executable.empty());
  ASSERT_EQ(q.sched.size(), 1U);
  EXPECT_EQ(q.sched[0].options.integer("offset"), 0);
  EXPECT_EQ(q.origin.text(), "a.toml:9");
  EXPECT_EQ(l.files, std::vector<std::string>{"a.toml"});
}

// The defaults of the option tables and those of the structs are the same numbers, or one of them lies.
TEST(Load, TablesAndStructsAgreeOnDefaults) {
  const Loaded l = good(kOneQueue);
  core::FactorySettings f;
  f.factory_id = "f";
  f.state_dir = "/var/lib/apf";
  f.log_dir = "/var/lib/apf/logs";
  EXPECT_EQ(l.config->factory, f);
  core::WmsSource w = l.config->wms[0];
  core::WmsSource w0;
  w0.name = "w";
  w0.plugin = "work";
  w0.options = w.options;
  EXPECT_EQ(w, w0);
  core::BatchSource b = l.config->batch[0];
  core::BatchSource b0;
  b0.name = "b";
  b0.plugin = "farm";
  b0.options = b.options;
  EXPECT_EQ(b, b0);
}

TEST(Load, EveryKeyArrives) {
  const Loaded l = good(R"(
[factory]
factory_id = "f"
state_dir = "state"
log_dir = "/logs"
log_url = "https://h/logs/"
listen = "[::1]:8080"
report_url = "https://h/apfmon"
alarm_command = "mail x"
wrapper = "own.tar.gz"
next_wrapper = "/next.tar.gz"
max_pilots = 5
max_submissions_per_minute = 6
min_free_disk = "1 GB"
min_free_memory = "2 GB"
retention = "1d"
journal_age = "2d"
journal_size = "3 MB"
log_size = "4 MB"
[wms.w]
plugin = "work"
url = "u"
token = "hunter2"
ca_file = "ca.pem"
interval = "1s"
max_age = "2s"
timeout = "3s"
lag = "4s"
pickup = "5s"
[batch.b]
plugin = "farm"
slots = 9
interval = "1s"
max_age = "2s"
timeout = "3s"
settle_wait = "4s"
max_pilots = 7
max_submissions_per_minute = 8
[queue.Q]
wms = "w"
wms_queue = "WQ"
batch = "b"
job_labels = ["managed"]
resource_types = ["SCORE", "MCORE"]
sched = [ { use = "scale", factor = 2 }, { use = "null" } ]
weight = 3
enabled = false
mode = "shadow"
retire = "unfed"
retire_order = "oldest"
renamed_from = "P"
executable = "pilot.sh"
next_wrapper = 15
arguments = ["-q", "x y"]
environment = { A = "b" }
input_files = ["token"]
keep_logs = "1h"
submit = { request_memory = "2 GB" }
)");
  const auto& f = l.config->factory;
  EXPECT_EQ(f.state_dir, "/etc/apf/state");
  EXPECT_EQ(f.log_dir, "/logs");
  EXPECT_EQ(f.log_url, "https://h/logs");
  EXPECT_EQ(f.wrapper, "/etc/apf/own.tar.gz");
  EXPECT_EQ(f.next_wrapper, "/next.tar.gz");
  EXPECT_EQ(f.listen, "[::1]:8080");
  EXPECT_EQ(f.report_url, "https://h/apfmon");
  EXPECT_EQ(f.alarm_command, "mail x");
  EXPECT_EQ(f.max_pilots, 5);
  EXPECT_EQ(f.max_submissions_per_minute, 6);
  EXPECT_EQ(f.min_free_disk, 1'000'000'000);
  EXPECT_EQ(f.min_free_memory, 2'000'000'000);
  EXPECT_EQ(f.retention, seconds{86400});
  EXPECT_EQ(f.journal_age, seconds{2 * 86400});
  EXPECT_EQ(f.journal_size, 3'000'000);
  EXPECT_EQ(f.log_size, 4'000'000);
  const auto& w = l.config->wms.at(0);
  EXPECT_EQ(w.interval, seconds{1});
  EXPECT_EQ(w.max_age, seconds{2});
  EXPECT_EQ(w.timeout, seconds{3});
  EXPECT_EQ(w.lag, seconds{4});
  EXPECT_EQ(w.pickup, seconds{5});
  EXPECT_EQ(w.options.text("ca_file"), "/etc/apf/ca.pem");
  EXPECT_EQ(w.options.text("token"), "hunter2");
  EXPECT_FALSE(w.options.has("interval"));  // the house's options are not the plug-in's
  const auto& b = l.config->batch.at(0);
  EXPECT_EQ(b.interval, seconds{1});
  EXPECT_EQ(b.max_age, seconds{2});
  EXPECT_EQ(b.timeout, seconds{3});
  EXPECT_EQ(b.settle_wait, seconds{4});
  EXPECT_EQ(b.max_pilots, 7);
  EXPECT_EQ(b.max_submissions_per_minute, 8);
  EXPECT_EQ(b.options.integer("slots"), 9);
  EXPECT_FALSE(b.options.has("request_memory"));
  const QueueSpec& q = *l.config->queues.at(0);
  EXPECT_EQ(q.wms_queue, "WQ");
  EXPECT_EQ(q.job_labels, std::vector<std::string>{"managed"});
  EXPECT_EQ(q.resource_types.size(), 2U);
  EXPECT_EQ(q.sched.size(), 2U);
  EXPECT_DOUBLE_EQ(q.sched[0].options.real("factor"), 2.0);
  EXPECT_DOUBLE_EQ(q.weight, 3.0);
  EXPECT_FALSE(q.enabled);
  EXPECT_EQ(q.mode, Mode::shadow);
  EXPECT_EQ(q.retire, Retire::unfed);
  EXPECT_FALSE(q.retire_newest_first);
  EXPECT_EQ(q.renamed_from, "P");
  EXPECT_EQ(q.executable, "/etc/apf/pilot.sh");
  EXPECT_EQ(q.arguments.at(1), "x y");
  EXPECT_EQ(q.next_wrapper, 15);
  EXPECT_EQ(q.environment.at("A"), "b");
  EXPECT_EQ(q.input_files.at(0), "/etc/apf/token");
  EXPECT_EQ(q.keep_logs, seconds{3600});
  EXPECT_EQ(q.submit.integer("request_memory"), 2'000'000'000);
}

// ---- R16 ----

const std::string kLayers = kHead + R"([config.one]
plugin = "list"
[config.two]
plugin = "list"
[defaults]
wms = "w"
batch = "b"
weight = 2
environment = { A = "defaults", B = "defaults" }
job_labels = ["x", "y"]
sched = [ { use = "ready" }, { use = "maxpending", maximum = 1 } ]
submit = { attributes = { P = "1" } }
[queue.Local]
environment = { B = "local", E = "local" }
job_labels = ["z"]
)";

Result<RawQueues> fetch_layers(const std::string& section, ConfigSource& /*source*/) {
  if (section == "one")
    return RawQueues{{"1", "[queue.Local]\nweight = 3\nenvironment = { B = 'one', C = 'one', D = 'one', E = 'one' }"},
                     {"2", "[queue.Far]\nweight = 4\nmode = 'shadow'"}};
  return RawQueues{{"3",
                    "version = 1\n[queue.Local]\nenvironment = { D = 'two' }\n"
                    "[queue.Far]\nweight = 5\nsubmit = { request_memory = 7 }"}};
}

TEST(Load, LaterLayersWinTablesMergeListsReplace) {
  const Loaded l = good(kLayers, {.fetch = fetch_layers});
  ASSERT_EQ(l.config->queues.size(), 2U);
  const QueueSpec& local = *l.config->queues[0];
  EXPECT_EQ(local.name, "Local");
  EXPECT_DOUBLE_EQ(local.weight, 3.0);  // config plug-ins win over [defaults]
  EXPECT_EQ(local.environment, (Table{{"A", "defaults"}, {"B", "local"}, {"C", "one"}, {"D", "two"}, {"E", "local"}}));
  EXPECT_EQ(local.job_labels, std::vector<std::string>{"z"});
  EXPECT_EQ(local.sched.size(), 2U);
  const QueueSpec& far = *l.config->queues[1];
  EXPECT_EQ(far.name, "Far");
  EXPECT_DOUBLE_EQ(far.weight, 5.0);
  EXPECT_EQ(far.mode, Mode::shadow);
  EXPECT_EQ(far.submit.integer("request_memory"), 7);
  EXPECT_EQ(far.submit.table("attributes"), (Table{{"P", "1"}}));
}

TEST(Load, ErrorsOfConfigPluginsNameTheirSource) {
  const auto bad_key = from(kLayers, {.fetch = [](const std::string& s, ConfigSource&) -> Result<RawQueues> {
                              if (s == "two") return RawQueues{};
                              return RawQueues{{"list/one", "[queue.Far]\nwieght = 3\n[queue.Far.submit]\n[defaults]"},
                                               {"list/two", "version = 9\n[queue.Other]"}};
                            }});
  ASSERT_FALSE(bad_key);
  EXPECT_EQ(words(bad_key.error()),
            "list/one:4: unknown key 'defaults' in a document of [config.one], which holds only [queue.NAME] (known: "
            "version, queue) [config.unknown_key]\n"
            "list/two:1: the file has version 9, this program knows up to 1 (use a newer program) "
            "[config.newer_version]\n"
            "list/one:2: unknown key 'wieght' in queue 'Far' (did you mean 'weight'?) [config.unknown_key]\n");
  const auto down = from(kLayers, {.fetch = [](const std::string&, ConfigSource&) -> Result<RawQueues> {
                           return fail(Kind::transient, "net.connect_failed", "connection refused");
                         }});
  ASSERT_FALSE(down);
  EXPECT_EQ(down.error().size(), 1U);  // both say the same; the section is part of it
  EXPECT_EQ(down.error()[0].text(), "[config.one]: connection refused [net.connect_failed]");
}

TEST(Load, WithoutItsSourcesAQueueMayBeIncomplete) {
  const Loaded l = good(kHead + "[config.one]\nplugin = 'list'\n[queue.Part]\nweight = 2\n");
  EXPECT_TRUE(l.config->queues.empty());
  EXPECT_EQ(l.notes, std::vector<std::string>{"[config.one] was not asked; its queues were not checked"});
}

TEST(Load, SubmitOptionsOfDefaultsAreForTheirBatchSystemOnly) {
  const Loaded l = good(kHead + R"([batch.g]
plugin = "grid"
[defaults]
batch = "b"
sched = [ { use = "null" } ]
submit = { request_memory = "1 GB" }
[queue.Here]
[queue.There]
batch = "g"
submit = { voms = "atlas" }
)");
  EXPECT_TRUE(l.config->queues[0]->submit.has("request_memory"));
  EXPECT_FALSE(l.config->queues[1]->submit.has("request_memory"));
  EXPECT_EQ(l.config->queues[1]->submit.text("voms"), "atlas");
}

// ---- version, hash, show ----

TEST(Load, TheVersionSaysWhatIsInForce) {
  const Loaded a = good(kOneQueue, {.counter = 3, .when = Wall{1'764'000'000'000}});
  EXPECT_EQ(a.config->version, "3 (2025-11-24T16:00:00Z, sha256 " + a.sha256.substr(0, 12) + ")");
  const Loaded spaced = good("# a comment\n\n" + kOneQueue);
  EXPECT_EQ(a.sha256, spaced.sha256);  // nothing in force has changed
  EXPECT_NE(a.sha256, good(kOneQueue + "weight = 2\n").sha256);
  EXPECT_EQ(a.sha256.size(), 64U);
}

TEST(Load, ASecretCountsInTheHashButIsNeverShown) {
  const std::string with = kOneQueue + "[wms.s]\nplugin = 'work'\nurl = 'u'\ntoken = ";
  const Loaded a = good(with + "'hunter2'\n"), b = good(with + "'hunter3'\n");
  EXPECT_NE(a.sha256, b.sha256);
  const std::string shown = show(a.sections, {});
  EXPECT_EQ(shown.find("hunter2"), std::string::npos);
  EXPECT_NE(shown.find("token = \"***\""), std::string::npos);
  const Diff d = diff(a, b);
  ASSERT_EQ(d.lines.size(), 1U);
  EXPECT_EQ(d.lines[0], "[wms.s]: token changed");
}

TEST(Show, LoadsAgainAsTheSame) {
  const Loaded a = good(kLayers + R"([queue."odd \"name\" Ω"]
environment = { Q = "a\"b\\c\nd" }
weight = 0.1
keep_logs = "90s"
submit = { request_memory = "1 MiB" }
sched = [ { use = "scale", factor = 2 }, { use = "maxpending", maximum = 5, allow_negative = false }, { use = "null" } ]
)",
                        {.fetch = [](const std::string&, ConfigSource&) -> Result<RawQueues> { return RawQueues{}; }});
  const auto nothing = [](const std::string&, ConfigSource&) -> Result<RawQueues> { return RawQueues{}; };
  for (const bool origins : {false, true}) {
    const Loaded b = good(show(a.sections, {.origins = origins, .plain = true}), {.fetch = nothing});
    EXPECT_EQ(a.sha256, b.sha256);
    EXPECT_TRUE(diff(a, b).empty());
    ASSERT_EQ(a.config->queues.size(), b.config->queues.size());
    for (std::size_t i = 0; i < a.config->queues.size(); ++i) EXPECT_EQ(*a.config->queues[i], *b.config->queues[i]);
    EXPECT_EQ(a.config->factory, b.config->factory);
    EXPECT_EQ(a.config->wms, b.config->wms);
    EXPECT_EQ(a.config->batch, b.config->batch);
  }
}

TEST(Show, SaysWhereAValueComesFrom) {
  const std::string shown = show(good(kOneQueue).sections, {});
  EXPECT_NE(shown.find("[queue.Q]  # a.toml:9\n"), std::string::npos);
  EXPECT_NE(shown.find("batch = \"b\"                                               # a.toml:11\n"), std::string::npos);
  EXPECT_NE(shown.find("weight = 1.0                                              # built-in\n"), std::string::npos);
}

// ---- chains ----

TEST(Activate, MakesOneChainAQueue) {
  const Loaded l = good(kOneQueue + "[queue.R]\nbatch = 'b'\nsched = [{use='fixed', pilotspercycle=4},{use='null'}]\n");
  const auto active = activate(l.config, plugins());
  ASSERT_TRUE(active);
  ASSERT_EQ(active->chains.size(), 2U);
  EXPECT_EQ(active->chains[0].size(), 1U);
  ASSERT_EQ(active->chains[1].size(), 2U);
  EXPECT_EQ(active->chains[1][0].first, "fixed");
  EXPECT_EQ(active->chains[1][0].second->apply(0, {}).out, 4);
  EXPECT_EQ(active->config, l.config);
  EXPECT_FALSE(activate(l.config, Registry{}));
}

// ---- diff ----

TEST(DiffTest, OfTheSameIsEmpty) { EXPECT_TRUE(diff(good(kOneQueue), good("\n" + kOneQueue)).empty()); }

TEST(DiffTest, SaysInWordsWhatChanged) {
  const Loaded a = good(kOneQueue + "[queue.Old]\nbatch = 'b'\nsched = [{use='null'}]\n");
  const Loaded b = good(R"([factory]
factory_id = "f"
state_dir = "/elsewhere"
max_pilots = 10
[wms.w]
plugin = "work"
url = "http://127.0.0.2"
[batch.b]
plugin = "farm"
[batch.c]
plugin = "farm"
[queue.Q]
wms = "w"
batch = "c"
submit = { request_memory = 1000 }
sched = [ { use = "ready", offset = 2 }, { use = "null" } ]
[queue.New]
batch = "b"
sched = [ { use = "null" } ]
)");
  const Diff d = diff(a, b);
  EXPECT_EQ(d.added, std::vector<std::string>{"New"});
  EXPECT_EQ(d.gone, std::vector<std::string>{"Old"});
  EXPECT_EQ(d.changed, std::vector<std::string>{"Q"});
  EXPECT_EQ(d.needs_restart, std::vector<std::string>{"factory.state_dir"});
  const std::vector<std::string> lines{
      "queue 'Old': gone",
      "[factory]: max_pilots 0 -> 10; state_dir /var/lib/apf -> /elsewhere",
      "[wms.w]: url http://127.0.0.1 -> http://127.0.0.2",
      "[batch.c]: new",
      "queue 'Q': batch b -> c; submit.request_memory unset -> 1000; sched ready -> ready(offset 2), null",
      "queue 'New': new",
  };
  EXPECT_EQ(d.lines, lines);
}

// ---- files ----

class Files : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "apf_config_XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }
  void write(const std::string& name, const std::string& text) {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << text;
  }
  [[nodiscard]] std::string path(const std::string& name) const { return (folder_ / name).string(); }

  fs::path folder_;
};

TEST_F(Files, QueuesDStandsBesideTheFile) {
  write("apf.toml", kOneQueue);
  write("queues.d/20.toml", "[queue.B]\nbatch='b'\nsched=[{use='null'}]\ninput_files=['here']\n");
  write("queues.d/10.toml", "version = 1\n[queue.A]\nbatch='b'\nsched=[{use='null'}]\n");
  write("queues.d/.20.toml.swp", "garbage");
  write("queues.d/.hidden.toml", "garbage");
  write("queues.d/readme.txt", "garbage");
  const auto l = load(path("apf.toml"), plugins(), {});
  ASSERT_TRUE(l) << words(l.error());
  ASSERT_EQ(l->config->queues.size(), 3U);
  EXPECT_EQ(l->config->queues[1]->name, "A");
  EXPECT_EQ(l->config->queues[2]->name, "B");
  EXPECT_EQ(l->config->queues[2]->input_files.at(0), path("queues.d/here"));
  EXPECT_EQ(l->files.size(), 3U);
}

// Batch systems and daemons run elsewhere: where apf was started must not matter.
TEST_F(Files, PathsAreAbsoluteHoweverTheFileIsNamed) {
  write("apf.toml", std::string(kOneQueue) + "input_files = ['sub/token']\nexecutable = './own'\n");
  const auto l = load(fs::relative(path("apf.toml")).string(), plugins(), {});
  ASSERT_TRUE(l) << words(l.error());
  EXPECT_EQ(l->config->queues[0]->input_files.at(0), path("sub/token"));
  EXPECT_EQ(l->config->queues[0]->executable, path("own"));
  const Text nowhere{"from-a-service", "", std::string(kOneQueue) + "input_files = ['token']\n"};
  const auto relative = assemble({&nowhere, 1}, plugins(), {});
  ASSERT_FALSE(relative);
  EXPECT_EQ(relative.error()[0].what, "input file 'token' is relative to no file");
}

TEST_F(Files, WhatIsNotThereIsAClearError) {
  const auto missing = load(path("none.toml"), plugins(), {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error()[0].code, "config.missing_file");
  const auto folder = load(folder_.string(), plugins(), {});
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error()[0].code, "config.unreadable");
  write("empty.toml", "");
  const auto empty = load(path("empty.toml"), plugins(), {});
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error()[0].code, "config.missing_section");
}

TEST(Load, DeepNestingIsAnErrorNotACrash) {
  const auto dots = from("a" + [] {
    std::string s;
    for (int i = 0; i < 100'000; ++i) s += ".a";
    return s;
  }() + " = 1\n");
  ASSERT_FALSE(dots);
  EXPECT_EQ(dots.error()[0].code, "config.syntax");
  const auto brackets = from("a = " + std::string(100'000, '[') + std::string(100'000, ']') + "\n");
  ASSERT_FALSE(brackets);
  EXPECT_EQ(brackets.error()[0].code, "config.syntax");
}

TEST(Load, AThousandQueues) {
  std::string text = kHead + "[defaults]\nbatch='b'\nwms='w'\nsched=[{use='ready'},{use='maxpending',maximum=5}]\n";
  for (int i = 0; i < 1000; ++i) text += "[queue.Q" + std::to_string(i) + "]\n";
  const Loaded l = good(text);
  ASSERT_EQ(l.config->queues.size(), 1000U);
  EXPECT_EQ(l.config->queues[999]->name, "Q999");
}

}  // namespace
}  // namespace apf::config
