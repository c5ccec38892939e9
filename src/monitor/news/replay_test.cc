// What AutoPyFactory 2.4 and Harvester say to a monitor, byte for byte as they say it, and what is seen of it then.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "monitor/server.h"
#include "net/http_client.h"
#include "net/test_socket.h"
#include "support/directory.h"

namespace apf::monitor {
namespace {

using testing::HasSubstr;

// Headers as Python's urllib2 sends them, for JSON, too.
std::string urllib2(const std::string& method, const std::string& path, const std::string& body) {
  return method + " " + path +
         " HTTP/1.1\r\nAccept-Encoding: identity\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n"
         "User-Agent: Python-urllib/2.7\r\n\r\n" +
         body;
}

// Headers as Python's requests sends them: JSON given as text has no Content-Type.
std::string requests(const std::string& method, const std::string& path, const std::string& body, bool form = false) {
  return method + " " + path +
         " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: python-requests/2.32.3\r\nAccept-Encoding: gzip, deflate\r\n"
         "Accept: */*\r\nConnection: keep-alive\r\n" +
         (form ? "Content-Type: application/x-www-form-urlencoded\r\n" : "") +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

struct Rig {
  tests::Directory dir;
  std::unique_ptr<Server> server;
  std::uint16_t port = 0;

  Rig() {
    ServerOptions o;
    o.data = dir.file("data");
    o.settings = *load_settings("");
    o.listen = {"127.0.0.1:0"};
    server = Server::start(std::move(o)).value();
    const std::string url = server->url();
    port = static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
  }
  [[nodiscard]] int say(const std::string& bytes) const {
    const net::test::RawClient client(port);
    EXPECT_TRUE(client.send(bytes));
    const std::string head = client.read_until("\r\n\r\n");
    EXPECT_TRUE(head.starts_with("HTTP/1.1 ")) << head;
    return head.size() > 12 ? std::stoi(head.substr(9, 3)) : 0;
  }
  // What Prometheus sees of it, once it says so.
  void sees(const std::string& line) const {
    const Mono patience = mono_now() + seconds{120};
    std::string text;
    do {
      HttpRequest request;
      request.url = server->url() + "/metrics";
      text = net::fetch(request, patience).value().body;
      if (text.find(line) != std::string::npos) return;
      std::this_thread::sleep_for(milliseconds{20});
    } while (mono_now() < patience);
    EXPECT_THAT(text, HasSubstr(line));
  }
};

TEST(Replay, AutoPyFactory) {
  const Rig r;
  EXPECT_EQ(
      r.say(urllib2("PUT", "/api/factories/lab-factory",
                    R"({"url": "http://lab.example.org/logs", "version": "2.4.16", "email": "ops@example.org"})")),
      201);
  EXPECT_EQ(r.say("GET /api/labels?factory=lab-factory HTTP/1.1\r\nAccept-Encoding: identity\r\nHost: 127.0.0.1\r\n"
                  "Connection: close\r\nUser-Agent: Python-urllib/2.7\r\n\r\n"),
            200);
  EXPECT_EQ(r.say(urllib2("PUT", "/api/labels",
                          R"([{"name": "LAB_GRID", "factory": "lab-factory", "wmsqueue": "", "batchqueue": "", )"
                          R"("resource": "", "localqueue": ""}])")),
            201);
  EXPECT_EQ(r.say(urllib2("PUT", "/api/jobs",
                          R"([{"cid": "1.0", "factory": "lab-factory", "label": "LAB_GRID"}, )"
                          R"({"cid": "1.1", "factory": "lab-factory", "label": "LAB_GRID"}])")),
            201);
  EXPECT_EQ(
      r.say(urllib2("POST", "/api/labels/lab-factory:LAB_GRID",
                    "status=Ready%3Ain%3D0%2Cactivated%3D7%2Coffset%3D0%2Cpending%3D0%2Cret%3D7%3BScale%3Ain%3D7")),
      200);
  r.sees(R"(apf_monitor_label_pilots{factory="lab-factory",label="LAB_GRID",state="created"} 2)");
  // Its wrappers, by curl.
  const auto wrapper = [&](const std::string& body) {
    return r.say(
        "POST /api/jobs/lab-factory:1.0 HTTP/1.1\r\nUser-Agent: curl/7.29.0\r\nHost: 127.0.0.1\r\nAccept: */*\r\n"
        "Content-Length: " +
        std::to_string(body.size()) + "\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n" + body);
  };
  EXPECT_EQ(wrapper("state=running"), 200);
  r.sees(R"(apf_monitor_label_pilots{factory="lab-factory",label="LAB_GRID",state="running"} 1)");
  EXPECT_EQ(wrapper("state=exiting&rc=20"), 200);
  EXPECT_EQ(r.say(urllib2("POST", "/api/jobs/lab-factory:1.0", "state=done")), 200);
  r.sees(R"(apf_monitor_label_hour{factory="lab-factory",label="LAB_GRID",event="empty"} 1)");
}

TEST(Replay, Harvester) {
  const Rig r;
  EXPECT_EQ(r.say(requests("PUT", "/api/factories/CERN_central_A",
                           R"({"url": "url_to_logs", "email": "support@example.org", "version": "0.5.23"})")),
            201);
  for (int shard = 0; shard < 2; ++shard) {
    std::string labels;
    for (int i = 0; i < 20; ++i) {
      const std::string site = "SITE_" + std::to_string(20 * shard + i);
      labels += (labels.empty() ? "" : ", ") + (R"({"name": ")" + site) + R"(-ce1", "wmsqueue": ")" + site +
                R"(", "ce_queue_id": 4711, "factory": "CERN_central_A"})";
    }
    EXPECT_EQ(r.say(requests("PUT", "/api/labels", "[" + labels + "]")), 201);
  }
  EXPECT_EQ(r.say(requests("PUT", "/api/labels", "[]")), 200) << "a shard of sites that CRIC does not know";
  EXPECT_EQ(r.say(requests("POST", "/api/labels/CERN_central_A:SITE_3-ce1",
                           R"({"status": "queued 3, ready 2", "data": {"ANY": {"running": 3, "submitted": 2}}})")),
            200);
  EXPECT_EQ(r.say(requests("PUT", "/api/jobs",
                           R"([{"cid": "9659.0", "factory": "CERN_central_A", "label": "SITE_3-ce1", "jdlurl": "", )"
                           R"("stdouturl": "https://h.example.org/18-07-19_09/grid.9659.0.out", )"
                           R"("stderrurl": "https://h.example.org/18-07-19_09/grid.9659.0.err", )"
                           R"("logurl": "https://h.example.org/18-07-19_09/grid.9659.0.log"}, )"
                           R"({"cid": "9660.0", "factory": "CERN_central_A", "label": "SITE_3-noCE", "jdlurl": "", )"
                           R"("stdouturl": "", "stderrurl": "", "logurl": ""}])")),
            201);
  const auto state = [&](const char* job, const char* body) {
    return r.say(requests("POST", std::string("/api/jobs/CERN_central_A:") + job, body, true));
  };
  EXPECT_EQ(state("9659.0", "state=created"), 200);
  EXPECT_EQ(state("9659.0", "state=running"), 200);
  r.sees(R"(apf_monitor_label_pilots{factory="CERN_central_A",label="SITE_3-ce1",state="running"} 1)");
  EXPECT_EQ(state("9659.0", "state=done&ids=1234%2C5678"), 200) << "straight from running";
  EXPECT_EQ(state("9660.0", "state=fault"), 200) << "straight from created, on a label that was never announced";
  r.sees(R"(apf_monitor_label_hour{factory="CERN_central_A",label="SITE_3-ce1",event="done"} 1)");
  r.sees(R"(apf_monitor_label_hour{factory="CERN_central_A",label="SITE_3-noCE",event="fault"} 1)");
}

}  // namespace
}  // namespace apf::monitor
