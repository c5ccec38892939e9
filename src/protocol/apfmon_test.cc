#include "protocol/apfmon.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/form.h"

namespace apf::protocol::apfmon {
namespace {

using testing::HasSubstr;

TEST(ApfmonReport, ReadsWhatTheOriginalWrappersSend) {
  const auto r = read_report("state=exiting&rc=68");
  ASSERT_TRUE(r);
  EXPECT_EQ(r->state, State::exiting);
  EXPECT_EQ(r->rc, 68);
  EXPECT_TRUE(r->submission.empty());
  EXPECT_FALSE(r->payloads);
}

TEST(ApfmonReport, SurvivesTheTrip) {
  const Report r{State::fault,         -9,   "s-1", 0,
                 "slot1@wn 1.lab&x=%", 0,    true,  "cvmfs",
                 "no answer, in 30 s", 1200, "7,8", "{\"cpu\":\"" + std::string(3000, 'x') + "\"}"};
  const auto back = read_report(write_report(r));
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(*back, r);
  const Report least{};
  EXPECT_EQ(*read_report(write_report(least)), least);
}

TEST(ApfmonReport, CutsASentenceBetweenTwoCharacters) {
  Report r;
  r.state = State::fault;
  r.text = "a\n" + std::string(253, 'x') + "\xc3\xbc";
  const auto back = read_report(write_report(r));
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(back->text, "a " + std::string(253, 'x'));
}

TEST(ApfmonReport, RefusesNonsenseWithWords) {
  const auto says = [](const char* body) { return read_report(body).error().what; };
  EXPECT_THAT(says(""), HasSubstr("no 'state'"));
  EXPECT_THAT(says("state=sleeping"), HasSubstr("got 'sleeping'"));
  EXPECT_THAT(says("state=running&rc=x"), HasSubstr("'rc'"));
  EXPECT_THAT(says("state=running&index=-1"), HasSubstr("'index'"));
  EXPECT_THAT(says("state=running&node=a%0Ab"), HasSubstr("control character"));
  EXPECT_THAT(says("state=running&node=%4"), HasSubstr("hexadecimal"));
  EXPECT_THAT(says(("state=running&node=" + std::string(300, 'x')).c_str()), HasSubstr("longer"));
}

TEST(ApfmonPath, NamesThePilot) {
  const JobId id{"lab-factory", "12.0"};
  EXPECT_EQ(job_path(id), "/jobs/lab-factory:12.0");
  EXPECT_EQ(*read_job_path("/jobs/lab-factory:12.0"), id);
  EXPECT_EQ(read_job_path("/jobs/f:a:b")->batch_id, "a:b");
  for (const char* bad : {"/jobs/", "/jobs/f", "/jobs/:1", "/jobs/f:", "/labels/f:1", "/jobs/f:\n"})
    EXPECT_EQ(read_job_path(bad).error().code, "apfmon.bad_path") << bad;
}

TEST(Form, ReadsOddButLegalBodies) {
  const auto fields = read_form("a=1&&b&c=x+y%3d&a=2");
  ASSERT_TRUE(fields);
  const std::vector<FormField> expected = {{"a", "1"}, {"b", ""}, {"c", "x y="}, {"a", "2"}};
  EXPECT_EQ(*fields, expected);
  std::string many;
  for (int i = 0; i < 257; ++i) many += "a=1&";
  EXPECT_EQ(read_form(many).error().code, "form.too_many");
}

}  // namespace
}  // namespace apf::protocol::apfmon
