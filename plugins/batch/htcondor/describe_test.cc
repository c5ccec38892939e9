// Submit descriptions, flavour by flavour: each cases/describe/NAME.toml holds the keys of a queue, NAME.sub the
// description that comes of it, NAME.err the errors. APF_UPDATE_GOLDEN=1 writes them anew.
#include "describe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "apf/registry.h"
#include "config/load.h"
#include "flavour.h"

namespace apf {
void register_batch_htcondor(Registry& registry);
void register_sched_ready(Registry& registry);
}  // namespace apf

namespace apf::batch_htcondor {
namespace {

namespace fs = std::filesystem;

const fs::path kCases = fs::path(APF_SOURCE_DIR) / "plugins/batch/htcondor/cases/describe";

std::string slurp(const fs::path& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

Registry plugins() {
  Registry registry;
  register_batch_htcondor(registry);
  register_sched_ready(registry);
  return registry;
}

config::LoadResult load(const std::string& queue) {
  static const Registry registry = plugins();
  const config::Text text{
      "a.toml", "/etc/apf",
      "version = 1\n[factory]\nfactory_id = \"factory-1\"\n[batch.pool]\nplugin = \"htcondor\"\n"
      "[queue.Q]\nbatch = \"pool\"\nexecutable = \"/opt/pilot\"\nsched = [ { use = \"ready\" } ]\n" +
          queue};
  return config::assemble({&text, 1}, registry, {});
}

// What the factory would send for the queue, or the errors of the configuration.
struct Outcome {
  std::string text;
  bool good = false;
};
Outcome outcome(const std::string& queue) {
  const auto loaded = load(queue);
  Outcome o;
  if (!loaded) {
    for (const auto& e : loaded.error()) o.text += e.text() + "\n";
    return o;
  }
  FactoryIdentity me;
  me.factory_id = "factory-1";
  me.instance = "i1";
  me.run = 3;
  me.user = "apf";
  me.log_dir = "/var/log/pilots";
  me.log_url = "http://h/logs";
  me.report_url = "http://h/apfmon";
  SubmitOrder order;
  order.queue = loaded->config->queues.at(0).get();
  order.me = &me;
  order.submission = "s-1";
  order.n = 3;
  order.when = Wall{1'795'300'000'000};
  const auto made = describe(order, {"/spool/s-1.3.key", order.queue->input_files, {}, {}, false, {}, "/spool/s-1.3"});
  o.good = made.has_value();
  o.text = made ? made->text : "only at the submission: " + made.error().text() + "\n";
  return o;
}

TEST(HtcondorFlavours, AreDescribedAsAgreed) {
  int seen = 0;
  for (const auto& entry : fs::directory_iterator(kCases)) {
    if (entry.path().extension() != ".toml") continue;
    ++seen;
    SCOPED_TRACE(entry.path().filename().string());
    const Outcome now = outcome(slurp(entry.path()));
    fs::path file = entry.path();
    file.replace_extension(now.good ? ".sub" : ".err");
    EXPECT_EQ(now.good, !entry.path().filename().string().starts_with("error_")) << now.text;
    if (std::getenv("APF_UPDATE_GOLDEN") != nullptr)  // NOLINT(concurrency-mt-unsafe): one thread
      std::ofstream(file) << now.text;
    EXPECT_EQ(now.text, slurp(file)) << file;
  }
  EXPECT_GE(seen, 50);
}

TEST(HtcondorFlavours, AnOptionOfAnotherFlavourIsToldWhereItStands) {
  const auto loaded = load("submit = { flavour = \"arc\", arc_url = \"https://x/arex\", requirements = \"true\" }\n");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().at(0).where, "a.toml:6");
}

TEST(HtcondorFlavours, BlanksInPathsAreRefusedWhereHtcondorSplitsThem) {
  auto loaded = load("submit = { flavour = \"arc\", arc_url = \"https://x/arex\" }\n");
  ASSERT_TRUE(loaded);
  FactoryIdentity me;
  SubmitOrder order;
  order.queue = loaded->config->queues.at(0).get();
  order.me = &me;
  order.n = 1;
  me.log_dir = "/a";
  EXPECT_TRUE(describe(order, {"/k/apf-report.key", {}, {}, {}, false}));
  EXPECT_FALSE(describe(order, {"/k k/apf-report.key", {}, {}, {}, false}));
  EXPECT_FALSE(describe(order, {"/k/apf-report.key", {"/x y"}, {}, {}, false}));
  EXPECT_FALSE(describe(order, {"/k/apf-report.key", {}, {}, "/x y", false}));
  EXPECT_FALSE(describe(order, {"/k/apf-report.key", {}, "/x y", {}, false}));
  me.log_dir = "/a b";
  EXPECT_FALSE(describe(order, {"/k/apf-report.key", {}, {}, {}, false}));
}

TEST(HtcondorFlavours, NodesThatRuinPilotsAreAvoided) {
  auto loaded = load("submit = { requirements = \"HasX\" }\n");
  ASSERT_TRUE(loaded);
  FactoryIdentity me;
  SubmitOrder order;
  order.queue = loaded->config->queues.at(0).get();
  order.me = &me;
  order.n = 1;
  order.avoid_nodes = {"n1.x", "bad\") || (\"", "n2"};
  const auto made = describe(order, {"/k/apf-report.key", {}, {}, {}, false});
  ASSERT_TRUE(made);
  EXPECT_THAT(made->text, ::testing::HasSubstr("+APF_AVOID = \"n1.x,n2\"\n"));
  EXPECT_THAT(made->text, ::testing::HasSubstr("&& (!stringListIMember(TARGET.Machine, MY.APF_AVOID)"));
}

TEST(HtcondorFlavours, ACredentialGoesWhereTheFlavourNeedsIt) {
  const auto text = [](const std::string& submit, const Files& files) {
    auto loaded = load(submit);
    FactoryIdentity me;
    SubmitOrder order;
    order.queue = loaded->config->queues.at(0).get();
    order.me = &me;
    order.n = 1;
    auto made = describe(order, files);
    return made ? made->text : made.error().text();
  };
  const Files proxy{"/k/apf-report.key", {}, "/s/cred/proxy", "", false},
      token{"/k/apf-report.key", {}, "", "/s/cred/token", false};
  const std::string arc = "submit = { flavour = \"arc\", arc_url = \"https://x/arex\" }\n";
  for (const std::string& submit : {std::string(), arc}) {
    EXPECT_THAT(text(submit, proxy), ::testing::HasSubstr("x509userproxy = /s/cred/proxy\n"));
    EXPECT_THAT(text(submit, token), ::testing::HasSubstr("transfer_input_files = /k/apf-report.key, /s/cred/token\n"));
    EXPECT_THAT(text(submit, token), ::testing::HasSubstr("BEARER_TOKEN_FILE='token'"));
  }
  EXPECT_THAT(text(arc, token), ::testing::HasSubstr("scitokens_file = /s/cred/token\n"));
  EXPECT_THAT(text("", token), ::testing::Not(::testing::HasSubstr("scitokens_file")));
}

}  // namespace
}  // namespace apf::batch_htcondor
