// wms/panda: each file in cases/ is a conversation (requests that are expected, replies, the view that must come of
// it).
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "apf/registry.h"
#include "panda.h"
#include "support/fake_context.h"
#include "support/samples.h"

namespace apf::panda {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const std::filesystem::path kCases = std::string(APF_SOURCE_DIR) + "/plugins/wms/panda/cases";
constexpr const char* kUrl = "http://127.0.0.1:25080";

std::string row(const Demand& d) {
  return fmt::format("{} {} {} {}/{}/{}/{}/{}", d.wms_queue, d.resource_type, d.job_label, d.notready, d.ready,
                     d.running, d.done, d.failed);
}

std::string request_header(const HttpRequest& r, std::string_view name) {
  for (const auto& [key, value] : r.headers)
    if (key == name) return value;
  return {};
}

HttpReply reply_of(const json& j) {
  HttpReply reply;
  reply.status = j.value("status", 200);
  if (j.contains("sample")) reply.body = tests::panda_sample(j["sample"][0], j["sample"][1]);
  if (j.contains("body")) reply.body = j["body"].dump();
  if (j.contains("text")) reply.body = j["text"];
  if (j.contains("headers")) reply.headers = j["headers"].get<std::map<std::string, std::string>>();
  return reply;
}

// Answers from the list, and checks that just these requests come.
struct Conversation {
  const json& replies;
  std::size_t next = 0;

  Result<HttpReply> answer(const HttpRequest& r) {
    if (next == replies.size()) {
      ADD_FAILURE() << "one request too many: " << r.url;
      return fail(Kind::bug, "test.unexpected", r.url);
    }
    const json& j = replies[next++];
    EXPECT_EQ(r.url, j.value("at", std::string(kUrl)) + j["path"].get<std::string>());
    const bool new_api = j["path"].get<std::string>().starts_with("/api/");
    EXPECT_EQ(request_header(r, "Content-Type"), new_api ? "application/json" : "") << "servers before 0.6 look at it";
    EXPECT_EQ(r.method, "GET");
    EXPECT_EQ(request_header(r, "Accept"), "application/json");
    EXPECT_EQ(request_header(r, "If-None-Match"), j.value("etag", ""));
    if (j.contains("fails")) return fail(Kind::uncertain, j["fails"], "no answer");
    return reply_of(j);
  }
};

void check_view(const json& expected, const View<DemandData>& view) {
  std::vector<std::string> rows;
  for (const Demand& d : view.data.cells) rows.push_back(row(d));
  EXPECT_EQ(json(rows), expected["cells"]);
  EXPECT_EQ(json(std::map<std::string, std::string>(view.data.sites.begin(), view.data.sites.end())),
            expected["sites"]);
  EXPECT_EQ(view.data.lag, seconds{expected["lag_s"].get<int>()});
  EXPECT_TRUE(view.complete);
  EXPECT_EQ(view.data.tells_labels, expected.value("tells_labels", true));
  EXPECT_EQ(view.data.tells_types, view.data.tells_labels);
  EXPECT_THAT(view.evidence, HasSubstr(expected.value("evidence", "")));
  EXPECT_EQ(view.cursor, expected.value("cursor", view.cursor));
}

// One poll of the plug-in; `cursor` is that of the last view.
void check_poll(Wms& wms, const json& expected, std::string& cursor) {
  Conversation talk{expected["replies"]};
  tests::FakeContext context;
  context.on_http = [&](const HttpRequest& r) { return talk.answer(r); };
  const auto queues = expected.value("queues", std::vector<std::string>{});
  const auto view = wms.poll(queues, expected.value("from_cursor", cursor), context);
  EXPECT_EQ(talk.next, expected["replies"].size()) << "a request did not come";
  EXPECT_EQ(view ? "" : view.error().code, expected.value("error", ""));
  if (view)
    check_view(expected, *view);
  else
    EXPECT_EQ(view.error().kind == Kind::uncertain, false) << "a read has no effect";
  if (view) cursor = view->cursor;
  EXPECT_EQ(wms.pushes(), expected.value("pushes", wms.pushes()));
  std::string warned;
  for (const auto& [level, text] : context.logged) warned += text + "\n";
  for (const json& warning : expected.value("warns", json::array()))
    EXPECT_THAT(warned, HasSubstr(warning.get<std::string>()));
  if (!expected.contains("warns")) {
    EXPECT_EQ(warned, "");
  }
}

class PandaCase : public testing::TestWithParam<std::string> {};

TEST_P(PandaCase, Holds) {
  const json talk = json::parse(tests::read_file(kCases / (GetParam() + ".json")));
  Settings settings;
  settings.access.servers = talk.value("servers", std::vector<std::string>{kUrl});
  if (talk.contains("split")) settings.split = Split::share;
  settings.specs_interval = seconds{talk.value("specs_interval_s", 300)};
  PandaWms wms(settings);
  std::string cursor;
  int number = 0;
  for (const json& poll : talk["polls"]) {
    SCOPED_TRACE(fmt::format("{}, poll {}", talk["what"].get<std::string>(), number++));
    check_poll(wms, poll, cursor);
  }
}

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kCases))
    if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
  return names;
}
INSTANTIATE_TEST_SUITE_P(Cases, PandaCase, testing::ValuesIn(case_names()), [](const auto& one) { return one.param; });

