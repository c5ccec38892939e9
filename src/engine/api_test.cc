#include "engine/api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <nlohmann/json.hpp>

#include "engine/sample_snapshots.h"
#include "net/http_client.h"

namespace apf::engine {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// Keeps the one answer.
class Caught final : public net::Reply {
 public:
  void send(net::Response response) override { promise_.set_value(std::move(response)); }
  [[nodiscard]] bool closed() const override { return false; }
  net::Response wait() { return promise_.get_future().get(); }

 private:
  std::promise<net::Response> promise_;
};

class ApiTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "apf-api-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    fs::create_directories(directory_ / "logs" / "day");
    std::ofstream(directory_ / "logs" / "day" / "1.0.out") << "pilot's words";
    fs::create_directories(directory_ / "wrappers");

    ApiPorts ports;
    ports.factory = [this] { return factory_; };
    ports.queues = [] { return test::sample_queues(); };
    ports.alarms = [this] { return own_alarms_; };
    ports.pilots = [this](const PilotFilter& f) -> Result<std::vector<core::Pilot>> {
      filter_ = f;
      if (pilots_error_) return fail(*pilots_error_);
      std::vector<core::Pilot> rows(static_cast<std::size_t>(std::min<std::int64_t>(f.most, 5)), test::sample_pilot());
      for (std::size_t i = 0; i < rows.size(); ++i) rows[i].no = i + 1;
      return rows;
    };
    ports.decisions = [](const std::string& queue, std::size_t most) {
      auto d = test::sample_decision();
      d.queue = queue;
      return std::vector<DecisionEntry>(std::min<std::size_t>(most, 3), DecisionEntry{d, 0, {}});
    };
    ports.report_key = [](const std::string& submission) { return "key-of-" + submission; };
    ports.reported = [this](core::PilotReported r) { reports_.push_back(std::move(r)); };
    ports.order = [this](core::Event e, const std::function<void(Status)>& done) {
      orders_.push_back(std::move(e));
      done(order_result_);
    };
    ports.reload = []() -> Result<std::string> { return "1 queue changed"; };
    ports.mono = [] { return test::kNow.mono; };
    ports.wall = [] { return test::kNow.wall; };
    api_ = std::make_unique<Api>(std::move(ports), ApiOptions{"factory-1", directory_ / "logs", directory_ / "wrappers",
                                                              directory_ / "boot.sh"});
  }
  void TearDown() override {
    api_.reset();
    fs::remove_all(directory_);
  }

  net::Response ask(const net::Request& request, Api::Side side = Api::Side::readers) {
    const auto reply = std::make_shared<Caught>();
    api_->handler(side)(request, reply);
    return reply->wait();
  }
  net::Response get(const std::string& path, std::multimap<std::string, std::string> query = {}) {
    net::Request r;
    r.method = "GET";
    r.path = path;
    r.query = std::move(query);
    return ask(r);
  }
  net::Response order(const std::string& path, const std::string& body, Api::Side side = Api::Side::operators) {
    net::Request r;
    r.method = "POST";
    r.path = path;
    r.body = body;
    r.peer = "unix:" + std::to_string(::getuid());
    return ask(r, side);
  }
  net::Response report(const std::string& path, const std::string& body, const std::string& key) {
    net::Request r;
    r.method = "POST";
    r.path = path;
    r.body = body;
    r.headers["authorization"] = key;
    return ask(r);
  }

  fs::path directory_;
  std::shared_ptr<const core::FactorySnapshot> factory_ =
      std::make_shared<core::FactorySnapshot>(test::sample_factory());
  std::vector<core::Alarm> own_alarms_;
  PilotFilter filter_;
  std::optional<Error> pilots_error_;
  std::vector<core::PilotReported> reports_;
  std::vector<core::Event> orders_;
  Status order_result_;
  std::unique_ptr<Api> api_;
};

std::string code_of(const net::Response& r) {
  const auto form = json::parse(r.body, nullptr, false);
  return form.is_object() && form.contains("error") ? form["error"]["code"].get<std::string>() : "";
}

TEST_F(ApiTest, ShowsStatusQueuesAndOneQueue) {
  own_alarms_ = {{"engine.lane_hangs", "lane:wms.panda", "a call hangs", test::kNow.wall}};
  const auto status = json::parse(get("/api/v1/status").body);
  EXPECT_EQ(status["factory"]["id"], "factory-1");
  EXPECT_EQ(status["queues"].size(), 2U);
  ASSERT_EQ(status["alarms"].size(), 2U) << "the core's and the shell's";
  EXPECT_EQ(status["alarms"][1]["code"], "engine.lane_hangs");
  EXPECT_EQ(json::parse(get("/api/v1/queues").body)["queues"].size(), 2U);
  EXPECT_EQ(json::parse(get("/api/v1/queues/SITE_A").body)["last_decision"]["steps"].size(), 2U);
  EXPECT_EQ(get("/api/v1/queues/nope").status, 404);
}

