#include "monitor/alarms/notify.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "apf/loopback.h"
#include "net/http_client.h"
#include "protocol/json_value.h"
#include "serve/token_file.h"

namespace apf::monitor {
namespace {

using nlohmann::json;

constexpr std::size_t kMostShown = 50;  // in one message; the report page has all
constexpr OptionSpec kInterval{.name = "interval",
                               .type = OptionType::duration,
                               .fallback = "1min",
                               .doc = "at least so long between two messages; what comes meanwhile goes together",
                               .minimum = 1,
                               .maximum = 86400};

constexpr std::array kMail{
    OptionSpec{.name = "server", .doc = "smtp://host:25 or smtps://host:465; unset: no e-mail"},
    OptionSpec{.name = "from", .doc = "address that the mails come from"},
    OptionSpec{.name = "to", .type = OptionType::list, .doc = "addresses that they go to"},
    OptionSpec{.name = "start_tls",
               .type = OptionType::boolean,
               .fallback = "false",
               .doc = "with smtp://: send nothing before the connection is encrypted"},
    OptionSpec{
        .name = "ca_file", .type = OptionType::path, .doc = "certificates that are trusted; unset: the system's"},
    OptionSpec{.name = "user", .doc = "name to log in with; unset: none; needs TLS"},
    OptionSpec{.name = "password_file", .type = OptionType::path, .doc = "file with its password, mode 0600"},
    kInterval,
};

constexpr std::array kWebhook{
    OptionSpec{.name = "url", .doc = "where alarms are sent as JSON; unset: nowhere"},
    OptionSpec{.name = "token_file",
               .type = OptionType::path,
               .doc = "file with the token that goes with it as Authorization: Bearer, mode 0600; https only"},
    OptionSpec{
        .name = "ca_file", .type = OptionType::path, .doc = "certificates that are trusted; unset: the system's"},
    OptionSpec{.name = "proxy", .doc = "HTTP proxy: http://squid.example.org:3128"},
    kInterval,
};

std::string headline(std::span<const Notice> notices) {
  if (notices.size() == 1) {
    const Notice& n = notices.front();
    return fmt::format("{}: {} [{}]", n.raised ? "alarm" : "over", n.alarm.found.subject(), n.alarm.found.code);
  }
  const auto raised = std::count_if(notices.begin(), notices.end(), [](const Notice& n) { return n.raised; });
  const auto over = static_cast<std::ptrdiff_t>(notices.size()) - raised;
  return over == 0 ? fmt::format("{} alarms", raised) : fmt::format("{} alarms, {} over", raised, over);
}

// What was left out of a message, in words; empty: nothing.
std::string omissions(std::span<const Notice> notices, std::int64_t lost) {
  std::string text;
  if (notices.size() > kMostShown)
    text += fmt::format("{} more are on the report page.\n", notices.size() - kMostShown);
  if (lost > 0) text += fmt::format("{} older notices were dropped, since this could not be sent earlier.\n", lost);
  return text;
}

class MailChannel final : public Channel {
 public:
  MailChannel(net::MailServer server, net::Mail form, std::string password_file, std::string url)
      : server_(std::move(server)),
        form_(std::move(form)),
        password_file_(std::move(password_file)),
        url_(std::move(url)) {}
  [[nodiscard]] const char* name() const override { return "mail"; }
  Status send(std::span<const Notice> notices, std::int64_t lost, Mono deadline,
              const std::atomic<bool>* stop) override {
    net::MailServer server = server_;
    if (!password_file_.empty()) {
      auto password = serve::read_token(password_file_);
      if (!password) return fail(std::move(password.error()));
      server.password = std::move(*password);
    }
    net::Mail mail = mail_of(notices, lost, url_);
    mail.from = form_.from;
    mail.to = form_.to;
    return net::send_mail(server, mail, deadline, stop);
  }

