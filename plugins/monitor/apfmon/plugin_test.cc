#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "apf/registry.h"
#include "apfmon.h"
#include "protocol/form.h"
#include "support/fake_context.h"

namespace apf::apfmon {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// A server that keeps the original's rules: factories and labels first, and only the next state each time.
struct Server {
  std::optional<HttpReply> trouble;
  bool knows_factory = false;
  std::set<std::string> labels;
  std::map<std::string, std::string> states;  // of pilots, by "factory:cid"
  std::map<std::string, std::string> said;    // by "factory:label"
  std::vector<std::string> calls, bodies;
  HttpRequest last;

  Result<HttpReply> operator()(const HttpRequest& r) {
    last = r;
    constexpr std::string_view base = "http://127.0.0.1/api";
    EXPECT_TRUE(r.url.starts_with(base)) << r.url;
    const std::string path = r.url.substr(base.size());
    calls.push_back(r.method + " " + path);
    bodies.push_back(r.body);
    if (trouble) return *trouble;
    if (path.starts_with("/factories/")) {
      knows_factory = true;
      return HttpReply{201, "", {}};
    }
    if (!knows_factory) return HttpReply{404, "no such factory", {}};
    if (r.method == "PUT") return list(path, json::parse(r.body));
    const auto form = *protocol::read_form(r.body);
    if (!path.starts_with("/jobs/")) {
      said[path.substr(std::string("/labels/").size())] = form.at(0).second;
      return HttpReply{200, "", {}};
    }
    const auto at = states.find(path.substr(std::string("/jobs/").size()));
    if (at == states.end()) return HttpReply{404, "no such job", {}};
    static const std::map<std::string, std::string> before = {
        {"running", "created"}, {"exiting", "running"}, {"done", "exiting"}};
    const std::string& state = form.at(0).second;
    if (state != "fault" && before.at(state) != at->second) return HttpReply{400, "wrong transition", {}};
    at->second = state;
    return HttpReply{200, "", {}};
  }
  HttpReply list(const std::string& path, const json& all) {
    for (const json& one : all) {
      if (path == "/labels")
        labels.insert(one["name"].get<std::string>());
      else
        states.try_emplace(one["factory"].get<std::string>() + ":" + one["cid"].get<std::string>(), "created");
    }
    return {201, "", {}};
  }
};

class Apfmon : public testing::Test {
 protected:
  Apfmon() {
    me.factory_id = "lab";
    me.log_url = "http://h/logs";
    settings.url = "http://127.0.0.1/api";
    settings.email = "admin@example.org";
    settings.interval = Duration{};
    settings.api = Api::apfmon;
    context.on_http = std::ref(server);
    auto q = std::make_shared<QueueSpec>();
    q->name = "Q";
    q->wms_queue = "WQ";
    q->batch = "pool";
    spec = q;
  }
  [[nodiscard]] PilotNote pilot(std::uint64_t no, PilotState state, std::int32_t exit_code = -1) const {
    PilotNote n;
    n.no = no;
    n.spec = spec;
    n.queue = "Q";
    n.batch_id = std::to_string(no) + ".0";
    n.state = state;
    n.exit_code = exit_code;
    return n;
  }
  [[nodiscard]] QueueNote decision(const std::string& text) const {
    QueueNote n;
    n.queue = "Q";
    n.message = text;
    n.spec = spec;
    return n;
  }
  void tell(const std::vector<PilotNote>& pilots, const std::vector<QueueNote>& queues = {}) {
    if (!reporter) reporter = std::make_unique<Reporter>(settings);
    reporter->try_now();
    ASSERT_TRUE(reporter->tell(me, pilots, queues, context));
  }

