#include "jobqueue/subjects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "support/jobqueue_data.h"

namespace apf::jobqueue {
namespace {

using testing::HasSubstr;

TEST(Subjects, TheFirstLineThatFitsCounts) {
  const auto s = read_subjects(
      "# who may do what\n"
      "\n"
      "submit\t/DC=org/CN=Ann  \r\n"
      "pilot /DC=org/OU=Robots/CN=Robot: Pilot Factory\n"
      "read  /DC=org/*");
  ASSERT_TRUE(s) << s.error().text();
  EXPECT_EQ(s->scope("/DC=org/CN=Ann"), Scope::submit);
  EXPECT_EQ(s->scope("/DC=org/OU=Robots/CN=Robot: Pilot Factory"), Scope::pilot);
  EXPECT_EQ(s->scope("/DC=org/OU=Robots/CN=Robot: Pilot Factory 2"), Scope::read) << "only whole names, or the '*'";
  EXPECT_EQ(s->scope("/DC=com/CN=Ann"), Scope::nobody);
  EXPECT_EQ(s->scope(""), Scope::nobody);
  EXPECT_EQ(Subjects().scope("/DC=org/CN=Ann"), Scope::nobody);
}

TEST(Subjects, WrongLinesAreNamed) {
  for (const char* bad : {"all /DC=org/CN=x", "pilot", "pilot *", "pilot /", "pilot DC=org", "pilot/DC=org/CN=x"}) {
    const auto s = read_subjects(std::string("# first\n") + bad + "\n");
    ASSERT_FALSE(s) << bad;
    EXPECT_EQ(s.error().code, "jobqueue.bad_subjects");
    EXPECT_EQ(s.error().where, "line 2");
  }
}

TEST(Subjects, AFileThatOthersMayWriteIsRefused) {
  const tests::Directory dir;
  const std::string file = dir.file("subjects");
  EXPECT_TRUE(load_subjects(file)->lines().empty());
  std::ofstream(file) << "pilot /CN=x\n";
  chmod(file.c_str(), 0664);
  EXPECT_THAT(load_subjects(file).error().what, HasSubstr("others may write"));
  chmod(file.c_str(), 0644);
  EXPECT_EQ(load_subjects(file)->scope("/CN=x"), Scope::pilot);
}

}  // namespace
}  // namespace apf::jobqueue
