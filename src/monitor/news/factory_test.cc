// What a factory's plug-in tells, as this monitor understands it.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "apf/registry.h"
#include "support/fake_context.h"
#include "support/monitor_fixture.h"

namespace apf {
namespace {

using nlohmann::json;

class FactoryTest : public tests::MonitorTest {
 protected:
  FactoryTest() {
    context_.on_http = [](const HttpRequest& r) { return net::fetch(r, mono_now() + seconds{60}); };
    auto q = std::make_shared<QueueSpec>();
    q->name = "Q";
    q->wms_queue = "WQ";
    q->batch = "pool";
    q->site = "CERN";
    spec_ = q;
    me_.factory_id = "lab";
    me_.log_url = "http://h/logs";
    register_all(registry_);
    Options o;
    o.set("url", server_->url() + "/api");
    o.set("interval", Duration{});
    o.set("queue", std::int64_t{1000});
    monitor_ = find(registry_.monitor, "apfmon")->make(o).value();
  }
  [[nodiscard]] PilotNote pilot(std::uint64_t no, PilotState state) const {
    PilotNote n;
    n.no = no;
    n.spec = spec_;
    n.queue = "Q";
    n.batch_id = std::to_string(no) + ".0";
    n.submission = "s-1";
    n.planned = n.submitted = submitted_;
    n.state = state;
    return n;
  }
  void tell(const std::vector<PilotNote>& pilots) {
    QueueNote q;
    q.queue = "Q";
    q.message = "Ready:in=0,ret=2";
    q.spec = spec_;
    const std::vector<QueueNote> queues{q};
    ASSERT_TRUE(monitor_->tell(me_, pilots, queues, context_));
    for (const auto& [level, text] : context_.logged) ADD_FAILURE() << text;
  }
  json get(const std::string& path) { return json::parse(call("GET", "/api/v1/" + path).body); }

  // The page of a pilot once it has that state or hold: it follows within a moment.
  json page_of(const std::string& id, const char* member, const json& value) {
    json p;
    until([&] { return (p = get("pilot?factory=lab&id=" + id)).value(member, json()) == value; });
    return p;
  }

  const Wall submitted_{wall_now().ms - 60'000};
  Registry registry_;
  std::unique_ptr<Monitor> monitor_;
  tests::FakeContext context_;
  std::shared_ptr<const QueueSpec> spec_;
  FactoryIdentity me_;
};

TEST_F(FactoryTest, TellsPilotsFromSubmissionToEndWithTheirNode) {
  tell({pilot(1, PilotState::pending), pilot(2, PilotState::pending)});
  PilotNote running = pilot(1, PilotState::running);
  running.started = Wall{wall_now().ms - 5000};
  running.node = "wn1";
  running.profile = R"({"cores":2,"cpu":"x"})";
  tell({running});
  PilotNote end = running;
  end.state = PilotState::done;
  end.exit_code = 0;
  end.payloads = 0;
  end.at = Wall{wall_now().ms - 1000};
  tell({end});
  const json p = page_of("1.0", "state", "done");
  EXPECT_EQ(p["work"], "empty");
  EXPECT_EQ(p["node_facts"]["profile"]["cores"], 2);
  EXPECT_EQ(p["created"], iso8601(running.submitted));
  EXPECT_EQ(p["running"], iso8601(running.started));
  EXPECT_EQ(p["ended"], iso8601(end.at));
  EXPECT_THAT(p["links"]["log"].get<std::string>(), testing::HasSubstr("/Q/1.0.log"));
  json label;
  until([&] { return (label = get("label?factory=lab&name=Q")).contains("site"); });
  EXPECT_EQ(label["site"], "CERN");
  EXPECT_EQ(label["messages"][0]["text"], "Ready:in=0,ret=2");
}

TEST_F(FactoryTest, AHoldIsShownUntilThePilotIsReleased) {
  PilotNote held = pilot(1, PilotState::held);
  held.reason = "proxy expired";
  tell({pilot(1, PilotState::pending), pilot(2, PilotState::pending)});
  tell({held});
  json p = page_of("1.0", "held", true);
  EXPECT_EQ(p["state"], "created");
  EXPECT_EQ(p["reason"], "proxy expired");
  EXPECT_EQ(p["line"].back()["text"], "held: proxy expired");
  until([&] { return get("label?factory=lab&name=Q")["live"]["held"] == 1; });
  tell({pilot(1, PilotState::pending)});
  p = page_of("1.0", "held", false);
  EXPECT_EQ(p["reason"], "");
  EXPECT_EQ(p["line"].back()["text"], "released");
  until([&] { return get("label?factory=lab&name=Q")["live"]["held"] == 0; });
}

// A pilot that the factory takes back without having run is no sign of holds.
TEST_F(FactoryTest, OnlyWhatWasHeldCountsAsHeldWhereThatIsTold) {
  tell({pilot(1, PilotState::pending), pilot(2, PilotState::held)});
  tell({pilot(1, PilotState::removed), pilot(2, PilotState::removed)});
  call("PUT", "/api/jobs", R"([{"cid":"1.0","factory":"old","label":"Q"}])");
  call("POST", "/api/jobs/old:1.0", "state=fault");
  until([&] {
    json label = get("label?factory=lab&name=Q"), old = get("label?factory=old&name=Q");
    return label["hour"]["unstarted"] == 2 && label["hour"]["held"] == 1 && old["hour"]["held"] == 1;
  });
  start();  // figures are made anew of what is stored
  EXPECT_EQ(get("label?factory=lab&name=Q")["hour"]["held"], 1);
}

}  // namespace
}  // namespace apf
