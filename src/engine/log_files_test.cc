#include "engine/log_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace apf::engine {
namespace {

namespace fs = std::filesystem;

class LogFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "apf-logs-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    fs::create_directories(root_ / "2026-11-21" / "SITE_A");
    put("2026-11-21/SITE_A/12.0.out", "hello");
    put("2026-11-21/SITE_A/a&<b>:c.log", "");
    put("2026-11-21/SITE_A/apf-report.key", "secret");
    put("2026-11-21/SITE_A/token", "secret");
    put("2026-11-21/SITE_A/.hidden.log", "secret");
    fs::create_symlink("/etc/passwd", root_ / "2026-11-21" / "SITE_A" / "link.out");
    fs::create_directory_symlink("/", root_ / "2026-11-21" / "slash");
  }
  void TearDown() override { fs::remove_all(root_); }
  void put(const std::string& path, const std::string& text) const { std::ofstream(root_ / path) << text; }
  fs::path root_;
};

TEST_F(LogFilesTest, OnlyLogsHaveAType) {
  EXPECT_EQ(log_type("12.0.out"), "text/plain; charset=utf-8");
  EXPECT_EQ(log_type("x.json"), "text/plain; charset=utf-8");
  EXPECT_EQ(log_type("x.log.gz"), "application/octet-stream");
  for (const char* name : {"apf-report.key", "token", "x509up_u0", ".bashrc.log", "a.html", "a.pem", ".", "", "out"}) {
    EXPECT_FALSE(log_type(name)) << name;
  }
}

TEST_F(LogFilesTest, FilesAreServedInASandbox) {
  const auto response = log_file(root_, "2026-11-21/SITE_A/12.0.out");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.beneath, root_.string());
  EXPECT_EQ(response.headers.at("Content-Security-Policy"), "sandbox; default-src 'none'");
  EXPECT_EQ(log_file(root_, "2026-11-21/SITE_A/apf-report.key").status, 404);
}

TEST_F(LogFilesTest, ListsHoldDirectoriesAndLogsOnly) {
  const auto day = nlohmann::json::parse(log_list(root_, "2026-11-21/", true).body);
  ASSERT_EQ(day["entries"].size(), 1U) << day;
  EXPECT_EQ(day["entries"][0]["name"], "SITE_A");
  EXPECT_EQ(day["entries"][0]["type"], "directory");
  const auto queue = nlohmann::json::parse(log_list(root_, "2026-11-21/SITE_A/", true).body);
  ASSERT_EQ(queue["entries"].size(), 2U) << queue;
  EXPECT_EQ(queue["entries"][0]["name"], "12.0.out");
  EXPECT_EQ(queue["entries"][0]["size"], 5);
  EXPECT_EQ(queue["complete"], true);
}

TEST_F(LogFilesTest, HtmlEscapesNames) {
  const auto page = log_list(root_, "2026-11-21/SITE_A/", false);
  EXPECT_EQ(page.type, "text/html; charset=utf-8");
  EXPECT_NE(page.body.find("<a href=\"./a%26%3Cb%3E%3Ac.log\">a&amp;&lt;b&gt;:c.log</a>"), std::string::npos)
      << page.body;
  EXPECT_NE(page.body.find("href=\"../\""), std::string::npos);
  EXPECT_EQ(log_list(root_, "", false).body.find("href=\"../\""), std::string::npos) << "the top has nothing above";
}

TEST_F(LogFilesTest, NothingOutsideIsListed) {
  for (const char* path : {"../", "2026-11-21/../../", "2026-11-21/slash/", "2026-11-21/slash/etc/", "none/",
                           "2026-11-21/SITE_A/12.0.out/"}) {
    EXPECT_EQ(log_list(root_, path, true).status, 404) << path;
  }
}

}  // namespace
}  // namespace apf::engine
