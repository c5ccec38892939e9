#include "monitor/news/ingest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/sha256.h"
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

constexpr const char* kKey = "key-of-s-1";

class ReportTest : public IngestTest {
 protected:
  void tell(const std::string& pilots) {
    const std::string body = R"({"factory":"f","submissions":[{"id":"s-1","pilots":2,"key":")" +
                             config::sha256_hex(kKey) + R"("}],"pilots":[)" + pilots + "]}";
    ASSERT_EQ(call("POST", "/api/v1/news", body).status, 200);
  }
  HttpReply report(const char* method, const std::string& path, const std::string& body, const char* key = kKey) {
    HttpRequest request;
    request.method = method;
    request.url = server_->url() + path;
    request.body = body;
    request.headers.emplace_back("Authorization", std::string("Bearer ") + key);
    return net::fetch(request, mono_now() + seconds{60}).value();
  }
};

TEST_F(ReportTest, APilotTellsOfItself) {
  tell("");
  const auto early = report("POST", "/api/jobs/f:1.0", "state=running&submission=s-1&index=0&node=wn1");
  EXPECT_EQ(early.status, 503) << early.body;
  EXPECT_THAT(early.body, HasSubstr("not told this pilot yet"));
  tell(R"({"id":"1.0","label":"L","state":"created","submission":"s-1","index":0})");
  EXPECT_EQ(report("POST", "/api/jobs/f:1.0", "state=running&submission=s-1&index=0&node=wn1").status, 200);
  EXPECT_EQ(report("POST", "/api/jobs/f:1.0", "state=exiting&submission=s-1&index=0&rc=0&payloads=1").status, 200);
  start();
  EXPECT_EQ(report("POST", "/api/jobs/f:1.0", "state=exiting&submission=s-1&index=0&rc=0&payloads=1").body,
            "Known already\n");
  const Pilot p = pilot("f", "1.0");
  EXPECT_EQ(p.state, PilotState::exiting);
  EXPECT_EQ(p.work(), Work::had);
  EXPECT_NE(p.node, 0U);
  ASSERT_EQ(p.line.size(), 3U);
  EXPECT_EQ(p.line[1].source, "wrapper 127.0.0.1");
}

TEST_F(ReportTest, AStolenKeyIsOfLittleUse) {
  tell(R"({"id":"1.0","label":"L","state":"running","submission":"s-1","index":0},
          {"id":"2.0","label":"L","state":"running","submission":"s-2","index":0})");
  call("PUT", "/api/jobs", R"([{"cid":"1.0","factory":"g","label":"L"}])");
  struct Case {
    const char *method, *path, *body;
    int status;
  };
  for (const Case& c :
       {Case{"POST", "/api/jobs/g:1.0", "state=fault", 403}, Case{"POST", "/api/jobs/f:2.0", "state=fault", 403},
        Case{"POST", "/api/jobs/f:1.0", "state=fault&index=1", 403}, Case{"POST", "/api/jobs/f:1.0", "state=done", 403},
        Case{"POST", "/api/jobs/f:1.0", "state=created", 403}, Case{"POST", "/api/jobs/f:3.0", "state=running", 503},
        Case{"POST", "/api/jobs/f:", "state=running", 400},
        Case{"PUT", "/api/jobs", R"([{"cid":"9.0","factory":"f","label":"L"}])", 403},
        Case{"POST", "/api/v1/news", R"({"factory":"f"})", 403}, Case{"PUT", "/api/factories/f", "{}", 403},
        Case{"POST", "/api/labels/f:L", "status=x", 403}, Case{"POST", "/api/v1/alarms/mute", "{}", 403},
        Case{"GET", "/api/jobs/f:1.0", "", 403}}) {
    const auto reply = report(c.method, c.path, c.body);
    EXPECT_EQ(reply.status, c.status) << c.method << " " << c.path << " " << c.body << ": " << reply.body;
  }
  EXPECT_EQ(report("POST", "/api/jobs/f:1.0", "state=exiting", "another").status, 401);
  EXPECT_EQ(pilot("f", "1.0").state, PilotState::running);
  EXPECT_EQ(pilot("f", "2.0").state, PilotState::running);
  EXPECT_EQ(pilot("g", "1.0").state, PilotState::created);
  EXPECT_EQ(pilot("f", "3.0").key, 0);
}

}  // namespace
}  // namespace apf::monitor
