#include "monitor/show/legacy_read.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "monitor/news/pair.h"
#include "monitor/router.h"
#include "monitor/store/pilots.h"
#include "protocol/json_value.h"

namespace apf::monitor {
namespace {

using nlohmann::json;
using protocol::json_value::time;

constexpr std::int64_t kLimit = 50;   // as the original has it
constexpr std::int64_t kMost = 1000;  // pilots; limit=0 asks for all, and gets so many
constexpr std::int64_t kActiveMs = 10 * 86'400'000LL;

net::Response answer(const json& body, int status = 200) {
  net::Response response;
  response.status = status;
  response.body = protocol::json_value::dump(body);
  return response;
}

net::Response not_found(const char* what) { return problem(404, "monitor.not_found", what); }

// A number of the query; nothing: `otherwise`; nonsense: an error.
Result<std::int64_t> number(const net::Request& r, const char* name, std::int64_t otherwise) {
  const std::string text = asked(r, name);
  if (text.empty()) return otherwise;
  std::int64_t n = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc{} || end != text.data() + text.size() || n < 0)
    return fail(Kind::permanent, "monitor.bad_query", std::string(name) + " must be a whole number from 0 on");
  return n;
}

struct Page {
  std::int64_t limit = kLimit, offset = 0;
};
Result<Page> page_of(const net::Request& r) {
  const auto limit = number(r, "limit", kLimit);
  if (!limit) return fail(limit.error());
  const auto offset = number(r, "offset", 0);
  if (!offset) return fail(offset.error());
  return Page{*limit == 0 ? INT64_MAX : *limit, *offset};
}

net::Response refused(const Error& error) { return problem(400, error.code, error.what); }

json factory_json(const FactoryFigures& f, Wall now) {
  json activity = json::array();
  for (const Flow& step : f.recent) activity.push_back(step.created);
  return {{"name", f.name},
          {"id", f.name},
          {"url", f.url},
          {"version", f.version},
          {"email", f.email},
          {"ip", f.address},
          {"type", f.type},
          {"last_startup", time(f.last_startup)},
          {"last_modified", time(f.seen)},
          {"active", now.ms - f.seen.ms < kActiveMs},
          {"activity", activity}};
}

json label_json(const LabelFigures& l) {
  json messages = json::array();
  for (const Message& m : l.messages) messages.push_back({{"received", time(m.at)}, {"msg", m.text}});
  return {{"name", l.name},
          {"id", l.factory_name + ":" + l.name},
          {"factory", l.factory_name},
          {"wmsqueue", l.wms_queue},
          {"batchqueue", l.batch_queue},
          {"resource", l.site},
          {"last_modified", time(l.seen)},
          {"ncreated", l.live.created},
          {"nrunning", l.live.running},
          {"nexiting", l.live.exiting},
          {"ndone", l.hour.done},
          {"nfault", l.hour.fault},
          {"status", messages}};
}

json job_json(const Pilot& p, const Snapshot& s, bool whole) {
  const FactoryFigures* factory = s.factory(p.factory);
  const LabelFigures* label = s.label(p.label);
  const std::string name = factory != nullptr ? factory->name : "";
  json j = {{"jid", name + ":" + p.id},
            {"cid", p.id},
            {"factory", name},
            {"label", label != nullptr ? json(label->name) : json()},
            {"state", monitor::name(p.state)},
            {"result", p.rc ? json(*p.rc) : json(-1)},
            {"created", time(p.first())},
            {"last_modified", time(p.seen)},
            {"flag", p.state == PilotState::stale}};
  if (!whole) return j;
  j["messages"] = json::array();
  for (const Moment& m : p.line)
    j["messages"].push_back({{"received", time(m.at)},
                             {"client", m.source},
                             {"msg", std::string(monitor::name(m.state)) + (m.text.empty() ? "" : ": " + m.text)}});
  for (const Detail& d : p.details) j["details"][d.name] = d.value;
  return j;
}

struct LegacyRead {
  Parts& parts;

  void factories(const net::Request&, const net::ReplyPtr& reply) const {
    const SnapshotPtr s = parts.board.get();
    json list = json::array();
    for (const auto& f : s->factories) list.push_back(factory_json(*f, s->at));
    reply->send(answer(list));
  }

