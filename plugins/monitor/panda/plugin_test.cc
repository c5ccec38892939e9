#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "apf/registry.h"
#include "panda.h"
#include "protocol/form.h"
#include "support/fake_context.h"
#include "support/samples.h"

namespace apf::panda {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

// A PanDA server as far as reports go. Broken, it answers as its `trouble` says.
struct Server {
  bool legacy = false;
  std::optional<HttpReply> trouble;
  std::int64_t poison = -1;              // a worker id that its database does not take
  std::map<std::int64_t, json> workers;  // as a database would hold them
  std::map<std::string, json> counts;    // by site
  std::vector<std::string> paths;
  std::vector<std::size_t> batches;

  Result<HttpReply> operator()(const HttpRequest& r) {
    const std::string path = r.url.substr(r.url.find('/', 8));
    paths.push_back(path);
    EXPECT_EQ(r.method, "POST");
    if (trouble) return *trouble;
    const bool old = path.starts_with("/server/");
    if (old != legacy) return HttpReply{403, "ERROR : method " + path + " is forbidden", {}};
    json body;
    if (old) {
      const auto form = protocol::read_form(r.body);
      EXPECT_TRUE(form);
      for (const auto& [name, value] : *form) body[name] = value;
      if (body.contains("workers")) body["workers"] = json::parse(body["workers"].get<std::string>());
    } else {
      body = json::parse(r.body);
    }
    EXPECT_EQ(body[old ? "harvesterID" : "harvester_id"], "lab");
    if (!body.contains("workers")) {
      counts[body[old ? "siteName" : "panda_queue"]] =
          json::parse(body[old ? "paramsList" : "statistics"].get<std::string>());
      return HttpReply{200, old ? R"([true, "OK"])" : R"({"success": true, "message": "OK", "data": null})", {}};
    }
    batches.push_back(body["workers"].size());
    for (const json& w : body["workers"]) {
      if (w["workerID"] == poison)
        return HttpReply{
            200, R"({"success": false, "message": "database error in the PanDA server", "data": null})", {}};
      workers[w["workerID"].get<std::int64_t>()].update(w);
    }
    return HttpReply{200, old ? "[true, [true]]" : R"({"success": true, "message": "", "data": [true]})", {}};
  }
};

class PandaReports : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "apf panda XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root = pattern;
    me.state_dir = root;
    me.instance = "i1";
    me.log_url = "http://h/logs";
    settings.access.servers = {"https://panda.example.org:25443"};
    settings.harvester_id = "lab";
    settings.host = "submit1";
    settings.interval = Duration{};
    settings.counts_interval = Duration{};
    context.on_http = std::ref(server);
    QueueSpec q;
    q.name = "BNL/1";
    q.wms_queue = "LAB_GRID";
    q.batch = "pool";
    q.job_labels = {"managed"};
    q.resource_types = {"SCORE", "MCORE"};
    q.submit.set("request_cpus", std::int64_t{4});
    spec = std::make_shared<const QueueSpec>(q);
  }
  void TearDown() override { fs::remove_all(root); }

  PilotNote pilot(std::uint64_t no, PilotState state = PilotState::pending) const {
    PilotNote n;
    n.no = no;
    n.spec = spec;
    n.queue = spec->name;
    n.batch_id = std::to_string(no) + ".0";
    n.submission = "s-1";
    n.state = state;
    n.at = Wall{1'795'305'700'000};
    n.planned = Wall{1'795'305'599'000};  // the day before
    n.submitted = Wall{1'795'305'600'000};
    return n;
  }
  QueueNote queue(std::int64_t pending, std::int64_t running) const {
    return {spec->name, "Ready:ret=1", 1, Wall{1'795'305'700'000}, spec, pending, running};
  }
  void tell(PandaReporter& r, const std::vector<PilotNote>& pilots, const std::vector<QueueNote>& queues = {}) {
    const auto done = r.tell(me, pilots, queues, context);
    EXPECT_TRUE(done) << done.error().text();
  }
  std::string logged() const {
    std::string all;
    for (const auto& [level, text] : context.logged) all += text + "\n";
    return all;
  }

  fs::path root;
  FactoryIdentity me;
  ReporterSettings settings;
  Server server;
  tests::FakeContext context;
  std::shared_ptr<const QueueSpec> spec;
};