TEST_F(ApiTest, SaysSoBeforeTheFactoryHasBegun) {
  factory_ = nullptr;
  for (const char* path : {"/api/v1/status", "/metrics", "/healthz"}) EXPECT_EQ(get(path).status, 503) << path;
}

TEST_F(ApiTest, HealthHasReasons) {
  const auto sick = get("/healthz");
  EXPECT_EQ(sick.status, 503);
  EXPECT_EQ(json::parse(sick.body)["reasons"][0], "no batch system gives a usable view");
  auto well = test::sample_factory();
  well.sources.resize(1);
  factory_ = std::make_shared<core::FactorySnapshot>(well);
  EXPECT_EQ(get("/healthz").status, 200);
}

TEST_F(ApiTest, FiltersAndPagesPilots) {
  const auto page = json::parse(get("/api/v1/pilots", {{"queue", "SITE_A"},
                                                       {"state", "running,failed"},
                                                       {"missing", "1"},
                                                       {"limit", "2"},
                                                       {"offset", "1"},
                                                       {"after", "7"},
                                                       {"submitted_before_ms", "1000"}})
                                    .body);
  EXPECT_EQ(filter_.queue, "SITE_A");
  EXPECT_EQ(filter_.states, (std::vector{PilotState::running, PilotState::failed}));
  EXPECT_FALSE(filter_.live_only) << "failed ones have ended";
  EXPECT_TRUE(filter_.missing_only);
  EXPECT_EQ(filter_.after, 7U);
  EXPECT_EQ(filter_.submitted_before.ms, 1000);
  EXPECT_EQ(filter_.most, 4);
  ASSERT_EQ(page["pilots"].size(), 2U);
  EXPECT_EQ(page["pilots"][0]["no"], 2);
  EXPECT_EQ(page["next"], 3);
  const auto all = json::parse(get("/api/v1/pilots").body);
  EXPECT_EQ(all["pilots"].size(), 5U);
  EXPECT_EQ(all["next"], nullptr);
  EXPECT_TRUE(filter_.live_only);
}

TEST_F(ApiTest, RefusesQuestionsItDoesNotUnderstand) {
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"que", "x"},       {"state", "flying"}, {"limit", "-1"}, {"limit", "1e3"},
      {"limit", "10001"}, {"missing", "yes"},  {"after", ""}};
  for (const auto& [name, value] : wrong) {
    const auto r = get("/api/v1/pilots", {{name, value}});
    EXPECT_EQ(r.status, 400) << name << "=" << value;
    EXPECT_EQ(code_of(r), "api.bad_request");
  }
  EXPECT_EQ(get("/api/v1/decisions", {{"limit", "1001"}}).status, 400);
}

TEST_F(ApiTest, ShowsDecisionsAndLedgerErrors) {
  const auto r = json::parse(get("/api/v1/decisions", {{"queue", "Q"}, {"limit", "2"}}).body);
  ASSERT_EQ(r["decisions"].size(), 2U);
  EXPECT_EQ(r["decisions"][0]["queue"], "Q");
  pilots_error_ = Error{Kind::transient, "store.busy", "held", "ledger.db", ""};
  const auto busy = get("/api/v1/pilots");
  EXPECT_EQ(busy.status, 503);
  EXPECT_EQ(code_of(busy), "store.busy");
}

TEST_F(ApiTest, UnknownPagesAndMethodsAreSaid) {
  EXPECT_EQ(get("/api/v2/status").status, 404);
  const auto r = order("/api/v1/status", "");
  EXPECT_EQ(r.status, 405);
  EXPECT_EQ(r.headers.at("Allow"), "GET");
  EXPECT_EQ(code_of(r), "api.method");
}

