// `apf status`, `apf explain`, `apf pilots`: what is, in words and tables. The daemon's JSON is the source, so that
// --json and the tables can't disagree.
#include <fmt/format.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <ostream>

#include "factory/commands.h"
#include "factory/table.h"
#include "net/http_client.h"

namespace apf::factory {
namespace {

using Json = nlohmann::json;

std::string number(const Json& v) {
  if (v.is_null()) return "-";
  return v.is_number_integer() ? std::to_string(v.get<std::int64_t>()) : v.dump();
}
std::string text(const Json& v) { return v.is_string() ? v.get<std::string>() : std::string(); }

// "12 s"; "never" for null.
std::string age(const Json& v) {
  if (!v.is_number()) return "never";
  return human(seconds{static_cast<std::int64_t>(v.get<double>())});
}

// "12", "-3", "held: paused by ann".
std::string outcome(const Json& decision) {
  if (decision.is_null()) return "none yet";
  if (const auto held = text(decision["held"]); !held.empty()) return "held: " + held;
  const auto by = text(decision["bound_by"]);
  return fmt::format("{}{}", number(decision["n"]), by.empty() ? "" : " (" + by + ")");
}

std::string state_of(const Json& q) {
  if (q["gone"].get<bool>()) return "gone";
  if (!q["enabled"].get<bool>()) return "disabled";
  return text(q["mode"]) == "shadow" ? "shadow" : text(q["site"]);
}

void print_queues(const Json& queues, std::ostream& out) {
  Table table({"QUEUE", "STATE", "READY>", "CLAIMED>", "PENDING>", "RUNNING>", "MISSING>", "DONE 1H>", "FAILED 1H>",
               "WMS VIEW>", "BATCH VIEW>", "LAST DECISION"});
  for (const auto& q : queues) {
    const auto& p = q["pilots"];
    table.add({text(q["name"]), state_of(q), number(q["demand"]["ready"]), number(p["claimed"]), number(p["pending"]),
               number(p["running"]), number(p["missing"]), number(q["last_hour"]["done"]),
               number(q["last_hour"]["failed"]), age(q["wms_view_age_s"]), age(q["batch_view_age_s"]),
               outcome(q["last_decision"])});
  }
  table.print(out);
}

void print_sources(const Json& sources, std::ostream& out) {
  Table table({"SOURCE", "PLUG-IN", "STATE", "VIEW>", "PILOTS>", "KNOWN BY", "EVIDENCE OR TROUBLE"});
  for (const auto& s : sources) {
    const auto trouble = text(s["trouble"]);
    table.add({text(s["kind"]) + ":" + text(s["name"]), text(s["plugin"]), text(s["state"]), age(s["view_age_s"]),
               s.contains("pilots") ? number(s["pilots"]) : "", text(s["way"]),
               trouble.empty() ? text(s["evidence"]) : trouble});
  }
  table.print(out);
}

void print_status(const Json& s, std::ostream& out) {
  const auto &f = s["factory"], &t = s["totals"];
  out << fmt::format("factory {}, run {} since {}, configuration {}{}\n", text(f["id"]), number(f["run"]),
                     text(f["started"]), text(f["config_version"]), f["stopping"].get<bool>() ? ", stopping" : "");
  out << fmt::format("{} queues, {} pilots pending, {} running, {} missing, {} open submissions\n\n",
                     number(t["queues"]), number(t["pending"]), number(t["running"]), number(t["missing"]),
                     number(t["open_submissions"]));
  if (t["excluded_nodes"].get<std::int64_t>() + t["failing_queues"].get<std::int64_t>() > 0)
    out << fmt::format("{} nodes excluded, {} queues slowed down because their pilots fail\n\n",
                       number(t["excluded_nodes"]), number(t["failing_queues"]));
  print_queues(s["queues"], out);
  out << '\n';
  print_sources(s["sources"], out);
  for (const auto& h : s["holds"])
    out << fmt::format("\n{} {} since {} by {}{}{}", text(h["verb"]), text(h["scope"]), text(h["since"]),
                       text(h["who"]), text(h["reason"]).empty() ? "" : ": " + text(h["reason"]),
                       h["until"].is_null() ? "" : ", until " + text(h["until"]));
  if (!s["holds"].empty()) out << '\n';
  out << (s["alarms"].empty() ? "\nno alarms\n" : "\n");
  for (const auto& a : s["alarms"])
    out << fmt::format("ALARM {} {} since {}: {}\n", text(a["code"]), text(a["subject"]), text(a["since"]),
                       text(a["text"]));
}

// ---- explain ----

void explain_inputs(const Json& q, const Json& in, std::ostream& out) {
  const auto& w = in["wms"];
  if (w.is_null())
    out << "  demand       not known: no usable view of the WMS\n";
  else
    out << fmt::format("  demand       {} jobs ready, {} not ready, {} running (view {} old, site {})\n",
                       number(w["ready"]), number(w["notready"]), number(w["running"]), age(q["wms_view_age_s"]),
                       text(in["site"]));
  if (!in["dealt"].is_null())
    out << fmt::format("  share        {} of it: other queues serve the same WMS queue\n", number(in["dealt"]));
  out << fmt::format("  pilots       {} pending, {} running, {} being removed (view {} old)\n", number(in["pending"]),
                     number(in["running"]), number(in["retiring"]), age(q["batch_view_age_s"]));
  if (in["claimed"].get<std::int64_t>() != 0)
    out << fmt::format("  claimed      {} pilots started so lately that the WMS may still call their jobs ready\n",
                       number(in["claimed"]));
  out << fmt::format("  this cycle   {} submitted already; {} pilots in the whole factory\n", number(in["used"]),
                     number(in["factory_total"]));
}

void explain_outcome(const Json& d, std::ostream& out) {
  const auto n = d["n"].get<std::int64_t>();
  const auto held = text(d["held"]), by = text(d["bound_by"]);
  if (!held.empty()) {
    out << fmt::format("\nHELD: {} [{}]\n", held, text(d["held_code"]));
  } else if (n > 0) {
    out << fmt::format("\n{} pilots were submitted; the number was set by {}.\n", n, by.empty() ? "the chain" : by);
  } else if (n < 0) {
    out << fmt::format("\n{} pilots were let go; the number was set by {}.\n", -n, by.empty() ? "the chain" : by);
  } else {
    out << fmt::format("\nNothing was submitted; the number was set by {}.\n", by.empty() ? "the chain" : by);
  }
  if (const auto acted = text(d["acted"]); !acted.empty()) out << "Besides: " << acted << ".\n";
}

void explain_nodes(const Json& q, std::ostream& out) {
  if (const auto why = text(q["failing"]); !why.empty())
    out << fmt::format("  failing      {}; one pilot at a time until some live\n", why);
  const auto& excluded = q["nodes"]["excluded"];
  if (excluded.empty()) return;
  out << fmt::format("  nodes        {} of {} known ones get no pilots:\n", excluded.size(),
                     number(q["nodes"]["known"]));
  for (const auto& e : excluded)
    out << fmt::format("               {} since {}: {}; {}\n", text(e["node"]), text(e["since"]), text(e["why"]),
                       e["probed"].get<bool>() ? "one pilot tries it now" : "next try in " + age(e["probe_in_s"]));
}

void print_explanation(const Json& q, std::ostream& out) {
  out << fmt::format("queue {}: WMS {} ({}), batch {}, {}\n", text(q["name"]), text(q["wms"]), text(q["wms_queue"]),
                     text(q["batch"]), state_of(q));
  for (const auto& hold : q["holds"]) out << "  hold         " << text(hold) << '\n';
  if (q["open_submissions"].get<std::int64_t>() > 0)
    out << fmt::format("  open         {} submission is on its way or being looked up\n",
                       number(q["open_submissions"]));
  explain_nodes(q, out);
  const auto& d = q["last_decision"];
  if (d.is_null()) {
    out << "\nThere is no decision yet.\n";
    return;
  }
  out << fmt::format("\nlast decision at {} (pass {}, configuration {})\n", text(d["at"]), number(d["pass"]),
                     text(d["config_version"]));
  explain_inputs(q, d["input"], out);
  for (const auto& s : d["steps"])
    out << fmt::format("  {:<12} {} -> {}   {}\n", text(s["plugin"]), number(s["in"]), number(s["out"]),
                       text(s["message"]));
  explain_outcome(d, out);
}

void print_history(const Json& decisions, std::ostream& out) {
  if (decisions.empty()) return;
  out << "\nbefore that, newest first:\n";
  Table table({"  AT", "N>", "BOUND OR HELD BY", "REPEATED>", "MESSAGE"});
  for (const auto& d : decisions) {
    const auto held = text(d["held"]);
    table.add({"  " + text(d["at"]), number(d["n"]), held.empty() ? text(d["bound_by"]) : held, number(d["repeats"]),
               text(d["message"])});
  }
  table.print(out);
}

void print_pilots(const Json& pilots, std::ostream& out) {
  Table table(
      {"NO>", "BATCH ID", "QUEUE", "STATE", "NODE", "SUBMITTED", "STARTED", "ENDED", "EXIT>", "JOBS>", "REASON"});
  for (const auto& p : pilots) {
    const auto rule = text(p["rule"]);
    std::string state = text(p["state"]);
    if (p["missing"].get<bool>()) state += " (missing)";
    if (p["lost"].get<bool>()) state = "lost";
    table.add({number(p["no"]), text(p["batch_id"]), text(p["queue"]), state, text(p["node"]), text(p["submitted"]),
               text(p["started"]), text(p["ended"]), number(p["exit_code"]), number(p["payloads"]),
               rule.empty() ? text(p["reason"]) : rule});
  }
  table.print(out);
}

}  // namespace

int status(const Target& target, std::ostream& out, std::ostream& err) {
  const auto answer = ask(target, "/api/v1/status");
  if (!answer) return complain(target, answer.error(), out, err);
  if (target.json)
    out << *answer;
  else
    print_status(Json::parse(*answer), out);
  return kGood;
}

int explain(const Target& target, const std::string& queue, std::ostream& out, std::ostream& err) {
  const std::string name = net::percent_encode(queue);
  const auto answer = ask(target, "/api/v1/queues/" + name);
  if (!answer) return complain(target, answer.error(), out, err);
  if (target.json) {
    out << *answer;
    return kGood;
  }
  print_explanation(Json::parse(*answer), out);
  const auto history = ask(target, "/api/v1/decisions?limit=8&queue=" + name);
  if (history) print_history(Json::parse(*history)["decisions"], out);
  return kGood;
}

int pilots(const Target& target, const PilotsArgs& args, std::ostream& out, std::ostream& err) {
  const auto answer = ask(target, "/api/v1/pilots?" + pilot_query(args));
  if (!answer) return complain(target, answer.error(), out, err);
  if (target.json) {
    out << *answer;
    return kGood;
  }
  const Json page = Json::parse(*answer);
  print_pilots(page["pilots"], out);
  if (!page["next"].is_null()) out << "more follow: --after " << number(page["next"]) << '\n';
  return kGood;
}

}  // namespace apf::factory
