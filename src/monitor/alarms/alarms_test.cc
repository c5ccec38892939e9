#include "monitor/alarms/alarms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>

#include "config/options_table.h"
#include "monitor/alarms/alarm_routes.h"
#include "support/api_checker.h"
#include "support/directory.h"

namespace apf::monitor {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using tests::Directory;

// Gives the answer to whoever waits for it.
class Waiting final : public net::Reply {
 public:
  void send(net::Response response) override { promise_.set_value(std::move(response)); }
  [[nodiscard]] bool closed() const override { return false; }
  std::future<net::Response> answer() { return promise_.get_future(); }

 private:
  std::promise<net::Response> promise_;
};

struct Told {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> notices;
  bool down = false;
  int refused = 0;
  void wait_for(std::size_t n) {
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, std::chrono::minutes{2}, [&] { return notices.size() >= n; }));
  }
};

class FakeChannel final : public Channel {
 public:
  explicit FakeChannel(Told& told) : told_(told) {}
  [[nodiscard]] const char* name() const override { return "fake"; }
  Status send(std::span<const Notice> notices, std::int64_t, Mono, const std::atomic<bool>*) override {
    const std::scoped_lock lock(told_.mutex);
    told_.refused += told_.down ? 1 : 0;
    told_.changed.notify_all();
    if (told_.down) return fail(Kind::transient, "fake.down", "down");
    for (const Notice& n : notices) told_.notices.push_back((n.raised ? "raised " : "over ") + n.alarm.found.subject());
    told_.changed.notify_all();
    return {};
  }

 private:
  Told& told_;
};

// Figures in which the factory "lab" has a credential that ended.
SnapshotPtr trouble() {
  auto factory = std::make_shared<FactoryFigures>();
  factory->no = 1;
  factory->name = "lab";
  factory->seen = wall_now();
  factory->credential_ends = Wall{1};
  auto s = std::make_shared<Snapshot>();
  s->factories = {factory};
  return s;
}

struct Rig {
  Directory dir;
  Told told;
  std::vector<std::string> log;
  std::unique_ptr<Alarms> alarms;
  std::unique_ptr<Access> access;
  std::string admin = *create_token(dir.file("tokens"), TokenKind::admin, "joe", Wall{1});
  Router router;

  Rig() {
    access = *Access::open(*config::options_from_toml(access_options(), Scope::source, ""), dir.file("tokens"));
    start();
    add_alarm_routes(router, *alarms, *access, "https://mon.example.org");
  }
  void start() {
    alarms.reset();
    Alarms::Ports ports;
    ports.figures = [] { return trouble(); };
    ports.file = dir.file("alarms.json");
    ports.channels.push_back({std::make_unique<FakeChannel>(told), seconds{60}});
    ports.log = [this](const std::string& line) { log.push_back(line); };
    alarms = std::make_unique<Alarms>(std::move(ports));
  }
  void wait_for_alarm() const {
    const Mono patience = mono_now() + seconds{120};
    while (alarms->standing().empty() && mono_now() < patience) std::this_thread::sleep_for(milliseconds{2});
    ASSERT_FALSE(alarms->standing().empty());
  }
  net::Response call(const std::string& method, const std::string& path, const std::string& body = {}) const {
    net::Request r;
    r.method = method;
    r.path = path;
    r.body = body;
    r.peer = "127.0.0.1";
    if (method == "POST") r.headers["authorization"] = "Bearer " + admin;
    auto reply = std::make_shared<Waiting>();
    auto answer = reply->answer();
    if (auto refused = access->refuse(r, mono_now())) return *refused;
    router.handle(r, reply);
    return answer.get();
  }
  json get(const std::string& path) const { return json::parse(call("GET", path).body); }
};

constexpr const char* kAbout = R"({"code":"factory.credential","subject":"factory lab",)";

TEST(Alarms, AreToldShownAndReported) {
  Rig r;
  r.told.wait_for(1);
  EXPECT_THAT(r.told.notices, ElementsAre("raised factory lab"));
  const json all = r.get("/api/v1/alarms");
  ASSERT_EQ(all["alarms"].size(), 1U);
  EXPECT_EQ(all["alarms"][0]["code"], "factory.credential");
  EXPECT_EQ(all["alarms"][0]["acknowledged"], nullptr);
  EXPECT_EQ(all["deliveries"][0]["channel"], "fake");
  const json report = r.get("/api/v1/report");
  EXPECT_THAT(report["items"][0]["ticket"].get<std::string>(), HasSubstr("https://mon.example.org/report"));
}

TEST(Alarms, WhatWaitsWhenTheMonitorStopsIsToldOnceAfterTheNextStart) {
  Rig r;
  r.told.wait_for(1);
  r.alarms.reset();
  std::filesystem::remove(r.dir.file("alarms.json"));
  r.told.notices.clear();
  r.told.down = true;
  r.start();
  {
    std::unique_lock lock(r.told.mutex);
    ASSERT_TRUE(r.told.changed.wait_for(lock, std::chrono::minutes{2}, [&] { return r.told.refused > 0; }));
  }
  r.alarms.reset();
  r.told.down = false;
  r.start();
  r.told.wait_for(1);
  EXPECT_THAT(r.told.notices, ElementsAre("raised factory lab"));
  r.alarms.reset();
  std::ifstream file(r.dir.file("alarms.json"));
  EXPECT_EQ(json::parse(file)["waiting"], json::object());
}

