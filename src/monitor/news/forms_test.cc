#include "monitor/news/forms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace apf::monitor {
namespace {

using testing::HasSubstr;

// As captured from AutoPyFactory 2.4.16 and from Harvester's client.
TEST(Forms, ReadWhatFactoriesSend) {
  const auto factory = read_factory(R"({"url": "http://f/logs", "version": "2.4.16", "email": "a@b"})");
  ASSERT_TRUE(factory);
  EXPECT_EQ(factory->version, "2.4.16");
  EXPECT_FALSE(factory->type);
  EXPECT_TRUE(read_factory(""));

  const auto labels = read_labels(
      R"([{"name": "Q-ce1", "wmsqueue": "Q", "ce_queue_id": 1, "factory": "h"},
          {"name": "L", "factory": "f", "wmsqueue": "", "batchqueue": "", "resource": "", "localqueue": ""}])");
  ASSERT_TRUE(labels) << labels.error().text();
  ASSERT_EQ(labels->size(), 2U);
  EXPECT_EQ(labels->at(0).labels[0].wms_queue, "Q");
  EXPECT_FALSE(labels->at(1).labels[0].wms_queue) << "AutoPyFactory sends them empty always";

  const auto jobs = read_jobs(
      R"([{"cid": "9659.0", "factory": "h", "label": "Q-ce1", "jdlurl": "https://x/1.jdl", "stdouturl": "https://x/1.out",
           "stderrurl": "", "logurl": "https://x/1.log", "workerid": 17}, {"cid": 12, "factory": "h", "label": "Q-ce1"}])");
  ASSERT_TRUE(jobs) << jobs.error().text();
  ASSERT_EQ(jobs->size(), 1U);
  const PilotNews& first = jobs->at(0).pilots[0];
  EXPECT_EQ(first.id, "9659.0");
  EXPECT_EQ(first.label, "Q-ce1");
  EXPECT_THAT(first.details, testing::ElementsAre(Detail{"stdout", "https://x/1.out"}, Detail{"log", "https://x/1.log"},
                                                  Detail{"jdl", "https://x/1.jdl"}, Detail{"worker", "17"}));
  EXPECT_EQ(jobs->at(0).pilots[1].id, "12");
}

TEST(Forms, ReadStatesAndMessagesAsFormAndAsJson) {
  for (const char* body : {"state=exiting&rc=20&ids=1%2C2", R"({"state":"exiting","rc":20,"ids":"1,2"})",
                           R"( {"state":"exiting","rc":"20","ids":"1,2"})"}) {
    const auto n = read_job_state(body);
    ASSERT_TRUE(n) << body << n.error().text();
    EXPECT_EQ(n->state, PilotState::exiting);
    EXPECT_EQ(n->rc, 20);
    EXPECT_EQ(n->payload_ids, "1,2");
  }
  for (const char* body : {"status=Ready%3Ain%3D0%2C%0Aret%3D1", R"({"status":"Ready:in=0,\nret=1","data":{"a":[1]}})"})
    EXPECT_EQ(read_label_status(body)->status, "Ready:in=0, ret=1") << body;
}

TEST(Forms, ReadSubmissions) {
  const std::string key(64, 'a');
  const auto with = [](const std::string& one) { return read_news(R"({"factory":"f","submissions":[)" + one + "]}"); };
  const auto n = with(R"({"id":"s-1","key":")" + key + R"(","pilots":20})");
  ASSERT_TRUE(n) << n.error().text();
  ASSERT_EQ(n->submissions.size(), 1U);
  EXPECT_EQ(n->submissions[0].id, "s-1");
  EXPECT_EQ(n->submissions[0].digest, key);
  EXPECT_EQ(n->submissions[0].pilots, 20U);
  for (const std::string& wrong :
       {R"({"key":")" + key + R"(","pilots":20})", std::string(R"({"id":"s-1","pilots":20})"),
        R"({"id":"s-1","key":")" + key + R"("})", R"({"id":"s-1","key":")" + key + R"(","pilots":0})",
        R"({"id":"s-1","key":")" + key + R"(","pilots":1000001})", R"({"id":"s-1","key":")" + key + R"(a","pilots":1})",
        R"({"id":"s-1","key":")" + std::string(64, 'A') + R"(","pilots":1})", std::string("7")}) {
    const auto bad = with(wrong);
    ASSERT_FALSE(bad) << wrong;
    EXPECT_EQ(bad.error().where, "submissions[0]");
  }
}