Options options_of(const std::map<std::string, std::string>& texts) {
  Options o;
  o.set("split", std::string("label"));
  o.set("return_after", Duration(seconds{300}));
  o.set("specs_interval", Duration(seconds{300}));
  o.set("longest_wait", Duration(seconds{25}));
  o.set("longest_lag", Duration(seconds{600}));
  for (const auto& [name, text] : texts) o.set(name, text);
  return o;
}

Result<std::unique_ptr<Wms>> make(const std::map<std::string, std::string>& texts) {
  Registry registry;
  register_all(registry);
  return find(registry.wms, "panda")->make(options_of(texts));
}

TEST(PandaPlugin, TablesThatStandStillGrowOld) {
  SameAnswers same;
  const auto at = [](int s) { return Mono{} + seconds{1000 + s}; };
  EXPECT_EQ(same.seen(false, true, at(0)), Duration{});
  EXPECT_EQ(same.seen(true, true, at(30)), Duration(seconds{30}));
  EXPECT_EQ(same.seen(true, true, at(90)), Duration(seconds{90}));
  EXPECT_EQ(same.seen(false, true, at(120)), Duration{}) << "something has happened";
  EXPECT_EQ(same.seen(true, true, at(150)), Duration(seconds{30}));
  EXPECT_EQ(same.seen(true, false, at(180)), Duration{}) << "without work it does not matter";
}

// A job queue that answers everything at once, with this status and tag.
struct JobQueue {
  int status = 200;
  std::string etag = "e";
  bool waits = true;
  std::vector<std::string> urls;

  Result<HttpReply> operator()(const HttpRequest& r) {
    urls.push_back(r.url);
    HttpReply reply{r.url.find("wait=") == std::string::npos ? 200 : status, R"({"success":true,"data":{}})", {}};
    reply.headers = {{"etag", etag}, {"x-apf-lag", "0"}, {"x-apf-sites", "s"}};
    if (waits) reply.headers["x-apf-waited"] = "25000";
    return reply;
  }
};

TEST(PandaPlugin, WaitsNoLongerThanTheDeadlineAllows) {
  auto wms = make({{"url", kUrl}});
  tests::FakeContext context;
  JobQueue server;
  context.on_http = std::ref(server);
  const auto view = (*wms)->poll({}, "", context);
  ASSERT_TRUE(view);
  EXPECT_TRUE((*wms)->pushes());
  server.urls.clear();
  context.ends = mono_now() + milliseconds{8500};
  ASSERT_TRUE((*wms)->poll({}, view->cursor, context));
  EXPECT_THAT(server.urls, testing::ElementsAre(testing::EndsWith("?wait=6")));
  server.urls.clear();
  context.ends = mono_now() + milliseconds{1200};
  ASSERT_TRUE((*wms)->poll({}, view->cursor, context));
  EXPECT_FALSE((*wms)->pushes()) << "who can't wait must not ask again at once";
  context.ends = mono_now() + seconds{3600};
  ASSERT_TRUE((*wms)->poll({}, "another", context));  // not what we hold
  EXPECT_TRUE((*wms)->pushes());
  for (const std::string& url : server.urls) EXPECT_THAT(url, testing::Not(HasSubstr("wait=")));
  EXPECT_EQ(server.urls.size(), 2U);
}

TEST(PandaPlugin, DoesNotSpinOnAServerThatAlwaysHasNews) {
  auto wms = make({{"url", kUrl}});
  tests::FakeContext context;
  JobQueue server;
  context.on_http = std::ref(server);
  auto view = (*wms)->poll({}, "", context);
  for (const char* tag : {"f", "g", "h"}) {
    server.etag = tag;
    view = (*wms)->poll({}, view->cursor, context);
    ASSERT_TRUE(view);
  }
  ASSERT_EQ(context.slept.size(), 3U);
  for (const Duration d : context.slept) EXPECT_LE(d, Duration(milliseconds{100}));
}

TEST(PandaPlugin, AProxyThatAnswersInsteadEndsThePush) {
  auto wms = make({{"url", kUrl}});
  tests::FakeContext context;
  JobQueue server;
  server.waits = false;
  server.status = 304;
  context.on_http = std::ref(server);
  auto view = (*wms)->poll({}, "", context);
  EXPECT_TRUE((*wms)->pushes());
  view = (*wms)->poll({}, view->cursor, context);
  ASSERT_TRUE(view);
  EXPECT_FALSE((*wms)->pushes()) << "the factory goes on at its interval";
}

}  // namespace
}  // namespace apf::panda
