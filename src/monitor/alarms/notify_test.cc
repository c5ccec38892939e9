#include "monitor/alarms/notify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <future>
#include <nlohmann/json.hpp>

#include "config/options_table.h"
#include "net/http_server.h"

namespace apf::monitor {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

Notice notice(bool raised = true, const std::string& label = "BNL") {
  Notice n;
  n.raised = raised;
  n.alarm.since = Wall{1'790'000'000'000};
  n.alarm.found.code = "label.faults";
  n.alarm.found.factory = "lab";
  n.alarm.found.label = label;
  n.alarm.found.text = "30 of 40 pilots failed.";
  n.alarm.found.advice = "Read the reasons.";
  n.alarm.found.evidence = {"node wn1: 20 in fault"};
  return n;
}

Result<std::unique_ptr<Channel>> mail(const std::string& toml) {
  auto o = config::options_from_toml(mail_options(), Scope::source, toml);
  if (!o) return fail(o.error());
  return mail_channel(*o, "https://mon.example.org");
}
Result<std::unique_ptr<Channel>> webhook(const std::string& toml) {
  auto o = config::options_from_toml(webhook_options(), Scope::source, toml);
  if (!o) return fail(o.error());
  return webhook_channel(*o, "https://mon.example.org");
}

TEST(Notify, OneAlarmIsItsMailsSubject) {
  const std::vector<Notice> one = {notice()};
  const net::Mail m = mail_of(one, 0, "https://mon.example.org");
  EXPECT_EQ(m.subject, "[apf-monitor] alarm: label lab:BNL [label.faults]");
  for (const char* part : {"30 of 40 pilots failed.", "- node wn1: 20 in fault", "What to do: Read the reasons.",
                           "https://mon.example.org/report"})
    EXPECT_THAT(m.body, HasSubstr(part));
  EXPECT_THAT(m.body, Not(HasSubstr("dropped")));
}

TEST(Notify, ManyAlarmsAreOneMailOfBoundedLength) {
  std::vector<Notice> many;
  for (int i = 0; i < 60; ++i) many.push_back(notice(i != 0, "L" + std::to_string(i)));
  const net::Mail m = mail_of(many, 7, "");
  EXPECT_EQ(m.subject, "[apf-monitor] 59 alarms, 1 over");
  EXPECT_THAT(m.body, HasSubstr("label lab:L0 [label.faults] is over. It began 2026-09-21T"));
  EXPECT_THAT(m.body, HasSubstr("lab:L49"));
  EXPECT_THAT(m.body, Not(HasSubstr("lab:L50")));
  EXPECT_THAT(m.body, HasSubstr("10 more are on the report page."));
  EXPECT_THAT(m.body, HasSubstr("7 older notices were dropped"));
}

TEST(Notify, AWebhookGetsTextForChatsAndFieldsForPrograms) {
  std::vector<Notice> two = {notice(), notice(false)};
  two[0].alarm.found.text = "bytes that are no UTF-8: \xff";
  const json body = json::parse(webhook_body(two, 3, "https://mon.example.org"));
  EXPECT_THAT(body["text"].get<std::string>(), HasSubstr("1 alarms, 1 over\nlabel lab:BNL: bytes"));
  EXPECT_THAT(body["text"].get<std::string>(), HasSubstr("over: label lab:BNL: 30 of 40"));
  EXPECT_EQ(body["lost"], 3);
  EXPECT_EQ(body["alarms"][0]["event"], "raised");
  EXPECT_EQ(body["alarms"][1]["event"], "over");
  EXPECT_EQ(body["alarms"][1]["label"], "BNL");
  EXPECT_EQ(body["alarms"][1]["evidence"][0], "node wn1: 20 in fault");
}

TEST(Notify, AWebhookIsPosted) {
  std::promise<net::Request> got;
  auto server = net::HttpServer::start({}, [&](const net::Request& request, const net::ReplyPtr& reply) {
    got.set_value(request);
    net::Response answer;
    answer.status = 500;
    answer.body = "out of order";
    reply->send(std::move(answer));
  });
  ASSERT_TRUE(server);
  const std::string token = testing::TempDir() + "webhook-token";
  std::ofstream(token) << "0123456789abcdef0123456789abcdef\n";
  ASSERT_EQ(::chmod(token.c_str(), 0600), 0);
  auto channel = webhook("url = \"http://127.0.0.1:" + std::to_string((*server)->port()) + "/hook\"\ntoken_file = \"" +
                         token + "\"");
  ASSERT_TRUE(channel) << channel.error().text();
  const std::vector<Notice> one = {notice()};
  const auto sent = (*channel)->send(one, 0, mono_now() + seconds{60}, nullptr);
  ASSERT_FALSE(sent);
  EXPECT_THAT(sent.error().what, HasSubstr("HTTP status 500: out of order"));
  const net::Request request = got.get_future().get();
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/hook");
  EXPECT_EQ(request.headers.at("authorization"), "Bearer 0123456789abcdef0123456789abcdef");
  EXPECT_EQ(request.headers.at("content-type"), "application/json");
  EXPECT_EQ(request.body, webhook_body(one, 0, "https://mon.example.org"));
}

TEST(Notify, WhatIsNotConfiguredIsNotThere) {
  EXPECT_EQ(*mail(""), nullptr);
  EXPECT_EQ(*webhook(""), nullptr);
}

TEST(Notify, SaysWhatIsWrongWithTheConfiguration) {
  EXPECT_EQ(mail("server = \"mail.example.org\"").error().code, "mail.bad_server");
  EXPECT_EQ(mail("server = \"smtp://m:25\"\nto = [\"a@b\"]").error().code, "mail.bad_address");
  EXPECT_EQ(mail("server = \"smtp://m:25\"\nfrom = \"a@b\"").error().code, "mail.bad_address");
  EXPECT_EQ(mail("server = \"smtp://m:25\"\nfrom = \"a@b\"\nto = [\"c@d\"]\nuser = \"joe\"").error().code,
            "mail.bad_server");
  EXPECT_TRUE(mail("server = \"smtps://m:465\"\nfrom = \"a@b\"\nto = [\"c@d\"]\nuser = \"joe\""));
  EXPECT_EQ(webhook("url = \"chat.example.org\"").error().code, "webhook.bad_url");
  EXPECT_EQ(webhook("url = \"http://chat.example.org\"\ntoken_file = \"/x\"").error().code, "webhook.bad_url");
  EXPECT_EQ(webhook("url = \"http://127.0.0.1@chat.example.org/\"\ntoken_file = \"/x\"").error().code,
            "webhook.bad_url");
}

}  // namespace
}  // namespace apf::monitor
