#include "monitor/news/ingest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "monitor/store/pilots.h"
#include "support/monitor_fixture.h"

namespace apf::monitor {
namespace {

using testing::HasSubstr;

class IngestTest : public apf::tests::MonitorTest {
 protected:
  // What the store has.
  Pilot pilot(const std::string& factory, const std::string& id) {
    const auto db = db::open(place(), migrations(), db::Use::read).value();
    FactoryNo no = 0;
    const auto ok = db->run("SELECT no FROM factory WHERE name = $1", {std::string_view(factory)},
                            [&](const db::Row& row) { no = static_cast<FactoryNo>(row.integer(0)); });
    if (!ok) throw std::runtime_error(ok.error().text());
    return find_pilot(*db, no, id).value().value_or(Pilot{});
  }
};

// The exchange of a whole pilot's life, as AutoPyFactory and its wrapper have it.
TEST_F(IngestTest, TakesWhatAutoPyFactorySends) {
  EXPECT_EQ(call("PUT", "/api/factories/f", R"({"url":"http://f","version":"2.4.16","email":"a@b"})").status, 201);
  EXPECT_EQ(call("PUT", "/api/factories/f", R"({"url":"http://f","version":"2.4.17","email":"a@b"})").status, 200);
  const auto labels = call("PUT", "/api/labels", R"([{"name":"L","factory":"f","wmsqueue":""}])");
  EXPECT_EQ(labels.status, 201);
  EXPECT_EQ(labels.body, "Created 1/1 labels, 0 not created\n");
  const auto jobs =
      call("PUT", "/api/jobs", R"([{"cid":"1.0","factory":"f","label":"L"},{"cid":"1.1","factory":"f","label":"M"}])");
  EXPECT_EQ(jobs.status, 201);
  EXPECT_EQ(jobs.body, "Created 2/2 jobs, 0 not created\n");
  EXPECT_EQ(call("PUT", "/api/jobs", R"([{"cid":"1.0","factory":"f","label":"L"}])").status, 200) << "known already";
  EXPECT_EQ(call("POST", "/api/labels/f:L", "status=Ready%3Ain%3D0%2Cret%3D2").status, 200);
  EXPECT_EQ(call("POST", "/api/jobs/f:1.0", "state=running").status, 200);
  EXPECT_EQ(call("POST", "/api/jobs/f:1.0", "state=exiting&rc=20").status, 200);
  const Pilot p = pilot("f", "1.0");
  EXPECT_EQ(p.state, PilotState::exiting);
  EXPECT_EQ(p.work(), Work::empty);
  EXPECT_EQ(p.line.size(), 3U);
  EXPECT_EQ(p.line[1].source, "from 127.0.0.1");
}

TEST_F(IngestTest, RepeatsNoneOfTheOriginalsFaults) {
  EXPECT_EQ(call("POST", "/api/jobs/unknown:5.0", "state=running").status, 200) << "before its factory is known";
  EXPECT_EQ(pilot("unknown", "5.0").state, PilotState::running);
  EXPECT_EQ(call("PUT", "/api/jobs", R"([{"cid":"5.0","factory":"unknown","label":"L"}])").status, 200);
  EXPECT_NE(pilot("unknown", "5.0").label, 0U) << "its label came later";
  EXPECT_EQ(call("PUT", "/api/factories/a:b", "").status, 201) << "a name with ':', no keys at all";
  EXPECT_EQ(call("PUT", "/api/jobs", R"([{"cid":"x#1","factory":"a:b","label":"new"}])").status, 201);
  until([&] { return call("GET", "/api/factories/a:b").status == 200; });
  EXPECT_EQ(call("POST", "/api/jobs/a:b:x%231", "state=done").status, 200);
  EXPECT_EQ(pilot("a:b", "x#1").state, PilotState::done) << "straight from created";
  EXPECT_EQ(call("POST", "/api/jobs/a:b:x%231", "state=fault&text=late").status, 200) << "fault from any state";
  EXPECT_EQ(pilot("a:b", "x#1").reason, "late");
}

TEST_F(IngestTest, RefusesWhatIsNoNews) {
  EXPECT_EQ(call("PUT", "/api/jobs", "cid=1").status, 400);
  EXPECT_EQ(call("POST", "/api/jobs/f", "state=running").status, 400);
  EXPECT_EQ(call("POST", "/api/jobs/f:1.0", "state=sleeping").status, 400);
  EXPECT_EQ(call("POST", "/api/jobs/f:%ff", "state=running").status, 400);
  EXPECT_EQ(call("PUT", "/api/factories/a%0Ab", "{}").status, 400);
  const auto wrong = call("POST", "/api/v1/news", R"({"factory":"f","pilots":[{"id":"1","state":"x"}]})");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_THAT(wrong.body, HasSubstr("pilots[0]"));
  EXPECT_EQ(call("POST", "/api/v1/news", std::string(std::size_t{5} << 20U, ' ')).status, 413);
}

TEST_F(IngestTest, WhatWasAnsweredIsThereAfterARestart) {
  const auto reply =
      call("POST", "/api/v1/news",
           R"({"factory":{"name":"f","version":"9"},"labels":[{"name":"L","wms_queue":"Q","status":"ok"}],
      "pilots":[{"id":"1.0","label":"L","state":"running","node":"wn1"},{"id":"1.1","label":"L","state":"fault","node":"wn1"},
                {"id":"name","label":"L","state":"done","payloads":0,"details":{"stdout":"http://x/out"}}]})");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, R"({"created":3,"factory":true,"labels":1,"refused":0,"unchanged":0,"updated":0})");
  start();
  EXPECT_THAT(call("GET", "/healthz").body, HasSubstr(R"("pilots":3)"));
  EXPECT_EQ(pilot("f", "name").details, (std::vector<Detail>{{"stdout", "http://x/out"}}));
  EXPECT_EQ(call("POST", "/api/jobs/f:name", "state=done").body, "Known already\n");
}

}  // namespace
}  // namespace apf::monitor