TEST_F(PandaReports, APilotsLifeWithLinksToItsLogs) {
  PandaReporter r(settings);
  tell(r, {pilot(7)});
  ASSERT_EQ(server.workers.size(), 1U);
  const auto& [id, seen] = *server.workers.begin();
  EXPECT_EQ(seen["status"], "submitted");
  EXPECT_EQ(seen["computingSite"], "LAB_GRID");
  EXPECT_EQ(seen["queueName"], "BNL/1");
  EXPECT_EQ(seen["jobType"], "managed");
  EXPECT_EQ(seen["resourceType"], "ANY") << "it serves two";
  EXPECT_EQ(seen["nCore"], 4);
  EXPECT_EQ(seen["computingElement"], "pool");
  EXPECT_EQ(seen["submissionHost"], "submit1");
  EXPECT_EQ(seen["stdOut"], "http://h/logs/2026-11-21/BNL_1/7.0.out");
  EXPECT_EQ(seen["stdErr"], "http://h/logs/2026-11-21/BNL_1/7.0.err");
  EXPECT_EQ(seen["batchLog"], "http://h/logs/2026-11-21/BNL_1/7.0.log");
  EXPECT_FALSE(seen.contains("endTime"));
  PilotNote end = pilot(7, PilotState::done);
  end.started = Wall{1'795'305'650'000};
  end.exit_code = 3;
  end.node = "wn1";
  tell(r, {end});
  EXPECT_EQ(seen["status"], "failed");
  EXPECT_EQ(seen["nativeExitCode"], 3);
  EXPECT_EQ(seen["nodeID"], "wn1");
  EXPECT_EQ(seen["startTime"], "datetime/2026-11-22 00:00:50.000000");
  EXPECT_EQ(seen["endTime"], "datetime/2026-11-22 00:01:40.000000");
  EXPECT_EQ(server.workers.size(), 1U) << "it keeps its id";
}

TEST(PandaWorkers, EveryStateHasItsWord) {
  const std::vector<std::pair<PilotState, const char*>> table = {
      {PilotState::pending, "submitted"}, {PilotState::held, "submitted"},       {PilotState::unknown, "submitted"},
      {PilotState::running, "running"},   {PilotState::transferring, "running"}, {PilotState::suspended, "idle"},
      {PilotState::done, "finished"},     {PilotState::failed, "failed"},        {PilotState::removed, "cancelled"}};
  for (const auto& [state, word] : table) EXPECT_STREQ(worker_status(state, -1), word) << name(state);
  EXPECT_STREQ(worker_status(PilotState::done, 0), "finished");
  EXPECT_STREQ(worker_status(PilotState::done, 1), "failed");
}

TEST_F(PandaReports, IdsSurviveARestartAndNeverComeTwice) {
  tell(*std::make_unique<PandaReporter>(settings), {pilot(1)});
  tell(*std::make_unique<PandaReporter>(settings), {pilot(1, PilotState::running), pilot(2)});
  EXPECT_EQ(server.workers.size(), 2U);
  EXPECT_EQ(server.workers.rbegin()->first, server.workers.begin()->first + 1);
  EXPECT_GT(server.workers.begin()->first, 400'000'000) << "counted from the time of the first report";
  EXPECT_LT(server.workers.rbegin()->first, 99'999'999'999) << "the column's width";
  std::ofstream(root / "panda-first-worker") << "i0 5\n";  // of another state directory
  tell(*std::make_unique<PandaReporter>(settings), {pilot(1)});
  EXPECT_FALSE(server.workers.contains(6));
}

// What the pilot says of itself and what we say of it name the same worker.
TEST_F(PandaReports, PilotsCarryTheNumbersThatAreReported) {
  PandaReporter r(settings);
  r.introduce(me);
  EXPECT_EQ(me.harvester_id, "lab");
  tell(r, {pilot(7)});
  ASSERT_EQ(server.workers.size(), 1U);
  EXPECT_EQ(server.workers.begin()->first, me.first_worker + 7);
  FactoryIdentity lost = me;
  lost.harvester_id.clear();
  lost.state_dir = root / "none";
  r.introduce(lost);
  EXPECT_EQ(lost.harvester_id, "");
}

TEST_F(PandaReports, WithoutAPlaceForIdsNothingIsReported) {
  me.state_dir = root / "none";
  PandaReporter r(settings);
  const auto done = r.tell(me, std::vector{pilot(1)}, {}, context);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, "file.not_written");
  EXPECT_TRUE(server.workers.empty());
}

TEST_F(PandaReports, CollectsForTheIntervalAndSendsInBatches) {
  settings.interval = seconds{3600};
  settings.batch = 3;
  PandaReporter r(settings);
  tell(r, {pilot(1), pilot(2)});
  tell(r, {pilot(1, PilotState::running)});
  EXPECT_TRUE(server.paths.empty()) << "neither the time nor the batch is full";
  tell(r, {pilot(3), pilot(4), pilot(5), pilot(6), pilot(7)});
  EXPECT_THAT(server.batches, ElementsAre(3U, 3U)) << "the seventh waits for more";
  EXPECT_EQ(server.workers.begin()->second["status"], "running") << "only the newest state is sent";
}

