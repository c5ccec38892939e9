#include "engine/json_forms.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace apf::engine {
namespace {

using json = nlohmann::ordered_json;  // people read it, too: fields stay in the order of their importance

json time_form(Wall t) { return t.ms == 0 ? json(nullptr) : json(iso8601(t)); }

json age_form(Mono since, Moment now) {
  if (since.ns == 0) return nullptr;
  const auto ms = std::chrono::duration_cast<milliseconds>(now.mono - since);  // precise enough for people
  return static_cast<double>(ms.count()) / 1000.0;
}

json seconds_form(float s) {
  if (s < 0) return nullptr;
  return static_cast<double>(std::lround(static_cast<double>(s) * 1000)) / 1000.0;
}

json optional_text(const std::string& s) { return s.empty() ? json(nullptr) : json(s); }

// What outside programs said may be no UTF-8: such bytes are replaced.
std::string text_of(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace) + "\n"; }

json alarm_form(const core::Alarm& a) {
  return {{"code", a.code}, {"subject", a.subject}, {"text", a.text}, {"since", time_form(a.since)}};
}

json hold_form(const core::Hold& h) {
  return {{"verb", h.verb},
          {"scope", h.scope},
          {"who", h.who},
          {"reason", h.reason},
          {"since", time_form(h.since)},
          {"until", time_form(h.until)}};
}

json source_form(const core::SourceStatus& s, Moment now) {
  json form{{"kind", s.kind},
            {"name", s.name},
            {"plugin", s.plugin},
            {"state", s.state},
            {"view_age_s", age_form(s.view_at, now)},
            {"view_as_of", time_form(s.view_as_of)},
            {"evidence", s.evidence},
            {"trouble", optional_text(s.trouble)},
            {"pushes", s.pushes},
            {"way", s.way}};
  if (s.kind == "batch") form["pilots"] = s.pilots;
  return form;
}

json ends_form(const SchedEnds& e) {
  return {{"within_s", std::chrono::duration<double>(e.within).count()},
          {"below_s", std::chrono::duration<double>(e.below).count()},
          {"ended", e.ended},
          {"short", e.brief}};
}

json input_form(const SchedInput& in) {
  json ends = json::array();
  for (const auto& e : in.ends) ends.push_back(ends_form(e));
  json wms = nullptr;
  if (in.wms) {
    wms = {{"notready", in.wms->notready},
           {"ready", in.wms->ready},
           {"running", in.wms->running},
           {"done", in.wms->done},
           {"failed", in.wms->failed}};
  }
  return {{"wms", std::move(wms)},
          {"site", in.site},
          {"pending", in.pending},
          {"running", in.running},
          {"retiring", in.retiring},
          {"claimed", in.claimed},
          {"dealt", in.dealt ? json(*in.dealt) : json(nullptr)},
          {"factory_total", in.factory_total},
          {"used", in.used},
          {"cycle", in.cycle},
          {"life_submitted", in.life_submitted},
          {"ends", std::move(ends)}};
}

json decision_summary(const core::Decision& d) {
  return {{"at", time_form(d.at)},
          {"n", d.n},
          {"bound_by", optional_text(d.bound_by)},
          {"acted", optional_text(d.acted)},
          {"held", optional_text(d.held)},
          {"held_code", optional_text(d.held_code)},
          {"message", core::message(d)}};
}

json decision_form(const core::Decision& d) {
  json form{{"queue", d.queue}};
  form.update(decision_summary(d));
  json steps = json::array();
  for (const auto& s : d.steps) {
    steps.push_back({{"plugin", s.plugin}, {"in", s.in}, {"out", s.out}, {"message", s.message}});
  }
  form["input"] = input_form(d.input);
  form["steps"] = std::move(steps);
  form["chain"] = d.chain;
  form["outside"] = d.outside;
  form["pass"] = d.pass;
  form["seq"] = d.seq;
  form["config_version"] = d.config_version;
  return form;
}

json nodes_form(const core::QueueSnapshot& q, Moment now) {
  json excluded = json::array();
  for (const auto& e : q.excluded_nodes) {
    const double wait = std::chrono::duration<double>(e.next_probe - now.mono).count();
    excluded.push_back({{"node", e.name},
                        {"why", e.why},
                        {"since", time_form(e.since)},
                        {"probe_in_s", e.probed ? json(nullptr) : json(std::max(0.0, std::round(wait)))},
                        {"probed", e.probed}});
  }
  return {{"known", q.known_nodes}, {"excluded", std::move(excluded)}};
}

json queue_form(const core::QueueSnapshot& q, Moment now) {
  json demand{{"known", q.demand_known}, {"ready", nullptr}, {"notready", nullptr}};
  if (q.demand_known) {
    demand["ready"] = q.ready;
    demand["notready"] = q.notready;
  }
  return {{"name", q.name},
          {"wms", q.wms},
          {"wms_queue", q.wms_queue},
          {"batch", q.batch},
          {"mode", q.mode},
          {"enabled", q.enabled},
          {"gone", q.gone},
          {"site", q.site},
          {"demand", std::move(demand)},
          {"pilots",
           {{"claimed", q.claimed},
            {"pending", q.pending},
            {"running", q.running},
            {"held", q.held},
            {"missing", q.missing}}},
          {"open_submissions", q.open_submissions},
          {"last_hour", {{"done", q.done_1h}, {"failed", q.failed_1h}}},
          {"life", {{"submitted", q.life_submitted}, {"done", q.life_done}, {"failed", q.life_failed}}},
          {"wms_view_age_s", age_form(q.wms_view_at, now)},
          {"batch_view_age_s", age_form(q.batch_view_at, now)},
          {"nodes", nodes_form(q, now)},
          {"failing", optional_text(q.failing)},
          {"holds", q.holds},
          {"last_decision", q.last ? decision_summary(*q.last) : json(nullptr)}};
}