TEST_F(ApiTest, CountsItsAnswers) {
  get("/nope");
  get("/api/v1/queues");
  const auto text = get("/metrics").body;
  EXPECT_NE(text.find("apf_http_answers_total{status=\"404\"} 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("apf_http_answers_total{status=\"200\"} 1\n"), std::string::npos);
}

TEST_F(ApiTest, ServesLogsAndWrapper) {
  EXPECT_EQ(json::parse(get("/logs/day/", {{"format", "json"}}).body)["entries"][0]["name"], "1.0.out");
  EXPECT_EQ(get("/logs").status, 301);
  EXPECT_EQ(get("/logs/day/1.0.out").file, "day/1.0.out");
  EXPECT_EQ(get("/logs/../wrappers").status, 404);
  const std::string tarball = std::string(64, 'a') + ".tar.gz";
  const auto kept = get("/wrapper/" + tarball);
  EXPECT_EQ(kept.file, tarball);
  EXPECT_EQ(kept.beneath, (directory_ / "wrappers").string());
  EXPECT_THAT(kept.headers.at("Cache-Control"), ::testing::HasSubstr("immutable"));
  for (const std::string& other : {std::string("new"), tarball + ".x", "x" + tarball, "../wrappers/" + tarball})
    EXPECT_EQ(get("/wrapper/" + other).status, 404) << other;
  EXPECT_THAT(get("/wrapper/apf-bootstrap.sh").headers.at("Cache-Control"), ::testing::HasSubstr("no-cache"));
  EXPECT_EQ(get("/wrapper/../logs").status, 404);
}

TEST_F(ApiTest, TakesReportsWithTheRightKeyOnly) {
  const std::string path = "/apfmon/jobs/factory-1:12.0";
  const std::string body = "state=exiting&rc=3&submission=s-1&index=2&node=wn1&payloads=0";
  const auto good = report(path, body, "Bearer key-of-s-1");
  EXPECT_EQ(good.status, 200) << good.body;
  ASSERT_EQ(reports_.size(), 1U);
  EXPECT_EQ(reports_[0].submission, "s-1");
  EXPECT_EQ(reports_[0].index, 2U);
  EXPECT_EQ(reports_[0].batch_id, "12.0");
  EXPECT_EQ(reports_[0].state, "exiting");
  EXPECT_EQ(reports_[0].rc, 3);
  EXPECT_EQ(reports_[0].payloads, 0);
  EXPECT_EQ(reports_[0].node, "wn1");

  EXPECT_EQ(report(path, body, "Bearer key-of-s-2").status, 401);
  EXPECT_EQ(report(path, body, "key-of-s-1").status, 401);
  EXPECT_EQ(report(path, body, "").status, 401);
  EXPECT_EQ(report(path, "state=running", "Bearer key-of-").status, 401) << "no submission";
  EXPECT_EQ(report("/apfmon/jobs/other:12.0", body, "Bearer key-of-s-1").status, 404);
  EXPECT_EQ(report("/apfmon/jobs/nonsense", body, "Bearer key-of-s-1").status, 404);
  EXPECT_EQ(report(path, "state=flying&submission=s-1", "Bearer key-of-s-1").status, 400);
  EXPECT_EQ(reports_.size(), 1U);
  const auto text = get("/metrics").body;
  EXPECT_NE(text.find("apf_reports_total{result=\"accepted\"} 1\n"), std::string::npos);
  EXPECT_NE(text.find("apf_reports_total{result=\"refused\"} 7\n"), std::string::npos);
}

TEST_F(ApiTest, OrdersComeOverTheUnixSocketOnly) {
  const std::string body = R"({"verb":"pause","scope":"all"})";
  EXPECT_EQ(order("/api/v1/holds", body, Api::Side::readers).status, 403);
  EXPECT_TRUE(orders_.empty());
  EXPECT_EQ(order("/api/v1/holds", body).status, 200);
  ASSERT_EQ(orders_.size(), 1U);
}

TEST_F(ApiTest, HoldsNameWhoAndWhyAndMustFit) {
  const auto until = std::to_string(test::kNow.wall.ms + 1000);
  const auto r =
      order("/api/v1/holds", R"({"verb":"drain","scope":"queue:SITE_A","reason":"downtime","until_ms":)" + until + "}");
  ASSERT_EQ(r.status, 200) << r.body;
  const auto& verb = std::get<core::Verb>(orders_.at(0));
  EXPECT_FALSE(verb.lift);
  EXPECT_EQ(verb.hold.verb, "drain");
  EXPECT_EQ(verb.hold.scope, "queue:SITE_A");
  EXPECT_EQ(verb.hold.reason, "downtime");
  EXPECT_EQ(verb.hold.since, test::kNow.wall);
  EXPECT_EQ(verb.hold.until.ms, test::kNow.wall.ms + 1000);
  EXPECT_FALSE(verb.hold.who.empty());
  EXPECT_EQ(verb.hold.who.find("unix:"), std::string::npos) << "a name, not a number of a socket";

  for (const char* body :
       {R"({"verb":"stop","scope":"all"})", R"({"verb":"pause"})", R"({"verb":"pause","scope":"queue:"})",
        R"({"verb":"pause","scope":"site:x"})", R"({"verb":"pause","scope":"all","untill_ms":1})",
        R"({"verb":"pause","scope":"all","until_ms":1})", R"({"verb":"pause","scope":"all","reason":"a\nb"})", "[]",
        "{", "nonsense"}) {
    EXPECT_EQ(order("/api/v1/holds", body).status, 400) << body;
  }
  EXPECT_EQ(order("/api/v1/holds", R"({"verb":"pause","scope":"queue:nope"})").status, 404);
  EXPECT_EQ(order("/api/v1/holds", R"({"verb":"pause","scope":"wms:pool"})").status, 404) << "pool is a batch system";
  EXPECT_EQ(order("/api/v1/holds", R"({"verb":"pause","scope":"batch:pool"})").status, 200);
  EXPECT_EQ(orders_.size(), 2U);
}

TEST_F(ApiTest, LiftingSaysWhenThereIsNothingToLift) {
  const auto nothing = order("/api/v1/holds", R"({"verb":"enable","scope":"queue:b"})");
  EXPECT_EQ(nothing.status, 409);
  EXPECT_EQ(code_of(nothing), "api.nothing_to_lift");
  EXPECT_EQ(order("/api/v1/holds", R"({"verb":"resume","scope":"queue:b"})").status, 200);
  ASSERT_EQ(orders_.size(), 2U) << "pause and drain";
  EXPECT_TRUE(std::get<core::Verb>(orders_[0]).lift);
  EXPECT_EQ(std::get<core::Verb>(orders_[0]).hold.verb, "pause");
  EXPECT_EQ(std::get<core::Verb>(orders_[1]).hold.verb, "drain");
}

TEST_F(ApiTest, OtherOrdersBecomeEvents) {
  EXPECT_EQ(order("/api/v1/pilots/remove", R"({"pilots":[3,4],"reason":"stuck"})").status, 200);
  EXPECT_EQ(std::get<core::RemoveAsked>(orders_.at(0)).pilots, (std::vector<std::uint64_t>{3, 4}));
  EXPECT_EQ(order("/api/v1/batch/accept-view", R"({"batch":"pool"})").status, 200);
  EXPECT_EQ(std::get<core::AcceptView>(orders_.at(1)).batch, "pool");
  EXPECT_EQ(order("/api/v1/batch/accept-view", R"({"batch":"panda"})").status, 404);
  EXPECT_EQ(order("/api/v1/adopt", "").status, 200);
  EXPECT_FALSE(std::get<core::Adopt>(orders_.at(2)).who.empty());
  EXPECT_EQ(json::parse(order("/api/v1/reload", "{}").body)["changed"], "1 queue changed");
  for (const char* body : {R"({"pilots":[]})", R"({"pilots":[-1]})", R"({"pilots":["3"]})", "{}"}) {
    EXPECT_EQ(order("/api/v1/pilots/remove", body).status, 400) << body;
  }
}

TEST_F(ApiTest, AnOrderThatCouldNotBeCommittedFails) {
  order_result_ = fail(Kind::transient, "store.full", "no space left for the database");
  const auto r = order("/api/v1/adopt", "");
  EXPECT_EQ(r.status, 503);
  EXPECT_EQ(code_of(r), "store.full");
}

TEST_F(ApiTest, WorksOverRealSockets) {
  net::ServerOptions options;
  options.unix_path = directory_ / "apf.sock";
  auto server = net::HttpServer::start(options, api_->handler(Api::Side::operators));
  ASSERT_TRUE(server) << server.error().text();
  HttpRequest r;
  r.method = "POST";
  r.url = "http://localhost/api/v1/holds";
  r.body = R"({"verb":"pause","scope":"all"})";
  auto reply = net::fetch(r, mono_now() + seconds{20}, nullptr, options.unix_path);
  ASSERT_TRUE(reply) << reply.error().text();
  EXPECT_EQ(reply->status, 200) << reply->body;
  r = {};
  r.url = "http://localhost/logs/day/1.0.out";
  r.headers = {{"Range", "bytes=-5"}};
  reply = net::fetch(r, mono_now() + seconds{20}, nullptr, options.unix_path);
  ASSERT_TRUE(reply) << reply.error().text();
  EXPECT_EQ(reply->status, 206);
  EXPECT_EQ(reply->body, "words");
  (*server)->stop();
}

}  // namespace
}  // namespace apf::engine
