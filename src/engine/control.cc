#include "engine/control.h"

#include <algorithm>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/engine.h"
#include "engine/replies.h"

namespace apf::engine {
namespace {

using Json = nlohmann::json;

void send(const net::ReplyPtr& reply, const Json& body) {
  net::Response r;
  r.body = body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  reply->send(std::move(r));
}

// Answers when the word is committed: what the operator is told survives a crash.
std::function<void(Status)> answer(const net::ReplyPtr& reply, Json body = {{"ok", true}}) {
  return [reply, body = std::move(body)](const Status& done) {
    if (done)
      send(reply, body);
    else
      reply->send(error_reply(done.error()));
  };
}

Error no_such(const std::string& what, const std::string& name) {
  return {Kind::config,
          "control.unknown_" + what,
          "there is no " + what + " '" + name + "'",
          {},
          "`apf status` lists what there is"};
}

// "all", "queue:X", "wms:X", "batch:X", of things that are configured.
Status check_scope(const Engine& engine, const std::string& scope) {
  if (scope == "all") return {};
  const auto colon = scope.find(':');
  const std::string kind = scope.substr(0, colon);
  const std::string name = colon == std::string::npos ? "" : scope.substr(colon + 1);
  const auto config = engine.config();
  const auto has = [&](const auto& list) {
    return std::any_of(list.begin(), list.end(), [&](const auto& e) { return e.name == name; });
  };
  bool known = false;
  if (kind == "queue") {
    known = engine.snapshots().queue(name) != nullptr ||
            std::any_of(config->queues.begin(), config->queues.end(), [&](const auto& q) { return q->name == name; });
  } else if (kind == "wms") {
    known = has(config->wms);
  } else if (kind == "batch") {
    known = has(config->batch);
  } else {
    return fail(Kind::config, "control.bad_scope", "'" + scope + "' is no scope", {},
                "say all, queue:NAME, wms:NAME or batch:NAME");
  }
  if (!known) return fail(no_such(kind, name));
  return {};
}

struct Asked {
  Engine& engine;
  const net::ReplyPtr& reply;
  const Json& body;
  [[nodiscard]] std::string text(const char* key, const std::string& otherwise = "") const {
    return body.value(key, otherwise);
  }
};

bool is_held(const Engine& engine, const core::Hold& lifted) {
  const auto factory = engine.snapshots().factory();
  return factory && std::any_of(factory->holds.begin(), factory->holds.end(), [&](const core::Hold& h) {
           return h.scope == lifted.scope && (lifted.verb.empty() || h.verb == lifted.verb);
         });
}

void hold(const Asked& a, const char* verb, bool lift) {
  core::Verb v;
  v.lift = lift;
  v.hold = {.verb = verb,
            .scope = a.text("scope", "all"),
            .who = a.text("who", "operator"),
            .reason = a.text("reason"),
            .since = wall_now(),
            .until = Wall{a.body.value("until_ms", std::int64_t{0})}};
  if (auto good = check_scope(a.engine, v.hold.scope); !good) return a.reply->send(error_reply(good.error()));
  if (lift && !is_held(a.engine, v.hold))
    return a.reply->send(error_reply(409, "control.not_held", "nothing is held at '" + v.hold.scope + "'"));
  a.engine.post(v, answer(a.reply));
}

Json json_of(const core::Pilot& p) {
  return {{"no", p.no},     {"batch_id", p.batch_id}, {"queue", p.queue},     {"batch", p.batch},
          {"node", p.node}, {"state", name(p.state)}, {"missing", p.missing}, {"submitted", iso8601(p.submitted)}};
}

Result<PilotFilter> filter_of(const Json& body) {
  PilotFilter f;
  f.queue = body.value("queue", "");
  f.batch = body.value("batch", "");
  f.node = body.value("node", "");
  f.missing_only = body.value("missing", false);
  f.most = body.value("limit", std::int64_t{100'000});
  if (const auto older = body.value("older_s", std::int64_t{0}); older > 0)
    f.submitted_before = Wall{wall_now().ms - older * 1000};
  for (const auto& text : body.value("states", std::vector<std::string>{})) {
    const auto state = pilot_state(text);
    if (!state)
      return fail(Kind::config, "control.unknown_state", "'" + text + "' is no state of a pilot", {},
                  "say pending, held, running, suspended, transferring or unknown");
    f.states.push_back(*state);
  }
  return f;
}

// Finds the pilots, answers with them, and (unless it is a dry run) asks the core to remove them.
void remove_pilots(Engine& engine, const net::ReplyPtr& reply, const Json& body) {
  const auto filter = filter_of(body);
  if (!filter) return reply->send(error_reply(filter.error()));
  auto found = engine.ledger().pilots(*filter);
  if (!found) return reply->send(error_reply(found.error()));
  const auto ids = body.value("ids", std::vector<std::string>{});
  Json list = Json::array();
  core::RemoveAsked order{.pilots = {}, .who = body.value("who", "operator"), .reason = body.value("reason", "")};
  for (const auto& p : *found) {
    if (!ids.empty() && std::find(ids.begin(), ids.end(), p.batch_id) == ids.end()) continue;
    list.push_back(json_of(p));
    order.pilots.push_back(p.no);
  }
  const bool dry = body.value("dry_run", false);
  Json result{{"ok", true}, {"dry_run", dry}, {"pilots", std::move(list)}};
  if (dry || order.pilots.empty()) return send(reply, result);
  engine.post(std::move(order), answer(reply, std::move(result)));
}

void remove(const Asked& a) {
  const auto work = [&engine = a.engine, reply = a.reply, body = a.body] {
    try {
      remove_pilots(engine, reply, body);
    } catch (const Json::exception& e) {
      reply->send(error_reply(400, "control.bad_body", e.what()));
    }
  };
  if (!a.engine.serve(work)) a.reply->send(error_reply(503, "engine.busy", "too many requests wait already"));
}

void reload(const Asked& a) {
  const auto work = [&engine = a.engine, reply = a.reply] {
    const auto done = engine.reload();
    if (!done) return reply->send(error_reply(done.error()));
    send(reply, {{"ok", true},
                 {"version", done->version},
                 {"added", done->added},
                 {"gone", done->gone},
                 {"changed", done->changed},
                 {"lines", done->lines},
                 {"needs_restart", done->needs_restart}});
  };
  if (!a.engine.serve(work)) a.reply->send(error_reply(503, "engine.busy", "too many requests wait already"));
}

void accept_view(const Asked& a) {
  const std::string batch = a.text("batch");
  if (auto good = check_scope(a.engine, "batch:" + batch); !good) return a.reply->send(error_reply(good.error()));
  a.engine.post(core::AcceptView{batch, a.text("who", "operator")}, answer(a.reply));
}

void stop(const Asked& a) {
  send(a.reply, {{"ok", true}});
  a.engine.ask_to_stop();
}

using Verb = std::function<void(const Asked&)>;
const std::map<std::string, Verb, std::less<>>& verbs() {
  static const std::map<std::string, Verb, std::less<>> all{
      {"pause", [](const Asked& a) { hold(a, "pause", false); }},
      {"resume", [](const Asked& a) { hold(a, "", true); }},
      {"disable", [](const Asked& a) { hold(a, "disable", false); }},
      {"enable", [](const Asked& a) { hold(a, "disable", true); }},
      {"drain", [](const Asked& a) { hold(a, "drain", false); }},
      {"remove", remove},
      {"reload", reload},
      {"accept-view", accept_view},
      {"adopt", [](const Asked& a) { a.engine.adopt(a.text("who", "operator"), answer(a.reply)); }},
      // Every live pilot is looked at anew and taken up, before the next submission.
      {"ledger-rebuild",
       [](const Asked& a) { a.engine.post(core::Adopt{a.text("who", "operator")}, answer(a.reply)); }},
      {"stop", stop}};
  return all;
}

}  // namespace

void answer_control(Engine& engine, const net::Request& request, const net::ReplyPtr& reply) {
  const auto verb = verbs().find(request.path.substr(kControlBase.size()));
  if (verb == verbs().end()) return reply->send(error_reply(404, "control.unknown_verb", "there is no such verb"));
  if (request.method != "POST") return reply->send(error_reply(405, "control.method", "verbs are posted"));
  try {
    const Json body = request.body.empty() ? Json::object() : Json::parse(request.body);
    if (!body.is_object()) return reply->send(error_reply(400, "control.bad_body", "the body is no JSON object"));
    verb->second({engine, reply, body});
  } catch (const Json::exception& e) {
    reply->send(error_reply(400, "control.bad_body", e.what()));
  }
}

}  // namespace apf::engine