 private:
  net::MailServer server_;
  net::Mail form_;
  std::string password_file_, url_;
};

class WebhookChannel final : public Channel {
 public:
  WebhookChannel(HttpRequest form, std::string token_file, std::string url)
      : form_(std::move(form)), token_file_(std::move(token_file)), url_(std::move(url)) {}
  [[nodiscard]] const char* name() const override { return "webhook"; }
  Status send(std::span<const Notice> notices, std::int64_t lost, Mono deadline,
              const std::atomic<bool>* stop) override {
    HttpRequest request = form_;
    request.method = "POST";
    request.headers = {{"Content-Type", "application/json"}};
    request.body_cap = 65536;
    if (!token_file_.empty()) {
      auto token = serve::read_token(token_file_);
      if (!token) return fail(std::move(token.error()));
      request.headers.emplace_back("Authorization", "Bearer " + *token);
    }
    request.body = webhook_body(notices, lost, url_);
    const auto reply = net::fetch(request, deadline, stop);
    if (!reply) return fail(reply.error());
    if (reply->status / 100 == 2) return {};
    return fail(Kind::transient, "webhook.status",
                fmt::format("HTTP status {}: {}", reply->status, reply->body.substr(0, 200)), "webhook.url");
  }

 private:
  HttpRequest form_;
  std::string token_file_, url_;
};

}  // namespace

std::span<const OptionSpec> mail_options() { return kMail; }
std::span<const OptionSpec> webhook_options() { return kWebhook; }

net::Mail mail_of(std::span<const Notice> notices, std::int64_t lost, const std::string& monitor_url) {
  net::Mail mail;
  mail.subject = "[apf-monitor] " + headline(notices);
  for (const Notice& n : notices.first(std::min(notices.size(), kMostShown))) {
    mail.body += n.raised ? ticket_text(n.alarm, monitor_url)
                          : fmt::format("{} [{}] is over. It began {}: {}\n", n.alarm.found.subject(),
                                        n.alarm.found.code, iso8601(n.alarm.since), n.alarm.found.text);
    mail.body += "\n----\n\n";
  }
  mail.body += omissions(notices, lost);
  return mail;
}

std::string webhook_body(std::span<const Notice> notices, std::int64_t lost, const std::string& monitor_url) {
  std::string text = headline(notices) + "\n";
  json alarms = json::array();
  for (const Notice& n : notices.first(std::min(notices.size(), kMostShown))) {
    const Finding& f = n.alarm.found;
    text += fmt::format("{}{}: {}\n", n.raised ? "" : "over: ", f.subject(), f.text);
    alarms.push_back({{"event", n.raised ? "raised" : "over"},
                      {"code", f.code},
                      {"subject", f.subject()},
                      {"factory", f.factory},
                      {"label", f.label},
                      {"node", f.node},
                      {"text", f.text},
                      {"advice", f.advice},
                      {"evidence", f.evidence},
                      {"since", iso8601(n.alarm.since)}});
  }
  text += omissions(notices, lost);
  if (!monitor_url.empty()) text += monitor_url + "/report\n";
  const json body = {{"text", std::move(text)}, {"alarms", std::move(alarms)}, {"lost", lost}};
  return protocol::json_value::dump(body);
}

Result<std::unique_ptr<Channel>> mail_channel(const Options& o, const std::string& monitor_url) {
  if (!o.has("server")) return nullptr;
  const net::MailServer server{.url = o.text("server"),
                               .start_tls = o.flag("start_tls"),
                               .ca_file = o.text_or("ca_file", ""),
                               .user = o.text_or("user", "")};
  net::Mail form;
  form.from = o.text_or("from", "");
  if (o.has("to")) form.to = o.list("to");
  if (auto ok = net::check_mail(server, form); !ok) return fail(std::move(ok.error()));
  return std::make_unique<MailChannel>(server, std::move(form), o.text_or("password_file", ""), monitor_url);
}

Result<std::unique_ptr<Channel>> webhook_channel(const Options& o, const std::string& monitor_url) {
  if (!o.has("url")) return nullptr;
  HttpRequest form;
  form.url = o.text("url");
  const bool https = form.url.starts_with("https://");
  if (!https && !form.url.starts_with("http://"))
    return fail(Kind::config, "webhook.bad_url", "'" + form.url + "' is not an URL", "webhook.url",
                "for example https://chat.example.org/hooks/x");
  if (o.has("token_file") && !https && !is_loopback_url(form.url))
    return fail(Kind::config, "webhook.bad_url", "the token would cross the network in plain text", "webhook.url",
                "use https");
  form.ca_file = o.text_or("ca_file", "");
  form.proxy = o.text_or("proxy", "");
  return std::make_unique<WebhookChannel>(std::move(form), o.text_or("token_file", ""), monitor_url);
}

}  // namespace apf::monitor