  FactoryIdentity me;
  Settings settings;
  tests::FakeContext context;
  Server server;
  std::shared_ptr<const QueueSpec> spec;
  std::unique_ptr<Reporter> reporter;
};

TEST_F(Apfmon, SaysWhatAutoPyFactorySaid) {
  tell({pilot(1, PilotState::pending)}, {decision("Ready:in=0,ret=7;MaxPending:in=7,ret=5")});
  EXPECT_THAT(server.calls, ElementsAre("PUT /factories/lab", "PUT /labels", "PUT /jobs", "POST /labels/lab:Q"));
  EXPECT_EQ(json::parse(server.bodies[0]),
            (json{{"url", "http://h/logs"}, {"version", APF_VERSION}, {"email", "admin@example.org"}}));
  EXPECT_EQ(json::parse(server.bodies[1]), json::array({{{"name", "Q"},
                                                         {"factory", "lab"},
                                                         {"wmsqueue", "WQ"},
                                                         {"batchqueue", "pool"},
                                                         {"resource", "pool"},
                                                         {"localqueue", ""}}}));
  EXPECT_EQ(json::parse(server.bodies[2]), json::array({{{"cid", "1.0"}, {"factory", "lab"}, {"label", "Q"}}}));
  EXPECT_EQ(server.said["lab:Q"], "Ready:in=0,ret=7;MaxPending:in=7,ret=5");
}

TEST_F(Apfmon, APilotsLifeIsToldInTheOrderThatServersWant) {
  tell({pilot(1, PilotState::pending), pilot(2, PilotState::pending)}, {decision("x")});
  tell({pilot(1, PilotState::running)});
  EXPECT_EQ(server.states["lab:1.0"], "running");
  tell({pilot(1, PilotState::done, 0)});
  EXPECT_EQ(server.states["lab:1.0"], "done");
  EXPECT_THAT(server.bodies, testing::Contains("state=exiting&rc=0"));
  PilotNote bad = pilot(2, PilotState::done, 64);
  bad.node = "wn1.lab";
  bad.reason = "no <b>disk</b> & more";
  tell({bad});
  EXPECT_EQ(server.states["lab:2.0"], "fault");
  EXPECT_EQ(server.bodies.back(), "state=fault&rc=64&node=wn1.lab&text=no%20%3Cb%3Edisk%3C%2Fb%3E%20%26%20more");
}

TEST_F(Apfmon, AWholeLifeWhileTheServerWasAwayComesInOrder) {
  server.trouble = HttpReply{503, "", {}};
  tell({pilot(1, PilotState::pending)}, {decision("first")});
  tell({pilot(1, PilotState::running)}, {decision("second")});
  tell({pilot(1, PilotState::done, 0)}, {decision("third")});
  EXPECT_THAT(context.logged, SizeIs(1)) << "it says so once";
  server.trouble.reset();
  tell({});
  EXPECT_EQ(server.states["lab:1.0"], "done");
  EXPECT_EQ(server.said["lab:Q"], "third");
  EXPECT_THAT(context.logged.back().second, HasSubstr("takes news again"));
}

TEST_F(Apfmon, AServerThatFailsIsLeftAloneForAWhile) {
  server.trouble = HttpReply{500, "", {}};
  tell({pilot(1, PilotState::pending)});
  server.calls.clear();
  ASSERT_TRUE(reporter->tell(me, {}, {}, context));
  EXPECT_THAT(server.calls, IsEmpty());
}

TEST_F(Apfmon, TooMuchNewsDropsTheOldestAndSaysHowMany) {
  settings.longest_queue = 100;
  server.trouble = HttpReply{500, "", {}};
  for (std::uint64_t i = 1; i <= 130; ++i) tell({pilot(i, PilotState::pending)});
  server.trouble.reset();
  tell({});
  EXPECT_THAT(server.states, SizeIs(100));
  EXPECT_FALSE(server.states.contains("lab:30.0"));
  EXPECT_TRUE(server.states.contains("lab:130.0"));
  EXPECT_THAT(context.logged.back().second, HasSubstr("30 pilots were dropped"));
}

TEST_F(Apfmon, AServerThatForgotIsToldAgainWhoWeAre) {
  tell({}, {decision("x")});
  server.knows_factory = false;
  server.labels.clear();
  tell({pilot(1, PilotState::pending)});
  tell({});
  EXPECT_EQ(server.states["lab:1.0"], "created");
  EXPECT_TRUE(server.labels.contains("Q"));
}

TEST_F(Apfmon, PilotsThatAServerWillNotTakeDoNotStopTheRest) {
  tell({}, {decision("x")});
  server.trouble = HttpReply{400, "too strange", {}};
  for (int i = 0; i < 3; ++i) tell({pilot(1, PilotState::pending)});
  server.trouble.reset();
  tell({pilot(2, PilotState::pending)});
  EXPECT_EQ(server.states["lab:2.0"], "created");
}

TEST_F(Apfmon, ManyPilotsGoInFewRequests) {
  std::vector<PilotNote> many;
  for (std::uint64_t i = 1; i <= 250; ++i) many.push_back(pilot(i, PilotState::pending));
  tell(many);
  EXPECT_EQ(std::count(server.calls.begin(), server.calls.end(), "PUT /jobs"), 3);
  EXPECT_THAT(server.states, SizeIs(250));
}

TEST_F(Apfmon, TheTokenGoesAlong) {
  settings.token_file = "/t";
  context.credentials["/t"] = "secret";
  tell({}, {decision("x")});
  EXPECT_THAT(server.last.headers, testing::Contains(std::make_pair("Authorization", "Bearer secret")));
}

TEST_F(Apfmon, AFileThatHoldsMoreThanATokenIsNotSent) {
  settings.token_file = "/t";
  context.credentials["/t"] = "secret\r\nX-More: 1";
  tell({}, {decision("x")});
  EXPECT_THAT(server.calls, IsEmpty());
  EXPECT_THAT(context.logged.back().second, HasSubstr("apfmon.bad_token"));
}

TEST(ApfmonOptions, AddressesThatWillNotDoAreRefused) {
  Registry registry;
  register_all(registry);
  const auto* plugin = find(registry.monitor, "apfmon");
  ASSERT_NE(plugin, nullptr);
  const auto made = [&](const std::map<std::string, std::string>& values) {
    Options o;
    for (const auto& [name, value] : values) o.set(name, value);
    o.set("interval", Duration(seconds{60}));
    o.set("queue", std::int64_t{1000});
    auto m = plugin->make(o);
    return m ? std::string() : m.error().code;
  };
  EXPECT_EQ(made({{"url", "http://h/api/"}}), "");
  EXPECT_EQ(made({{"url", "ftp://h/api"}}), "apfmon.bad_url");
  EXPECT_EQ(made({{"url", "http://h/api?x"}}), "apfmon.bad_url");
  EXPECT_EQ(made({{"url", "http://h/api"}, {"api", "apfmon"}, {"pilots", "monitor"}}), "apfmon.pilots_need_v1");
  EXPECT_EQ(made({{"url", "http://h/api"}, {"token_file", "/t"}}), "apfmon.token_in_clear");
  EXPECT_EQ(made({{"url", "https://h/api"}, {"token_file", "/t"}}), "");
  EXPECT_EQ(made({{"url", "http://127.0.0.1:8080/api"}, {"token_file", "/t"}}), "");
  EXPECT_EQ(made({{"url", "http://127.example.org/api"}, {"token_file", "/t"}}), "apfmon.token_in_clear");
}

}  // namespace
}  // namespace apf::apfmon