TEST(Alarms, PeopleGiveOrdersThatSurviveARestart) {
  Rig r;
  r.wait_for_alarm();
  EXPECT_EQ(r.call("POST", "/api/v1/alarms/acknowledge", kAbout + std::string(R"("note":"on it"})")).status, 200);
  EXPECT_EQ(r.get("/api/v1/alarms")["alarms"][0]["acknowledged"]["by"], "joe");
  EXPECT_EQ(r.call("POST", "/api/v1/alarms/mute", kAbout + std::string(R"("reason":"downtime","for":"2h"})")).status,
            200);
  EXPECT_TRUE(r.get("/api/v1/report")["items"].empty());
  r.start();  // from the file
  const auto standing = r.alarms->standing();
  ASSERT_EQ(standing.size(), 1U);
  EXPECT_EQ(standing[0].acknowledged.note, "on it");
  ASSERT_EQ(r.alarms->mutes().size(), 1U);
  EXPECT_EQ(r.alarms->mutes()[0].reason, "downtime");
}

// Alarms that are raised, acknowledged and muted, mutes that end and that do not, and a way to people.
TEST(Alarms, AreShownAsDocumented) {
  Rig r;
  r.wait_for_alarm();
  const json document = tests::api_document();
  const auto wrong = [&](const char* path, const char* schema) {
    const json answer = r.get(path);
    return tests::ApiChecker(document).check(answer, {{"$ref", std::string("#/components/schemas/") + schema}}, path);
  };
  const auto check = [&] {
    EXPECT_EQ(wrong("/api/v1/alarms", "Alarms"), "");
    EXPECT_EQ(wrong("/api/v1/report", "Report"), "");
  };
  ASSERT_EQ(r.get("/api/v1/report")["items"].size(), 1U);
  check();
  ASSERT_EQ(r.call("POST", "/api/v1/alarms/acknowledge", kAbout + std::string(R"("note":"on it"})")).status, 200);
  ASSERT_TRUE(r.get("/api/v1/report")["items"][0]["acknowledged"].is_object());
  check();
  ASSERT_EQ(r.call("POST", "/api/v1/alarms/mute", kAbout + std::string(R"("reason":"downtime","for":"2h"})")).status,
            200);
  ASSERT_EQ(r.call("POST", "/api/v1/alarms/mute", R"({"code":"label.held"})").status, 200);
  const json all = r.get("/api/v1/alarms");
  ASSERT_EQ(all["alarms"][0]["muted"], true);
  ASSERT_EQ(all["mutes"].size(), 2U);
  ASSERT_EQ(all["deliveries"].size(), 1U);
  check();
}

TEST(Alarms, LiftMutes) {
  Rig r;
  r.wait_for_alarm();
  EXPECT_EQ(r.call("POST", "/api/v1/alarms/mute", R"({"subject":"factory lab"})").status, 200);
  EXPECT_EQ(r.get("/api/v1/alarms")["mutes"][0]["until"], nullptr);
  EXPECT_EQ(r.call("POST", "/api/v1/alarms/unmute", R"({"subject":"factory lab"})").status, 200);
  EXPECT_EQ(r.call("POST", "/api/v1/alarms/unmute", R"({"subject":"factory lab"})").status, 404);
}

TEST(Alarms, RefuseBadOrders) {
  Rig r;
  r.wait_for_alarm();
  for (const char* bad : {"", "[]", R"({"code":{}})", R"({"code":"a","extra":1})", R"({})", R"({"code":"a","for":"2"})",
                          R"({"code":"a","for":"-2h"})"})
    EXPECT_EQ(r.call("POST", "/api/v1/alarms/mute", bad).status, 400) << bad;
  EXPECT_EQ(r.call("POST", "/api/v1/alarms/acknowledge", R"({"code":"a","subject":"b"})").status, 404);
  EXPECT_EQ(r.call("POST", "/api/v1/alarms/acknowledge", R"({"code":"a","for":"2h"})").status, 400);
  r.admin = "guessed";
  EXPECT_EQ(r.call("POST", "/api/v1/alarms/unmute", kAbout + std::string("}")).status, 401);
}

TEST(Alarms, KeepABrokenFileAside) {
  Rig r;
  r.wait_for_alarm();
  r.alarms.reset();
  std::ofstream(r.dir.file("alarms.json")) << "{";
  r.log.clear();
  r.start();
  r.alarms.reset();  // its thread writes to the log, too
  EXPECT_THAT(r.log, testing::Contains(HasSubstr("alarms.json.bad")));
  EXPECT_TRUE(std::filesystem::exists(r.dir.file("alarms.json.bad")));
}

TEST(Alarms, SayThatTheDiskTakesNothing) {
  Rig r;
  r.wait_for_alarm();
  while (!std::filesystem::exists(r.dir.file("alarms.json"))) std::this_thread::sleep_for(milliseconds{2});
  std::filesystem::create_directory(r.dir.file("alarms.json.new"));
  const net::Response answer = r.call("POST", "/api/v1/alarms/acknowledge", kAbout + std::string("\"note\":\"\"}"));
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.body, HasSubstr("file.not_written"));
}

}  // namespace
}  // namespace apf::monitor
