#include "monitor/alarms/alarm_routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "apf/options.h"
#include "protocol/json_value.h"

namespace apf::monitor {
namespace {

using nlohmann::json;
namespace json_value = protocol::json_value;

constexpr std::size_t kLongest = 1000;

net::Response answer(const json& body, int status = 200) {
  net::Response r;
  r.status = status;
  r.body = json_value::dump(body) + "\n";
  r.headers["Cache-Control"] = "no-store";
  return r;
}

net::Response answer(const Error& error) {
  int status = 400;
  if (error.code == "alarm.unknown") status = 404;
  if (error.kind == Kind::transient) status = 503;
  return problem(status, error.code, error.what);
}

json to_json(const Alarm& a, const std::string& url) {
  const Finding& f = a.found;
  json j = {{"code", f.code},     {"subject", f.subject()},  {"factory", f.factory},
            {"label", f.label},   {"node", f.node},          {"text", f.text},
            {"advice", f.advice}, {"evidence", f.evidence},  {"since", iso8601(a.since)},
            {"muted", a.muted},   {"acknowledged", nullptr}, {"ticket", ticket_text(a, url)}};
  if (a.acknowledged.at.ms != 0)
    j["acknowledged"] = {{"by", a.acknowledged.who}, {"at", iso8601(a.acknowledged.at)}, {"note", a.acknowledged.note}};
  return j;
}

json alarms_json(const Alarms& alarms, const std::string& url) {
  json standing = json::array(), mutes = json::array(), deliveries = json::array();
  for (const Alarm& a : alarms.standing()) standing.push_back(to_json(a, url));
  for (const Mute& m : alarms.mutes())
    mutes.push_back({{"code", m.code},
                     {"subject", m.subject},
                     {"by", m.who},
                     {"reason", m.reason},
                     {"since", iso8601(m.since)},
                     {"until", json_value::time(m.until)}});
  for (const auto& d : alarms.deliveries())
    deliveries.push_back({{"channel", d.channel},
                          {"waiting", d.stats.waiting},
                          {"messages", d.stats.messages},
                          {"failures", d.stats.failures},
                          {"lost", d.stats.lost},
                          {"trouble", d.stats.trouble}});
  return {{"alarms", std::move(standing)},
          {"mutes", std::move(mutes)},
          {"deliveries", std::move(deliveries)},
          {"left_out", alarms.left_out()}};
}

// What needs a ticket: not what is muted, what somebody has in hand last.
json report_json(const Alarms& alarms, const std::string& url) {
  std::vector<Alarm> all = alarms.standing();
  std::erase_if(all, [](const Alarm& a) { return a.muted; });
  std::stable_partition(all.begin(), all.end(), [](const Alarm& a) { return a.acknowledged.at.ms == 0; });
  json items = json::array();
  for (const Alarm& a : all) items.push_back(to_json(a, url));
  return {{"at", iso8601(wall_now())}, {"items", std::move(items)}, {"left_out", alarms.left_out()}};
}

struct Order {
  std::string code, subject, text;
  Wall until;
};

// `text`: the name of the field with a person's words.
Result<Order> read_order(const net::Request& request, const char* text) {
  constexpr const char* bad = "alarm.bad_order";
  const auto body = json_value::parse(request.body, bad);
  if (!body) return fail(body.error());
  if (!body->is_object()) return fail(Kind::permanent, bad, "the body must be a JSON object");
  Order o;
  for (const auto& [key, value] : body->items()) {
    std::string* to = key == "code" ? &o.code : key == "subject" ? &o.subject : key == text ? &o.text : nullptr;
    std::string length;
    if (key == "for" && std::string_view(text) == "reason") to = &length;
    if (to == nullptr) return fail(Kind::permanent, bad, "unknown field '" + key + "'");
    auto read = json_value::text(value, key, bad, kLongest);
    if (!read) return fail(read.error());
    *to = std::move(*read);
    if (to != &length) continue;
    const auto d = parse_duration(length);
    if (!d || *d <= Duration{})
      return fail(Kind::permanent, bad, "'for' must be a duration: \"30min\", \"2h\", \"7d\"");
    o.until = Wall{wall_now().ms + d->count() / 1'000'000};
  }
  return o;
}

void give(Alarms& alarms, Alarms::Change change, const net::ReplyPtr& reply) {
  alarms.order(std::move(change),
               [reply](const Status& done) { reply->send(done ? answer(json{{"ok", true}}) : answer(done.error())); });
}

// A handler that reads an order and gives it: make(order, name of the caller) is the change.
template <class Make>
net::Handler ordering(Alarms& alarms, Access& access, const char* text, Make make) {
  return [&alarms, &access, text, make](const net::Request& request, const net::ReplyPtr& reply) {
    const auto order = read_order(request, text);
    if (!order) return reply->send(answer(order.error()));
    give(alarms, make(*order, access.caller(request).name), reply);
  };
}

}  // namespace

void add_alarm_routes(Router& router, Alarms& alarms, Access& access, const std::string& url) {
  router.add("GET", "/api/v1/alarms", [&alarms, url](const net::Request&, const net::ReplyPtr& reply) {
    reply->send(answer(alarms_json(alarms, url)));
  });
  router.add("GET", "/api/v1/report", [&alarms, url](const net::Request&, const net::ReplyPtr& reply) {
    reply->send(answer(report_json(alarms, url)));
  });
  const auto acknowledge = [](const Order& o, const std::string& who) -> Alarms::Change {
    return [o, who](AlarmBook& book) { return book.acknowledge(o.code, o.subject, {who, o.text, wall_now()}); };
  };
  const auto mute = [](const Order& o, const std::string& who) -> Alarms::Change {
    return [o, who](AlarmBook& book) {
      return book.mute({o.code, o.subject, who, o.text, wall_now(), o.until}, wall_now());
    };
  };
  const auto unmute = [](const Order& o, const std::string&) -> Alarms::Change {
    return [o](AlarmBook& book) { return book.unmute(o.code, o.subject); };
  };
  router.add("POST", "/api/v1/alarms/acknowledge", ordering(alarms, access, "note", acknowledge));
  router.add("POST", "/api/v1/alarms/mute", ordering(alarms, access, "reason", mute));
  router.add("POST", "/api/v1/alarms/unmute", ordering(alarms, access, "", unmute));
}

}  // namespace apf::monitor
