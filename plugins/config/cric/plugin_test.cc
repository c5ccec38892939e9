// The entries here were written for these tests, with CRIC's field names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "config/cric/cric.h"
#include "config/load.h"
#include "support/test_context.h"

namespace apf {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

json ce(const std::string& host, const std::string& flavour = "HTCONDOR-CE") {
  return {{"ce_endpoint", host},  {"ce_name", host},           {"ce_flavour", flavour},
          {"ce_state", "ACTIVE"}, {"ce_status", "production"}, {"ce_queue_name", "default"},
          {"ce_queue_status", ""}};
}
json entry(const std::string& name, const json& ces) {
  return {{"panda_resource", name}, {"vo_name", "example"}, {"cloud", "DE"},           {"atlas_site", "LAB"},
          {"type", "unified"},      {"state", "ACTIVE"},    {"resource_type", "GRID"}, {"queues", ces},
          {"pilot_manager", "APF"}, {"corecount", 8},       {"maxrss", 16000},         {"maxtime", 345600}};
}
json many(int n) {
  json all = json::object();
  for (int i = 0; i < n; ++i)
    all["Q" + std::to_string(i)] = entry("Q" + std::to_string(i), json::array({ce("ce.example.org")}));
  return all;
}
const cric::Filters kUsual{{}, {}, {}, {}, {"ACTIVE"}, {}, {"production"}};
cric::Selected selected(const json& all, const cric::Filters& filters = kUsual) {
  auto s = cric::select(all.dump(), filters);
  EXPECT_TRUE(s);
  return s ? *s : cric::Selected{};
}

TEST(CricSelection, EachCeBecomesAQueueWithItsResources) {
  json arc = ce("https://arc.example.org:8443/arex", "ARC-CE");
  arc["ce_queue_name"] = "grid long";
  json second = ce("ce1.example.org:9620");
  second["ce_queue_name"] = "long";
  second["ce_queue_maxwctime"] = "1440";
  arc["ce_queue_name"] = "grid";
  const auto s = selected({{"KEY", entry("SITE", {ce("ce1.example.org:9619"), second, arc})}});
  EXPECT_EQ(s.queues, 3U);
  EXPECT_THAT(s.broken, IsEmpty());
  EXPECT_EQ(s.toml, R"([queue."SITE-arc.example.org"]
wms_queue = "SITE"
site = "LAB"
cloud = "DE"
submit.flavour = "arc"
submit.arc_url = "https://arc.example.org:8443/arex/rest/1.0"
submit.arc_queue = "grid"
submit.request_cpus = 8
submit.request_memory = "16000 MiB"
submit.wall_time = "5760 min"

[queue."SITE-ce1.example.org"]
wms_queue = "SITE"
site = "LAB"
cloud = "DE"
submit.flavour = "condor"
submit.remote_schedd = "ce1.example.org"
submit.request_cpus = 8
submit.request_memory = "16000 MiB"
submit.wall_time = "5760 min"

[queue."SITE-ce1.example.org-long"]
wms_queue = "SITE"
site = "LAB"
cloud = "DE"
submit.flavour = "condor"
submit.remote_schedd = "ce1.example.org"
submit.remote_pool = "ce1.example.org:9620"
submit.remote_attributes.queue = "\"long\""
submit.request_cpus = 8
submit.request_memory = "16000 MiB"
submit.wall_time = "1440 min"

)");
}

TEST(CricSelection, FiltersTakeWhatTheyName) {
  json all = many(1);
  const auto with = [&](auto change) {
    cric::Filters f = kUsual;
    change(f);
    return selected(all, f).queues;
  };
  EXPECT_EQ(with([](auto&) {}), 1U);
  EXPECT_EQ(with([](auto& f) { f.vos = {"EXAMPLE"}; }), 1U);
  EXPECT_EQ(with([](auto& f) { f.vos = {"other"}; }), 0U);
  EXPECT_EQ(with([](auto& f) { f.clouds = {"US", "DE"}; }), 1U);
  EXPECT_EQ(with([](auto& f) { f.clouds = {"US"}; }), 0U);
  EXPECT_EQ(with([](auto& f) { f.activities = {"analysis"}; }), 1U) << "a unified queue runs each";
  EXPECT_EQ(with([](auto& f) { f.pilot_managers = {"Harvester"}; }), 0U);
  EXPECT_EQ(with([](auto& f) { f.flavours = {"arc-ce"}; }), 0U);
  all["Q0"]["type"] = "production";
  EXPECT_EQ(with([](auto& f) { f.activities = {"analysis"}; }), 0U);
  for (const auto& [key, value] :
       std::map<std::string, std::string>{{"state", "DISABLED"}, {"resource_type", "cloud"}}) {
    all = many(1);
    all["Q0"][key] = value;
    EXPECT_EQ(with([](auto&) {}), 0U) << key;
  }
  for (const char* key : {"ce_state", "ce_status", "ce_queue_status"}) {
    all = many(1);
    all["Q0"]["queues"][0][key] = "closed";
    EXPECT_EQ(with([](auto&) {}), 0U) << key;
  }
}

TEST(CricSelection, ABadEntryLosesOnlyItself) {
  json all = many(1);
  all["A"] = 5;
  all["B"] = entry("B", "no list");
  all["C"] = entry("C", json::array({7}));
  all["D"] = entry("D", json::array({ce("what a host")}));
  all["D"]["queues"][0]["ce_name"] = "";
  all["E"] = entry("E", {ce("ce.example.org"), ce("ce.example.org")});
  all["F"] = entry("F", json::array({ce("ce.example.org")}));
  all["F"]["corecount"] = 1'000'000;
  all["G\n"] = entry("", json::array({ce("ce.example.org")}));
  all["H"] = entry("H", {ce("cream.example.org", "CREAM-CE"), ce("cream.example.org", "CREAM-CE")});
  all["I"] = entry("I", json::array());
  const auto s = selected(all);
  EXPECT_EQ(s.queues, 3U) << s.toml;  // Q0, one of E, F without cores
  EXPECT_EQ(s.entries, 10U);
  EXPECT_EQ(s.broken.size(), 7U);
  EXPECT_THAT(s.unserved, ElementsAre("cream-ce (2)"));
  EXPECT_THAT(s.toml, Not(HasSubstr("1000000")));
}

TEST(CricSelection, AnswersThatAreNoTableAreRefused) {
  for (const char* text : {"", "<html>", "{", "[]", "{}", "null", "\"x\""}) {
    const auto s = cric::select(text, kUsual);
    ASSERT_FALSE(s) << text;
    EXPECT_EQ(s.error().kind, Kind::transient);
  }
}

class Cric : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "apf cric XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root = pattern;
    register_all(registry);
  }
  void TearDown() override { fs::remove_all(root); }
  void write(const std::string& name, const std::string& text) const { std::ofstream(root / name) << text; }

  Result<View<RawQueues>> load() {
    Options options;
    options.set("path", (root / "cric.json").string());
    options.set("copy", (root / "copy.json").string());
    options.set("max_shrink", std::int64_t{50});
    return find(registry.config, "cric")->make(options).value()->load(context);
  }
  std::string evidence() {
    const auto view = load();
    return view ? view->evidence : view.error().code;
  }

  fs::path root;
  Registry registry;
  tests::TestContext context;
};