json queue_forms(const QueueSnapshots& queues, Moment now) {
  json forms = json::array();
  for (const auto& q : queues) {
    if (q) forms.push_back(queue_form(*q, now));
  }
  return forms;
}

template <class Range, class Form>
json forms_of(const Range& range, Form form) {
  json forms = json::array();
  for (const auto& item : range) forms.push_back(form(item));
  return forms;
}

json pilot_form(const core::Pilot& p) {
  return {{"no", p.no},
          {"batch_id", p.batch_id},
          {"queue", p.queue},
          {"batch", p.batch},
          {"submission", p.submission},
          {"index", p.index},
          {"run", p.run},
          {"state", name(p.state)},
          {"missing", p.missing},
          {"lost", p.lost},
          {"node", optional_text(p.node)},
          {"submitted", time_form(p.submitted)},
          {"started", time_form(p.started)},
          {"ended", time_form(p.ended)},
          {"exit_code", p.exit_code < 0 ? json(nullptr) : json(p.exit_code)},
          {"wall_s", seconds_form(p.wall_s)},
          {"cpu_s", seconds_form(p.cpu_s)},
          {"payloads", p.payloads < 0 ? json(nullptr) : json(p.payloads)},
          {"payload_start", time_form(p.payload_start)},
          {"reason", optional_text(p.reason)},
          {"rule", optional_text(p.rule)}};
}

// All sources of a kind are unusable, and there is at least one.
bool all_down(const core::FactorySnapshot& factory, std::string_view kind) {
  bool any = false;
  for (const auto& s : factory.sources) {
    if (s.kind != kind) continue;
    any = true;
    if (s.state == "ok") return false;
  }
  return any;
}

}  // namespace

Health health(const core::FactorySnapshot* factory) {
  Health h;
  if (factory == nullptr) {
    h.reasons.emplace_back("the factory has not begun yet");
  } else {
    if (factory->stopping) h.reasons.emplace_back("the factory stops");
    if (!factory->ledger_trouble.empty()) h.reasons.push_back("the ledger does not work: " + factory->ledger_trouble);
    if (all_down(*factory, "wms")) h.reasons.emplace_back("no WMS gives a usable view");
    if (all_down(*factory, "batch")) h.reasons.emplace_back("no batch system gives a usable view");
  }
  h.ok = h.reasons.empty();
  return h;
}

std::string status_json(const core::FactorySnapshot& factory, const QueueSnapshots& queues, Moment now) {
  const json form{
      {"factory",
       {{"id", factory.factory_id},
        {"run", factory.run},
        {"started", time_form(factory.started)},
        {"now", time_form(now.wall)},
        {"config_version", factory.config_version},
        {"stopping", factory.stopping}}},
      {"totals",
       {{"queues", queues.size()},
        {"pending", factory.pending},
        {"running", factory.running},
        {"missing", factory.missing},
        {"open_submissions", factory.open_submissions},
        {"excluded_nodes", factory.excluded_nodes},
        {"failing_queues", factory.failing_queues}}},
      {"ledger", {{"ok", factory.ledger_trouble.empty()}, {"trouble", optional_text(factory.ledger_trouble)}}},
      {"alarms", forms_of(factory.alarms, alarm_form)},
      {"holds", forms_of(factory.holds, hold_form)},
      {"sources", forms_of(factory.sources, [&](const auto& s) { return source_form(s, now); })},
      {"queues", queue_forms(queues, now)}};
  return text_of(form);
}

std::string queues_json(const QueueSnapshots& queues, Moment now) {
  return text_of(json{{"queues", queue_forms(queues, now)}});
}

std::string queue_json(const core::QueueSnapshot& queue, Moment now) {
  json form = queue_form(queue, now);
  form["last_decision"] = queue.last ? decision_form(*queue.last) : json(nullptr);
  return text_of(form);
}

std::string pilots_json(const PilotPage& page) {
  return text_of(
      json{{"pilots", forms_of(page.pilots, pilot_form)}, {"next", page.next == 0 ? json(nullptr) : json(page.next)}});
}

std::string decisions_json(std::span<const DecisionEntry> decisions) {
  return text_of(json{{"decisions", forms_of(decisions, [](const DecisionEntry& e) {
                         json form = decision_form(e.decision);
                         form["repeats"] = e.repeats;
                         form["last"] = time_form(e.last);
                         return form;
                       })}});
}

std::string health_json(const Health& health, const core::FactorySnapshot* factory) {
  json alarms = json::array();
  if (factory != nullptr) alarms = forms_of(factory->alarms, alarm_form);
  return text_of(json{{"ok", health.ok}, {"reasons", health.reasons}, {"alarms", std::move(alarms)}});
}

std::string error_json(const Error& error) {
  return text_of(json{{"error",
                       {{"kind", name(error.kind)},
                        {"code", error.code},
                        {"what", error.what},
                        {"where", optional_text(error.where)},
                        {"advice", optional_text(error.advice)}}}});
}

std::string reload_json(const std::string& changed) { return text_of(json{{"ok", true}, {"changed", changed}}); }

}  // namespace apf::engine
