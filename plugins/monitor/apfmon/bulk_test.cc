#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "apfmon.h"
#include "support/fake_context.h"

namespace apf::apfmon {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

// An apf-monitor, as far as a factory sees it.
struct Site {
  std::optional<HttpReply> trouble, hello;
  std::string bad;  // a pilot's id that it will not take
  std::vector<std::string> calls;
  std::vector<json> news;  // that it took

  Result<HttpReply> operator()(const HttpRequest& r) {
    calls.push_back(r.method + " " + r.url);
    if (trouble) return *trouble;
    if (r.url != "http://127.0.0.1/api/v1/news") return HttpReply{404, "no such address", {}};
    if (r.method == "GET") return hello.value_or(HttpReply{200, R"({"program":"apf-monitor","version":"1"})", {}});
    const json body = json::parse(r.body);
    for (const json& pilot : body.value("pilots", json::array()))
      if (pilot["id"] == bad) return HttpReply{400, "pilots[0]: will not do", {}};
    news.push_back(body);
    return HttpReply{200, "{}", {}};
  }
  [[nodiscard]] std::vector<std::string> told() const {  // "<id> <state>" of pilots
    std::vector<std::string> all;
    for (const json& body : news)
      for (const json& pilot : body.value("pilots", json::array()))
        all.push_back(pilot["id"].get<std::string>() + " " + pilot["state"].get<std::string>());
    return all;
  }
};

class Bulk : public testing::Test {
 protected:
  Bulk() {
    me_.factory_id = "lab";
    me_.log_url = "http://h/logs";
    settings_.url = "http://127.0.0.1/api";
    settings_.interval = Duration{};
    context_.on_http = std::ref(site_);
    auto q = std::make_shared<QueueSpec>();
    q->name = "Q";
    q->wms_queue = "WQ";
    q->batch = "pool";
    q->site = "CERN";
    q->cloud = "CH";
    q->input_files = {"/token", "/text"};
    spec_ = q;
  }
  [[nodiscard]] PilotNote pilot(std::uint64_t no, PilotState state) const {
    PilotNote n;
    n.no = no;
    n.spec = spec_;
    n.queue = "Q";
    n.batch_id = std::to_string(no) + ".0";
    n.submission = "s-1";
    n.index = static_cast<std::uint32_t>(no);
    n.planned = n.submitted = Wall{1'795'305'600'000};
    n.state = state;
    return n;
  }
  [[nodiscard]] QueueNote decision(const std::string& text) const {
    QueueNote n;
    n.queue = "Q";
    n.message = text;
    n.spec = spec_;
    n.at = Wall{5};
    return n;
  }
  void tell(const std::vector<PilotNote>& pilots, const std::vector<QueueNote>& queues = {}) {
    if (!reporter_) reporter_ = std::make_unique<Reporter>(settings_);
    reporter_->try_now();
    ASSERT_TRUE(reporter_->tell(me_, pilots, queues, context_));
  }
  [[nodiscard]] json last_pilot() const { return site_.news.back()["pilots"].back(); }

