#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "apf/registry.h"
#include "config/load.h"
#include "support/test_context.h"

namespace apf {
namespace {

namespace fs = std::filesystem;

class ConfigFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "apf config XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root = pattern;
    register_all(registry);
  }
  void TearDown() override { fs::remove_all(root); }

  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((root / name).parent_path());
    std::ofstream(root / name) << text;
  }
  Result<View<RawQueues>> load(const std::string& name, bool allow_empty = false) {
    Options options;
    options.set("path", (root / name).string());
    options.set("allow_empty", allow_empty);
    return find(registry.config, "file")->make(options).value()->load(context);
  }
  std::string trouble(const std::string& name) {
    const auto view = load(name);
    return view ? "none" : view.error().code;
  }
  // The whole way: a main file with [config.more], which is asked like the factory asks.
  config::LoadResult factory(const std::string& main) {
    write("apf.toml", main);
    config::LoadOptions options;
    options.fetch = [&](const std::string&, ConfigSource& source) -> Result<RawQueues> {
      auto view = source.load(context);
      if (!view) return fail(view.error());
      return view->data;
    };
    return config::load((root / "apf.toml").string(), registry, options);
  }

  fs::path root;
  Registry registry;
  tests::TestContext context;
};

TEST_F(ConfigFile, ReadsAFileOrTheFilesOfADirectoryInTheirOrder) {
  write("d/b.toml", "b");
  write("d/a.toml", "a");
  write("d/.c.toml", "half written");
  write("d/c.toml~", "a backup");
  write("d/sub/d.toml", "not ours");
  const auto all = load("d");
  ASSERT_TRUE(all);
  EXPECT_TRUE(all->complete);
  ASSERT_EQ(all->data.size(), 2U);
  EXPECT_EQ(all->data[0].text, "a");
  EXPECT_EQ(all->data[1].name, (root / "d/b.toml").string());
  EXPECT_EQ(all->data[1].folder, (root / "d").string());
  const auto one = load("d/b.toml");
  ASSERT_TRUE(one);
  ASSERT_EQ(one->data.size(), 1U);
  EXPECT_EQ(one->data[0].text, "b");
}

TEST_F(ConfigFile, WhatIsNotThereIsAnErrorAndNotAnEmptyList) {
  fs::create_directory(root / "empty");
  ASSERT_EQ(::mkfifo((root / "pipe").c_str(), 0600), 0);
  write("d/a.toml", "");
  fs::create_symlink(root / "nowhere", root / "d/b.toml");
  fs::create_directory(root / "d2.toml");
  EXPECT_EQ(trouble("missing"), "config_file.missing");
  EXPECT_EQ(trouble("empty"), "config_file.empty");
  EXPECT_EQ(trouble("pipe"), "config_file.not_a_file");
  EXPECT_EQ(trouble("d"), "config_file.missing");
  const auto none = load("empty", true);
  EXPECT_TRUE(none && none->data.empty());
}

constexpr const char* kMain = R"([factory]
factory_id = "f"
state_dir = "state"
[wms.w]
plugin = "panda"
url = "http://127.0.0.1:1"
[batch.b]
plugin = "local"
[config.more]
plugin = "file"
path = "more"
[defaults]
wms = "w"
batch = "b"
sched = [ { use = "ready" } ]
)";

std::string words(const config::LoadResult& result) {
  std::string all;
  if (!result)
    for (const auto& e : result.error()) all += e.text() + "\n";
  return all;
}

TEST_F(ConfigFile, ItsQueuesAreMergedAndLocalOnesWin) {
  write("more/1.toml", "[queue.A]\nweight = 2\ninput_files = [\"token\"]\n[queue.B]\nweight = 3\n");
  const auto loaded = factory(std::string(kMain) + "[queue.A]\nenabled = false\n[queue.B]\nweight = 4\n");
  ASSERT_TRUE(loaded) << words(loaded);
  ASSERT_EQ(loaded->config->queues.size(), 2U);
  const QueueSpec& a = *loaded->config->queues[0];
  EXPECT_EQ(a.name, "A");
  EXPECT_DOUBLE_EQ(a.weight, 2);
  EXPECT_FALSE(a.enabled);
  EXPECT_EQ(a.input_files, std::vector<std::string>{(root / "more/token").string()}) << "from its own file's folder";
  EXPECT_DOUBLE_EQ(loaded->config->queues[1]->weight, 4);
}

TEST_F(ConfigFile, MistakesNameTheFileAndLine) {
  write("more/1.toml", "[queue.A]\n\nwieght = 2\n");
  write("more/2.toml", "[queue.A]\n");
  write("more/3.toml", "[wms.x]\n");
  write("more/4.toml", "[queue.C\n");
  const std::string all = words(factory(kMain));
  const std::string more = (root / "more").string();
  EXPECT_NE(all.find(more + "/1.toml:3: unknown key 'wieght'"), std::string::npos) << all;
  EXPECT_NE(all.find(more + "/2.toml:1: queue 'A' stands also in " + more + "/1.toml:1"), std::string::npos) << all;
  EXPECT_NE(all.find(more + "/3.toml:1: unknown key 'wms' in a document of [config.more]"), std::string::npos) << all;
  EXPECT_NE(all.find(more + "/4.toml:1: "), std::string::npos) << all;
}

}  // namespace
}  // namespace apf
