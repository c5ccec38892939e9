#include "monitor/show/legacy_read.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/monitor_fixture.h"

namespace apf::monitor {
namespace {

using nlohmann::json;

class LegacyReadTest : public apf::tests::MonitorTest {
 protected:
  json get(const std::string& path, int status = 200) {
    const HttpReply reply = call("GET", path);
    EXPECT_EQ(reply.status, status) << path << " " << reply.body;
    return json::parse(reply.body, nullptr, false);
  }
};

TEST_F(LegacyReadTest, ShowsWhatWasTold) {
  call("PUT", "/api/factories/f", R"({"url":"http://f/logs","version":"2.4.16","email":"a@b"})");
  std::string labels = "[";
  for (int i = 0; i < 60; ++i) labels += R"({"factory":"f","name":"L)" + std::to_string(i) + R"("},)";
  labels.back() = ']';
  call("PUT", "/api/labels", labels);
  call(
      "PUT", "/api/jobs",
      R"([{"cid":"1.0","factory":"f","label":"L0","stdouturl":"http://x/out"},{"cid":"1.1","factory":"f","label":"L1"}])");
  call("POST", "/api/labels/f:L0", "status=Ready%3Ain%3D0");
  call("POST", "/api/jobs/f:1.0", "state=running");
  until([&] { return call("GET", "/api/labels/f:L0").body.find(R"("nrunning":1)") != std::string::npos; });

  EXPECT_EQ(get("/api/factories")[0]["version"], "2.4.16");
  EXPECT_EQ(get("/api/factories/f")["email"], "a@b");
  EXPECT_EQ(get("/api/factories/f")["active"], true);
  EXPECT_EQ(get("/api/factories/f")["activity"].size(), 24U);
  EXPECT_EQ(get("/api/labels?factory=f").size(), 50U) << "the original's limit";
  EXPECT_EQ(get("/api/labels?factory=f&limit=0").size(), 60U);
  EXPECT_EQ(get("/api/labels?factory=f&offset=55").size(), 5U);
  EXPECT_EQ(get("/api/labels?factory=g").size(), 0U);
  EXPECT_EQ(get("/api/labels/f:L0")["status"][0]["msg"], "Ready:in=0");
  EXPECT_EQ(get("/api/jobs?factory=f").size(), 2U);
  EXPECT_EQ(get("/api/jobs?factory=f&state=running")[0]["cid"], "1.0");
  EXPECT_EQ(get("/api/jobs?factory=f&label=L1")[0]["cid"], "1.1");
  EXPECT_EQ(get("/api/jobs?factory=f&limit=1&offset=1")[0]["cid"], "1.0");
  const json job = get("/api/jobs/f:1.0");
  EXPECT_EQ(job["state"], "running");
  EXPECT_EQ(job["result"], -1);
  EXPECT_EQ(job["messages"].size(), 2U);
  EXPECT_EQ(job["details"]["stdout"], "http://x/out");
}

TEST_F(LegacyReadTest, RefusesNonsense) {
  call("PUT", "/api/factories/f", "");
  until([&] { return call("GET", "/api/factories/f").status == 200; });
  for (const char* path : {"/api/factories/g", "/api/labels/f:L", "/api/labels/x", "/api/jobs/g:1.0", "/api/jobs/f:1.0",
                           "/api/jobs?factory=g", "/api/jobs?factory=f&label=L"})
    get(path, 404);
  for (const char* path : {"/api/labels?limit=x", "/api/labels?offset=-1", "/api/jobs", "/api/jobs?factory=f&state=x"})
    get(path, 400);
}

}  // namespace
}  // namespace apf::monitor