TEST_F(PandaReports, TellsHowManyThereAreBySite) {
  settings.counts_interval = seconds{3600};
  PandaReporter r(settings);
  QueueNote other = queue(1, 2);
  other.queue = "BNL/2";
  tell(r, {}, {queue(5, 10), other});
  EXPECT_EQ(server.counts["LAB_GRID"], json::parse(R"({"managed": {"ANY": {"running": 12, "submitted": 6}}})"));
  server.counts.clear();
  tell(r, {}, {queue(5, 10)});
  EXPECT_TRUE(server.counts.empty()) << "nothing is new";
  tell(r, {}, {queue(4, 11)});
  EXPECT_EQ(server.counts["LAB_GRID"]["managed"]["ANY"]["running"], 13);
  QueueNote nowhere = queue(1, 1);
  nowhere.spec = std::make_shared<const QueueSpec>();
  tell(r, {}, {nowhere});
  EXPECT_EQ(server.counts.size(), 1U) << "a queue without a WMS is none of PanDA's";
}

TEST_F(PandaReports, WaitsAndKeepsWhatItHasWhileTheServerIsDown) {
  settings.longest_queue = 3;
  PandaReporter r(settings);
  server.trouble = HttpReply{503, "busy", {}};
  tell(r, {pilot(1)});
  EXPECT_EQ(server.paths.size(), 1U);
  EXPECT_THAT(logged(), HasSubstr("reports wait, since the server does not take them"));
  for (std::uint64_t no = 2; no < 6; ++no) tell(r, {pilot(no)});
  EXPECT_EQ(server.paths.size(), 1U) << "it is left alone for a while";
  EXPECT_EQ(context.logged.size(), 1U) << "said once";
  server.trouble.reset();
  r.try_now();
  tell(r, {});
  EXPECT_EQ(server.workers.size(), 3U);
  EXPECT_EQ(server.workers.begin()->second["batchID"], "3.0") << "the oldest were dropped";
  EXPECT_THAT(logged(), HasSubstr("news of 2 pilots were dropped"));
}

TEST_F(PandaReports, OneThatTheDatabaseDoesNotTakeHoldsNobodyUp) {
  settings.batch = 4;
  tell(*std::make_unique<PandaReporter>(settings), {pilot(100)});  // to learn the ids
  server.poison = server.workers.begin()->first - 100 + 2;
  server.workers.clear();
  PandaReporter r(settings);
  tell(r, {pilot(1), pilot(2), pilot(3), pilot(4)});
  for (int i = 0; i < 20; ++i) {
    r.try_now();
    tell(r, {});
  }
  EXPECT_EQ(server.workers.size(), 3U);
  EXPECT_THAT(logged(), HasSubstr("PanDA does not take the pilot 2.0"));
  const auto before = server.paths.size();
  r.try_now();
  tell(r, {});
  EXPECT_EQ(server.paths.size(), before) << "it is given up";
}

TEST_F(PandaReports, OldServersAreToldInTheOldForm) {
  server.legacy = true;
  settings.counts_interval = seconds{60};
  PandaReporter r(settings);
  tell(r, {pilot(1)}, {queue(1, 0)});
  EXPECT_EQ(server.workers.size(), 1U);
  EXPECT_EQ(server.counts.size(), 1U);
  EXPECT_THAT(server.paths, ElementsAre("/api/v1/harvester/update_workers", "/server/panda/updateWorkers",
                                        "/server/panda/reportWorkerStats_jobtype"));
  server.legacy = false;  // the server was renewed
  tell(r, {pilot(2)});
  EXPECT_EQ(server.workers.size(), 2U);
}

TEST(PandaReporterPlugin, RefusesWhatCannotWork) {
  Registry registry;
  register_all(registry);
  const auto* plugin = find(registry.monitor, "panda");
  ASSERT_NE(plugin, nullptr);
  const auto made = [&](const std::string& url, const std::string& id, const std::string& cert) {
    Options o;
    o.set("url", url);
    o.set("harvester_id", id);
    if (!cert.empty()) o.set("cert", cert);
    o.set("return_after", Duration(seconds{300}));
    o.set("interval", Duration(seconds{30}));
    o.set("counts_interval", Duration(seconds{300}));
    o.set("batch", std::int64_t{100});
    o.set("queue", std::int64_t{20000});
    auto m = plugin->make(o);
    return m ? std::string() : m.error().code;
  };
  EXPECT_EQ(made("https://p", "lab_1.a-b", "c"), "");
  EXPECT_EQ(made("http://127.0.0.1:25080", "lab", ""), "");
  EXPECT_EQ(made("https://p", "lab", ""), "panda.no_credential");
  EXPECT_EQ(made("https://p", "", "c"), "panda.bad_harvester_id");
  EXPECT_EQ(made("https://p", "a b", "c"), "panda.bad_harvester_id");
  EXPECT_EQ(made("https://p", std::string(51, 'a'), "c"), "panda.bad_harvester_id");
  EXPECT_EQ(made("p", "lab", "c"), "panda.bad_url");
}

}  // namespace
}  // namespace apf::panda
