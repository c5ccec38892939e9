// The operator's words: pause and its likes, remove, reload, accept-view, adopt, ledger rebuild.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>

#include "engine/ledger.h"
#include "engine/state_lock.h"
#include "factory/commands.h"
#include "net/http_client.h"

namespace apf::factory {
namespace {

using Json = nlohmann::json;

// "2h" from now, or a time as people write it: 2026-11-22T10:00 (UTC), with seconds and Z if they like.
Result<Wall> read_until(const std::string& text) {
  if (const auto d = parse_duration(text); d) return Wall{wall_now().ms + d->count() / 1'000'000};
  std::tm tm{};
  const char* end = strptime(text.c_str(), "%Y-%m-%dT%H:%M", &tm);
  if (end != nullptr && *end == ':') end = strptime(end, ":%S", &tm);
  if (end != nullptr && *end == 'Z') ++end;
  if (end == nullptr || *end != '\0')
    return fail(Kind::config, "client.bad_time", "'" + text + "' is no time", {},
                "say how long (2h) or when in UTC (2026-11-22T10:00)");
  return Wall{std::int64_t{timegm(&tm)} * 1000};
}

// A bare name is a queue's.
std::string full_scope(const std::string& scope) {
  const bool full = scope == "all" || scope.find(':') != std::string::npos;
  return full ? scope : "queue:" + scope;
}

int say(const Target& target, const Result<std::string>& answer, const std::string& words, std::ostream& out,
        std::ostream& err) {
  if (!answer) return complain(target, answer.error(), out, err);
  out << (target.json ? *answer : words + "\n");
  return kGood;
}

void parameter(std::string& query, const char* name, const std::string& value) {
  if (value.empty()) return;
  query += (query.empty() ? "" : "&") + std::string(name) + "=" + net::percent_encode(value);
}

// All pages of what the filters match.
Result<Json> all_pilots(const Target& target, PilotsArgs filter) {
  Json all = Json::array();
  filter.limit = 1000;
  while (true) {
    const auto answer = ask(target, "/api/v1/pilots?" + pilot_query(filter));
    if (!answer) return fail(answer.error());
    const Json page = Json::parse(*answer);
    for (const auto& p : page["pilots"]) all.push_back(p);
    if (page["next"].is_null()) return all;
    filter.after = page["next"].get<std::uint64_t>();
  }
}

bool wanted(const Json& pilot, const RemoveArgs& args) {
  const auto id = pilot["batch_id"].get<std::string>();
  return args.ids.empty() || std::find(args.ids.begin(), args.ids.end(), id) != args.ids.end();
}

bool is_older(const Json& pilot, Wall before) {
  if (before.ms == 0) return true;
  return pilot["submitted"].is_string() && pilot["submitted"].get<std::string>() < iso8601(before);
}

Result<Json> chosen(const Target& target, const RemoveArgs& args) {
  Wall before;
  if (!args.older.empty()) {
    const auto d = parse_duration(args.older);
    if (!d) return fail(d.error());
    before = Wall{wall_now().ms - d->count() / 1'000'000};
  }
  auto found = all_pilots(target, args.filter);
  if (!found) return found;
  Json list = Json::array();
  for (const auto& p : *found)
    if (wanted(p, args) && is_older(p, before)) list.push_back(p);
  return list;
}

}  // namespace

std::string pilot_query(const PilotsArgs& args) {
  std::string query;
  parameter(query, "queue", args.queue);
  parameter(query, "batch", args.batch);
  parameter(query, "node", args.node);
  parameter(query, "state", args.state);
  if (args.ended) parameter(query, "ended", "1");
  if (args.missing) parameter(query, "missing", "1");
  if (args.after > 0) parameter(query, "after", std::to_string(args.after));
  parameter(query, "limit", std::to_string(args.limit));
  return query;
}

int hold(const Target& target, const HoldArgs& args, std::ostream& out, std::ostream& err) {
  Json body{{"verb", args.verb}, {"scope", full_scope(args.scope)}};
  if (!args.reason.empty()) body["reason"] = args.reason;
  if (!args.until.empty()) {
    const auto until = read_until(args.until);
    if (!until) return complain(target, until.error(), out, err);
    body["until_ms"] = until->ms;
  }
  return say(target, order(target, "/api/v1/holds", body.dump()),
             fmt::format("{}: {}", args.verb, full_scope(args.scope)), out, err);
}

int remove_pilots(const Target& target, const RemoveArgs& args, std::ostream& out, std::ostream& err) {
  const bool everything = args.ids.empty() && args.older.empty() && !args.filter.missing && args.filter.queue.empty() &&
                          args.filter.batch.empty() && args.filter.node.empty() && args.filter.state.empty();
  if (everything && !args.all)
    return complain(target,
                    {Kind::config,
                     "client.no_filter",
                     "this would remove all pilots",
                     {},
                     "give a filter, or --all if you mean it"},
                    out, err);
  const auto list = chosen(target, args);
  if (!list) return complain(target, list.error(), out, err);
  Json body{{"pilots", Json::array()}};
  if (!args.reason.empty()) body["reason"] = args.reason;
  for (const auto& p : *list) body["pilots"].push_back(p["no"]);
  if (!args.dry_run && !list->empty())
    if (const auto done = order(target, "/api/v1/pilots/remove", body.dump()); !done)
      return complain(target, done.error(), out, err);
  if (target.json) {
    out << Json{{"dry_run", args.dry_run}, {"pilots", *list}}.dump() << '\n';
    return kGood;
  }
  for (const auto& p : *list)
    out << fmt::format("{}  {}  {}\n", p["batch_id"].get<std::string>(), p["queue"].get<std::string>(),
                       p["state"].get<std::string>());
  out << fmt::format("{} pilots {}\n", list->size(), args.dry_run ? "would be removed" : "are being removed");
  return kGood;
}

int reload(const Target& target, std::ostream& out, std::ostream& err) {
  const auto answer = order(target, "/api/v1/reload", "");
  if (!answer || target.json) return say(target, answer, "", out, err);
  return say(target, answer, "reloaded: " + Json::parse(*answer).value("changed", ""), out, err);
}

int accept_view(const Target& target, const std::string& batch, std::ostream& out, std::ostream& err) {
  return say(target, order(target, "/api/v1/batch/accept-view", Json{{"batch", batch}}.dump()),
             "the next view of batch " + batch + " is accepted as it is", out, err);
}

int adopt(const Target& target, std::ostream& out, std::ostream& err) {
  return say(target, order(target, "/api/v1/adopt", ""), "this factory takes over all pilots of its factory id", out,
             err);
}

// With the daemon: it looks at all live pilots anew. Without: the ledger is set aside, and the next start begins from
// the live pilots that it finds.
int ledger_rebuild(const Target& target, std::ostream& out, std::ostream& err) {
  const auto online = order(target, "/api/v1/adopt", "");
  if (online || online.error().code != "client.not_running")
    return say(target, online, "all live pilots are looked at anew and taken up before the next submission", out, err);
  const auto dir = find_state_dir(target);
  if (!dir) return complain(target, dir.error(), out, err);
  const auto lock = engine::StateLock::take(*dir);
  if (!lock) return complain(target, lock.error(), out, err);
  const std::string file = engine::Ledger::file(*dir), aside = file + "." + std::to_string(wall_now().ms / 1000);
  std::error_code failed;
  if (!std::filesystem::exists(file, failed))
    return say(target, std::string("{\"ok\":true}\n"), "there is no ledger: the next start makes one", out, err);
  for (const char* part : {"", "-wal", "-shm"})
    if (std::filesystem::exists(file + part, failed)) {
      std::filesystem::rename(file + part, aside + part, failed);
      if (failed)
        return complain(
            target,
            {Kind::permanent, "client.cannot_move", "cannot set the ledger aside: " + failed.message(), file, {}}, out,
            err);
    }
  return say(target, std::string("{\"ok\":true}\n"),
             "the old ledger is now " + aside + "; the next start takes up the live pilots it finds", out, err);
}

}  // namespace apf::factory