TEST(Forms, ReadOurOwnNews) {
  const auto n = read_news(R"({"factory": {"name":"f","version":"1","started":true,"credential_ends":5000},
      "labels":[{"name":"L","wms_queue":"Q","status":"s"}],
      "pilots":[{"id":"1.0","label":"L","state":"fault","at":1700000000000,"rc":-9,"node":"wn1","payloads":0,
                 "failure":"cvmfs","text":"no","profile":{"cpu":"x"},"details":{"stdout":"http://x","n":1}}]})");
  ASSERT_TRUE(n) << n.error().text();
  EXPECT_TRUE(n->factory.started);
  EXPECT_EQ(n->factory.credential_ends, Wall{5000});
  EXPECT_EQ(n->labels[0].status, "s");
  const PilotNews& p = n->pilots[0];
  EXPECT_EQ(p.at, Wall{1700000000000});
  EXPECT_EQ(p.rc, -9);
  EXPECT_EQ(p.profile, R"({"cpu":"x"})");
  EXPECT_EQ(p.details.size(), 2U);
  EXPECT_TRUE(read_news(R"({"factory":"f"})"));
}

TEST(Forms, SayWhatIsWrongAndWhere) {
  struct Case {
    const char *body, *says;
  };
  for (const Case& c :
       {Case{"", "expected JSON"}, Case{"[]", "expected an object"}, Case{"{}", "'factory' is missing"},
        Case{R"({"factory":7})", "1 to 200 bytes"}, Case{R"({"factory":"a\nb"})", "control characters"},
        Case{R"({"factory":"f","pilots":{}})", "must be a list"},
        Case{R"({"factory":"f","pilots":[1]})", "pilots[0]: expected an object"},
        Case{R"({"factory":"f","pilots":[{"id":"1","state":"stale"}]})", "got 'stale'"},
        Case{R"({"factory":"f","pilots":[{"id":"1","state":"done"},{"id":"","state":"done"}]})", "pilots[1]"},
        Case{R"({"factory":"f","pilots":[{"id":"1","state":"done","rc":"x"}]})", "'rc' must be a whole number"},
        Case{R"({"factory":"f","pilots":[{"id":"1","state":"done","rc":1000000001}]})", "outside of"},
        Case{R"({"factory":"f","labels":[{"wms_queue":"q"}]})", "labels[0]: 'name' is missing"}}) {
    const auto n = read_news(c.body);
    ASSERT_FALSE(n) << c.body;
    EXPECT_THAT(n.error().text(), HasSubstr(c.says)) << c.body;
    EXPECT_EQ(n.error().code, "monitor.bad_body");
  }
  std::string many = R"({"factory":"f","pilots":[)";
  for (std::size_t i = 0; i <= kMostAtOnce; ++i) many += R"({"id":"1","state":"done"},)";
  many.back() = ']';
  EXPECT_THAT(read_news(many + "}").error().what, HasSubstr("more than 1000"));
  EXPECT_THAT(read_news(std::string(100000, '[')).error().what, HasSubstr("nested too deeply"));
  EXPECT_THAT(read_job_state("rc=1").error().what, HasSubstr("'state' is missing"));
  EXPECT_THAT(read_job_state("state=%zz").error().what, HasSubstr("hexadecimal"));
}

TEST(Clean, LeavesNothingThatHarmsStoreOrLog) {
  EXPECT_EQ(clean("a\tb\nc\x7f", 99), "a b c ");
  EXPECT_EQ(clean("a\xff\xc3-", 99), "a?\?-") << "what is no UTF-8";
  EXPECT_EQ(clean("\xed\xa0\x80", 99), "???") << "a surrogate";
  EXPECT_EQ(clean("\xc0\xaf", 99), "??") << "too long a form";
  EXPECT_EQ(clean(std::string_view("a\0b", 3), 99), "a b");
  EXPECT_EQ(clean("\xc2\x85x", 99), " x") << "a control character of two bytes";
  EXPECT_EQ(clean("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 99), "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  EXPECT_EQ(clean("ab\xe2\x82\xac", 4), "ab") << "not cut within a character";
  EXPECT_TRUE(good_name("a b:c<script>"));
  for (const char* no : {"", "a\n", "\xff"}) EXPECT_FALSE(good_name(no));
  EXPECT_FALSE(good_name(std::string(201, 'x')));
}

}  // namespace
}  // namespace apf::monitor