TEST_F(Cric, TheLastGoodAnswerHoldsWhileThereIsNone) {
  EXPECT_EQ(evidence(), "cric.missing");
  write("cric.json", "<html>maintenance</html>");
  EXPECT_EQ(evidence(), "cric.not_json") << "without a copy there is nothing to go on with";
  write("cric.json", many(10).dump());
  EXPECT_THAT(evidence(), HasSubstr("cric.json: 10 queues of 10"));
  for (const std::string& bad : {std::string("<html>"), std::string(), std::string("{}"), many(4).dump(),
                                 many(10).dump().substr(0, 500), std::string(R"({"X":{"state":"ACTIVE"}})")}) {
    write("cric.json", bad);
    EXPECT_THAT(evidence(), HasSubstr("copy.json: 10 queues of 10")) << bad.substr(0, 60);
  }
  fs::remove(root / "cric.json");
  EXPECT_THAT(evidence(), HasSubstr("copy.json: 10 queues"));
  write("cric.json", many(5).dump());
  EXPECT_THAT(evidence(), HasSubstr("cric.json: 5 queues of 5")) << "half may go";
}

TEST_F(Cric, AShrunkenListIsTakenWhenAPersonSaysSo) {
  write("cric.json", many(10).dump());
  EXPECT_TRUE(load());
  write("cric.json", many(2).dump());
  EXPECT_THAT(evidence(), HasSubstr("copy.json: 10 queues"));
  fs::remove(root / "copy.json");
  EXPECT_THAT(evidence(), HasSubstr("cric.json: 2 queues"));
}

TEST_F(Cric, ACopyThatCannotBeWrittenDoesNotMatterNow) {
  write("cric.json", many(3).dump());
  fs::create_directories(root / "copy.json");
  EXPECT_THAT(evidence(), HasSubstr("cric.json: 3 queues"));
}

// The whole way: the queues inherit [defaults], and the local file wins.
TEST_F(Cric, QueuesPassTheSameValidationAsLocalOnes) {
  json all = many(2);
  all["ARC"] = entry("ARC", json::array({ce("arc.example.org", "ARC-CE")}));
  write("cric.json", all.dump());
  write("apf.toml", R"(version = 1
[factory]
factory_id = "f"
[wms.w]
plugin = "panda"
url = "http://127.0.0.1:1"
[batch.b]
plugin = "htcondor"
[config.cric]
plugin = "cric"
path = "cric.json"
copy = "copy.json"
[defaults]
wms = "w"
batch = "b"
executable = "/opt/pilot"
sched = [ { use = "ready" } ]
[queue."Q1-ce.example.org"]
submit.request_cpus = 2
)");
  config::LoadOptions options;
  options.fetch = [&](const std::string&, ConfigSource& source) -> Result<RawQueues> {
    auto view = source.load(context);
    if (!view) return fail(view.error());
    return view->data;
  };
  const auto loaded = config::load((root / "apf.toml").string(), registry, options);
  ASSERT_TRUE(loaded) << loaded.error().front().text();
  ASSERT_EQ(loaded->config->queues.size(), 3U);
  std::map<std::string, std::int64_t> cores;
  for (const auto& q : loaded->config->queues) {
    cores[q->name] = q->submit.integer("request_cpus");
    EXPECT_EQ(q->batch, "b");
  }
  EXPECT_EQ(cores, (std::map<std::string, std::int64_t>{
                       {"ARC-arc.example.org", 8}, {"Q0-ce.example.org", 8}, {"Q1-ce.example.org", 2}}));
}

TEST_F(Cric, SaysWhatIsWrongInItsSection) {
  const auto code = [&](const char* name, const char* value) {
    Options options;
    options.set("copy", std::string("c"));
    options.set("max_shrink", std::int64_t{50});
    if (*name != 0) options.set(name, std::string(value));
    const auto made = find(registry.config, "cric")->make(options);
    return made ? "none" : made.error().code;
  };
  EXPECT_EQ(code("", ""), "cric.no_source");
  EXPECT_EQ(code("url", "cric.example.org"), "cric.bad_url");
  EXPECT_EQ(code("url", "https://cric.example.org"), "none");
}

}  // namespace
}  // namespace apf