  FactoryIdentity me_;
  Settings settings_;
  tests::FakeContext context_;
  Site site_;
  std::shared_ptr<const QueueSpec> spec_;
  std::unique_ptr<Reporter> reporter_;
};

TEST_F(Bulk, OursIsFoundOutOnceAndToldInBulk) {
  tell({pilot(1, PilotState::pending), pilot(2, PilotState::pending)}, {decision("Ready:in=0,ret=2")});
  tell({pilot(1, PilotState::running)});
  const std::string news = "POST http://127.0.0.1/api/v1/news";
  EXPECT_THAT(site_.calls, ElementsAre("GET http://127.0.0.1/api/v1/news", news, news, news, news));
  EXPECT_THAT(site_.told(), ElementsAre("1.0 created", "2.0 created", "1.0 running"));
  const json& factory = site_.news[0]["factory"];
  EXPECT_EQ(factory["name"], "lab");
  EXPECT_EQ(factory["url"], "http://h/logs");
  EXPECT_EQ(factory["started"], true);
  const json label = {{"name", "Q"},   {"wms_queue", "WQ"}, {"batch_queue", "pool"},       {"site", "CERN"},
                      {"cloud", "CH"}, {"at", 5},           {"status", "Ready:in=0,ret=2"}};
  EXPECT_EQ(site_.news[0]["labels"], json::array({label}));
  EXPECT_EQ(site_.news[1]["pilots"][0]["details"]["stdout"], "http://h/logs/2026-11-22/Q/1.0.out");
}

TEST_F(Bulk, AnyOtherServerIsSpokenToAsAnApfmon) {
  for (const HttpReply& hello : {HttpReply{404, "", {}}, HttpReply{405, "", {}}, HttpReply{500, "", {}},
                                 HttpReply{200, "<html>welcome</html>", {}}, HttpReply{200, "[1]", {}}}) {
    SCOPED_TRACE(hello.status);
    site_ = {};
    site_.hello = hello;
    reporter_.reset();
    tell({});
    EXPECT_THAT(site_.calls, ElementsAre("GET http://127.0.0.1/api/v1/news", "PUT http://127.0.0.1/api/factories/lab"));
  }
}

TEST_F(Bulk, AServerThatDoesNotAnswerIsAskedAgain) {
  site_.trouble = HttpReply{503, "", {}};
  tell({pilot(1, PilotState::pending)});
  EXPECT_THAT(site_.calls, SizeIs(1));
  EXPECT_THAT(context_.logged.back().second, HasSubstr("503"));
  site_.trouble.reset();
  tell({});
  EXPECT_THAT(site_.told(), ElementsAre("1.0 created"));
  site_.trouble = HttpReply{404, "", {}};  // it went, and an APFMon stands in its place
  tell({pilot(1, PilotState::running)});
  tell({});
  EXPECT_EQ(site_.calls.back(), "PUT http://127.0.0.1/api/factories/lab");
}

TEST_F(Bulk, WhatIsConfiguredIsNotAskedFor) {
  settings_.api = Api::v1;
  tell({pilot(1, PilotState::pending)});
  EXPECT_EQ(site_.calls.front(), "POST http://127.0.0.1/api/v1/news");
}

TEST_F(Bulk, ALifeThatWaitedGoesTogether) {
  tell({});
  site_.news.clear();
  site_.trouble = HttpReply{503, "", {}};
  tell({pilot(1, PilotState::pending)});
  PilotNote running = pilot(1, PilotState::running);
  running.started = Wall{20};
  running.profile = R"({"cores":2})";
  tell({running});
  PilotNote end = pilot(1, PilotState::done);
  end.exit_code = 64;
  end.at = Wall{30};
  end.started = Wall{20};
  end.node = "wn1";
  end.payloads = 0;
  site_.trouble.reset();
  tell({end});
  EXPECT_THAT(site_.told(), ElementsAre("1.0 created", "1.0 running", "1.0 fault"));
  const json expected = {{"id", "1.0"},
                         {"label", "Q"},
                         {"state", "fault"},
                         {"at", 30},
                         {"rc", 64},
                         {"text", "exit code 64"},
                         {"node", "wn1"},
                         {"submission", "s-1"},
                         {"index", 1},
                         {"payloads", 0},
                         {"held", false},
                         {"profile", {{"cores", 2}}},
                         {"details", last_pilot()["details"]}};
  EXPECT_EQ(last_pilot(), expected);
  EXPECT_EQ(site_.news.back()["pilots"][1]["at"], 20);
}

TEST_F(Bulk, AHeldPilotIsToldWithTheReason) {
  PilotNote held = pilot(1, PilotState::held);
  held.reason = "proxy expired";
  tell({pilot(1, PilotState::pending)});
  EXPECT_EQ(last_pilot()["held"], false);
  tell({held});
  EXPECT_EQ(last_pilot()["state"], "created");
  EXPECT_EQ(last_pilot()["held"], true);
  EXPECT_EQ(last_pilot()["hold_reason"], "proxy expired");
  PilotNote removed = pilot(1, PilotState::removed);
  removed.reason = "held for too long";
  tell({removed});
  EXPECT_FALSE(last_pilot().contains("held")) << "it ended as it was";
}

TEST_F(Bulk, OnePilotThatIsRefusedIsLeftOutAndTheOthersAreTold) {
  site_.bad = "5.0";
  std::vector<PilotNote> many;
  for (std::uint64_t i = 1; i <= 9; ++i) many.push_back(pilot(i, PilotState::pending));
  tell(many);
  EXPECT_THAT(site_.told(), SizeIs(8));
  EXPECT_THAT(site_.told(), testing::Not(testing::Contains("5.0 created")));
  EXPECT_THAT(context_.logged.back().second,
              HasSubstr("a pilot is not told: http://127.0.0.1/api/v1/news: HTTP status 400"));
}

TEST_F(Bulk, ThousandsGoInBodiesOfABoundedSize) {
  std::vector<PilotNote> many;
  for (std::uint64_t i = 1; i <= 2500; ++i) many.push_back(pilot(i, PilotState::pending));
  tell(many);
  EXPECT_THAT(site_.told(), SizeIs(2500));
  for (const json& body : site_.news) EXPECT_LE(body.value("pilots", json::array()).size(), 1000U);
  EXPECT_LE(site_.calls.size(), 12U);
}

TEST_F(Bulk, KeysOfSubmissionsGoWithTheirPilots) {
  settings_.hears_pilots = true;
  const std::string key(64, 'a'), other(64, 'b');
  std::vector<PilotNote> pilots = {pilot(0, PilotState::pending), pilot(1, PilotState::pending),
                                   pilot(2, PilotState::pending), pilot(3, PilotState::done)};
  for (PilotNote& p : pilots) p.together = 2;
  pilots[0].report_key_sha256 = pilots[1].report_key_sha256 = key;
  pilots[2].report_key_sha256 = other;  // more than were asked for came
  pilots[2].submission = "s-2";
  pilots[3].report_key_sha256 = std::string(64, 'c');
  pilots[3].submission = "s-3";
  tell(pilots);
  const json expected =
      json::array({{{"id", "s-1"}, {"key", key}, {"pilots", 2}}, {{"id", "s-2"}, {"key", other}, {"pilots", 3}}});
  EXPECT_EQ(site_.news.back()["submissions"], expected) << "those that ended report no more";
  EXPECT_THAT(site_.told(), testing::Contains("0.0 created")) << "in the same call";
  PilotNote running = pilot(1, PilotState::running);
  running.report_key_sha256 = key;
  running.together = 2;
  tell({running});
  EXPECT_EQ(site_.news.back()["submissions"], json::array({expected[0]})) << "a monitor may have lost it";
}

TEST_F(Bulk, NoKeysAreToldWherePilotsReportElsewhere) {
  PilotNote p = pilot(0, PilotState::pending);
  p.report_key_sha256 = std::string(64, 'a');
  tell({p});
  EXPECT_FALSE(site_.news.back().contains("submissions"));
  FactoryIdentity me;
  me.report_url = "http://factory/apfmon";
  reporter_->introduce(me);
  EXPECT_EQ(me.report_url, "http://factory/apfmon");
  settings_.hears_pilots = true;
  Reporter(settings_).introduce(me);
  EXPECT_EQ(me.report_url, "http://127.0.0.1/api");
}

// A token without a signature, which lives from `begins` to `ends`.
std::string token(std::int64_t begins_s, std::int64_t ends_s) {
  const auto base64 = [](const std::string& text) {
    constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string out;
    for (std::size_t i = 0; i < text.size(); i += 3) {
      std::uint32_t bits = 0;
      for (std::size_t k = 0; k < 3; ++k)
        bits = bits << 8U | (i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0U);
      for (std::size_t k = 0; k < 4 && i + k <= text.size(); ++k) out += letters[(bits >> (18 - 6 * k)) & 63U];
    }
    return out;
  };
  return base64(R"({"alg":"none"})") + "." + base64(json{{"nbf", begins_s}, {"exp", ends_s}}.dump()) + ".c2ln";
}

TEST_F(Bulk, TheEndOfTheFirstCredentialGoesAlong) {
  const std::int64_t now = wall_now().ms / 1000, day = 86400;
  context_.credentials["/text"] = "no credential";
  context_.credentials["/token"] = token(now - day, now + 9 * day);
  tell({}, {decision("x")});
  tell({}, {});
  reporter_.reset();
  site_.news.clear();
  tell({pilot(1, PilotState::pending)}, {decision("x")});
  EXPECT_EQ(site_.news[0]["factory"]["credential_ends"], (now + 9 * day) * 1000);
}

TEST_F(Bulk, AShortLivedCredentialCountsWhenNobodyRenewsIt) {
  const std::set<std::string> files = {"/token"};
  const Wall now{1'000'000'000'000};
  const auto ends_after = [&](std::int64_t begins_s, std::int64_t ends_s) {
    context_.credentials["/token"] = token(now.ms / 1000 + begins_s, now.ms / 1000 + ends_s);
    return credential_ends(files, now, context_).ms / 1000 - now.ms / 1000;
  };
  const std::int64_t none = -now.ms / 1000;
  EXPECT_EQ(ends_after(-600, 3000), none);
  EXPECT_EQ(ends_after(-3000, 600), 600);
  EXPECT_EQ(ends_after(-3600, -60), -60);
  EXPECT_EQ(ends_after(-86400, 5 * 86400), 5 * 86400);
  context_.credentials.clear();
  EXPECT_EQ(credential_ends(files, now, context_).ms, 0);
}

}  // namespace
}  // namespace apf::apfmon
