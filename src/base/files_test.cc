#include "apf/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "support/directory.h"

namespace apf {
namespace {

std::string text_of(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

TEST(Files, ReplacesAsAWholeWithTheModeThatIsWanted) {
  const tests::Directory dir;
  const std::string file = dir.file("a b");
  std::ofstream(file + ".new") << "left by a crash, and longer than what comes";
  ASSERT_TRUE(replace_file(file, "one\n"));
  ASSERT_TRUE(replace_file(file, "two\n", 0644));
  EXPECT_EQ(text_of(file), "two\n");
  EXPECT_FALSE(std::filesystem::exists(file + ".new"));
  struct stat st{};
  ASSERT_EQ(::stat(file.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777U, 0644U);
}

TEST(Files, KeepsTheOldOneWhenItCanNotBeWritten) {
  const tests::Directory dir;
  const std::string file = dir.file("f");
  ASSERT_TRUE(replace_file(file, "old"));
  std::filesystem::create_directory(file + ".new");  // nothing can be written beside it
  std::ofstream(file + ".new/x") << "x";
  const auto done = replace_file(file, "new");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, "file.not_written");
  EXPECT_EQ(done.error().where, file);
  EXPECT_EQ(text_of(file), "old");
  EXPECT_FALSE(replace_file(dir.file("missing/f"), "x"));
}

TEST(Files, FollowsNoLinkThatStandsInItsWay) {
  const tests::Directory dir;
  ASSERT_TRUE(replace_file(dir.file("victim"), "v"));
  ASSERT_EQ(::symlink(dir.file("victim").c_str(), dir.file("f.new").c_str()), 0);
  ASSERT_TRUE(replace_file(dir.file("f"), "text"));
  EXPECT_EQ(text_of(dir.file("victim")), "v");
  EXPECT_EQ(text_of(dir.file("f")), "text");
}

}  // namespace
}  // namespace apf