  void factory(const net::Request& r, const net::ReplyPtr& reply) const {
    const SnapshotPtr s = parts.board.get();
    const auto* f = s->factory(std::string_view(r.path).substr(std::string_view("/api/factories/").size()));
    reply->send(f != nullptr ? answer(factory_json(*f, s->at)) : not_found("no such factory"));
  }

  void labels(const net::Request& r, const net::ReplyPtr& reply) const {
    const auto page = page_of(r);
    if (!page) return reply->send(refused(page.error()));
    const SnapshotPtr s = parts.board.get();
    const std::string factory = asked(r, "factory");
    json list = json::array();
    std::int64_t skip = page->offset;
    for (const auto& l : s->labels) {
      if (!factory.empty() && l->factory_name != factory) continue;
      if (skip-- > 0) continue;
      if (std::ssize(list) >= page->limit) break;
      list.push_back(label_json(*l));
    }
    reply->send(answer(list));
  }

  void label(const net::Request& r, const net::ReplyPtr& reply) const {
    const SnapshotPtr s = parts.board.get();
    const auto name = split(std::string_view(r.path).substr(std::string_view("/api/labels/").size()), *s);
    const LabelFigures* l = name ? s->label(name->factory, name->rest) : nullptr;
    reply->send(l != nullptr ? answer(label_json(*l)) : not_found("no such label"));
  }

  // Runs it on a thread that may wait for the store.
  void read(const net::ReplyPtr& reply, std::function<net::Response(db::Db&)> work) const {
    if (!parts.readers.run([reply, work = std::move(work)](db::Db& db) { reply->send(work(db)); }))
      reply->send(problem(503, "monitor.overloaded", "too many requests wait for the store; try again later"));
  }

  void jobs(const net::Request& r, const net::ReplyPtr& reply) const {
    const auto page = page_of(r);
    if (!page) return reply->send(refused(page.error()));
    const SnapshotPtr s = parts.board.get();
    PilotFilter filter;
    filter.limit = std::min(page->limit, kMost);
    filter.offset = page->offset;
    if (const std::string state = asked(r, "state"); !state.empty()) {
      filter.state = read_state(state);
      if (!filter.state) return reply->send(problem(400, "monitor.bad_query", "no such state"));
    }
    const std::string factory = asked(r, "factory"), label = asked(r, "label");
    const FactoryFigures* f = s->factory(factory);
    if (f == nullptr)
      return reply->send(factory.empty() ? problem(400, "monitor.bad_query", "name a factory")
                                         : not_found("no such factory"));
    filter.factory = f->no;
    if (!label.empty()) {
      const LabelFigures* l = s->label(factory, label);
      if (l == nullptr) return reply->send(not_found("no such label"));
      filter.label = l->no;
    } else if (filter.state) {
      filter.labels = s->labels_with(f->no, *filter.state);
    }
    read(reply, [s, filter](db::Db& db) {
      const auto found = list_pilots(db, filter);
      if (!found) return problem(503, found.error().code, found.error().what);
      json list = json::array();
      for (const Pilot& p : *found) list.push_back(job_json(p, *s, false));
      return answer(list);
    });
  }

  void job(const net::Request& r, const net::ReplyPtr& reply) const {
    const SnapshotPtr s = parts.board.get();
    const auto name = split(std::string_view(r.path).substr(std::string_view("/api/jobs/").size()), *s);
    const FactoryFigures* f = name ? s->factory(name->factory) : nullptr;
    if (f == nullptr) return reply->send(not_found("no such factory"));
    read(reply, [s, no = f->no, id = name->rest](db::Db& db) {
      const auto found = find_pilot(db, no, id);
      if (!found) return problem(503, found.error().code, found.error().what);
      return *found ? answer(job_json(**found, *s, true)) : not_found("no such job");
    });
  }
};

}  // namespace

void add_legacy_read(Router& router, Parts& parts) {
  const auto add = [&](const char* path, auto call) {
    router.add("GET", path, [read = LegacyRead{parts}, call](const net::Request& r, const net::ReplyPtr& reply) {
      (read.*call)(r, reply);
    });
  };
  add("/api/factories", &LegacyRead::factories);
  add("/api/factories/", &LegacyRead::factory);
  add("/api/labels", &LegacyRead::labels);
  add("/api/labels/", &LegacyRead::label);
  add("/api/jobs", &LegacyRead::jobs);
  add("/api/jobs/", &LegacyRead::job);
}

}  // namespace apf::monitor
