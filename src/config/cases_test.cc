// Configurations with errors, as data: tests/data/config/<case>/input.toml (and queues.d/*.toml) -> expected.txt, one
// error a line; "good" where there is none. APF_REWRITE=1 in the environment writes the expectations anew: read the
// difference before you keep it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "config/load.h"
#include "config/test_registry.h"

namespace apf::config {
namespace {

namespace fs = std::filesystem;

std::string content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string outcome(const fs::path& folder) {
  std::vector<Text> texts{{"input.toml", "/base", content(folder / "input.toml")}};
  std::vector<fs::path> more;
  if (fs::exists(folder / "queues.d"))
    for (const auto& entry : fs::directory_iterator(folder / "queues.d")) more.push_back(entry.path());
  std::sort(more.begin(), more.end());
  for (const auto& path : more)
    texts.push_back({"queues.d/" + path.filename().string(), "/base/queues.d", content(path)});
  const Registry registry = testing::registry();
  const auto loaded = assemble(texts, registry, {});
  if (loaded) return "good\n";
  std::string out;
  for (const Error& e : loaded.error()) out += e.text() + "\n";
  return out;
}

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(APF_SOURCE_DIR "/tests/data/config"))
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

class ConfigCase : public ::testing::TestWithParam<std::string> {};

TEST_P(ConfigCase, SaysWhatIsExpected) {
  const fs::path folder = fs::path(APF_SOURCE_DIR "/tests/data/config") / GetParam();
  const std::string got = outcome(folder);
  if (std::getenv("APF_REWRITE") != nullptr) std::ofstream(folder / "expected.txt") << got;
  EXPECT_EQ(got, content(folder / "expected.txt"));
}

INSTANTIATE_TEST_SUITE_P(All, ConfigCase, ::testing::ValuesIn(case_names()), [](const auto& one) { return one.param; });

TEST(ConfigCases, AreThere) { EXPECT_GE(case_names().size(), 20U); }

}  // namespace
}  // namespace apf::config
