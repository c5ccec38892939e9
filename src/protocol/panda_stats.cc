// Statistics and site specs of the PanDA codec.
#include <nlohmann/json.hpp>

#include "protocol/panda.h"
#include "protocol/panda_envelope.h"
#include "protocol/pickle.h"

namespace apf::protocol::panda {
namespace {

using json_value::Json;

Status check_name(const std::string& name, const char* what) {
  if (name.empty()) return fail(Kind::permanent, kBadReply, std::string("a ") + what + " without a name");
  if (name.size() > kLongestName)
    return fail(Kind::permanent, kBadReply, std::string("the name of a ") + what + " has more than 256 bytes");
  return {};
}

Status check_object(const Json& json, const std::string& where, const char* what) {
  if (json.is_object()) return {};
  return fail(Kind::permanent, kBadReply, where + ": expected " + what + ", got " + json_value::describe(json));
}

Result<Cell> read_cell(std::string site, std::string type, std::string label, const Json& states) {
  const std::string where = site + "/" + type + "/" + label;
  if (auto ok = check_object(states, where, "an object of status to number"); !ok) return fail(ok.error());
  Cell cell{std::move(site), std::move(type), std::move(label), {}};
  for (const auto& [state, value] : states.items()) {
    if (value.is_null()) continue;
    auto n = json_value::integer(value, where + "/" + state, kBadReply, 0, kMostJobs);
    if (!n) return fail(std::move(n.error()));
    cell.jobs[state] = *n;
  }
  return cell;
}

// Two levels of names between a site and its counts, in this order.
struct Levels {
  const char* outer;
  const char* inner;
  bool label_first;
};
constexpr Levels kDetailed = {"resource type", "label", false};
constexpr Levels kShares = {"share", "resource type", true};

Status read_site_cells(const std::string& site, const Json& outers, const Levels& levels, std::vector<Cell>& out) {
  if (auto ok = check_object(outers, site, "an object of names"); !ok) return ok;
  for (const auto& [outer, inners] : outers.items()) {
    if (auto ok = check_name(outer, levels.outer); !ok) return ok;
    if (auto ok = check_object(inners, site + "/" + outer, "an object of names"); !ok) return ok;
    for (const auto& [inner, states] : inners.items()) {
      if (auto ok = check_name(inner, levels.inner); !ok) return ok;
      auto cell = levels.label_first ? read_cell(site, inner, outer, states) : read_cell(site, outer, inner, states);
      if (!cell) return fail(std::move(cell.error()));
      out.push_back(std::move(*cell));
    }
  }
  return {};
}

// `levels` null: the counts stand below the site.
Result<std::vector<Cell>> read_stats(int http_status, std::string_view body, const Levels* levels) {
  const auto data = open_envelope(http_status, body, Kind::transient);
  if (!data) return fail(data.error());
  if (auto ok = check_object(*data, "data", "an object of sites"); !ok) return fail(ok.error());
  std::vector<Cell> cells;
  for (const auto& [site, inside] : data->items()) {
    if (auto ok = check_name(site, "site"); !ok) return fail(ok.error());
    if (levels != nullptr) {
      if (auto ok = read_site_cells(site, inside, *levels, cells); !ok) return fail(ok.error());
      continue;
    }
    auto cell = read_cell(site, "", "", inside);
    if (!cell) return fail(std::move(cell.error()));
    cells.push_back(std::move(*cell));
  }
  return cells;
}

Result<std::vector<Site>> sites_of(const Json& data) {
  if (auto ok = check_object(data, "data", "an object of sites"); !ok) return fail(ok.error());
  std::vector<Site> sites;
  for (const auto& [name, spec] : data.items()) {
    if (auto ok = check_name(name, "site"); !ok) return fail(ok.error());
    if (auto ok = check_object(spec, name, "an object of site attributes"); !ok) return fail(ok.error());
    const Json& status = json_value::member(spec, "status");
    Site site{name, "unknown"};
    if (!status.is_null()) {
      auto text = json_value::text(status, name + "/status", kBadReply, kLongestName);
      if (!text) return fail(std::move(text.error()));
      if (!text->empty()) site.status = std::move(*text);
    }
    sites.push_back(std::move(site));
  }
  return sites;
}

}  // namespace

Result<std::vector<Cell>> read_detailed_stats(int http_status, std::string_view body) {
  return read_stats(http_status, body, &kDetailed);
}
Result<std::vector<Cell>> read_share_stats(int http_status, std::string_view body) {
  return read_stats(http_status, body, &kShares);
}
Result<std::vector<Cell>> read_site_stats(int http_status, std::string_view body) {
  return read_stats(http_status, body, nullptr);
}

std::string write_detailed_stats(std::span<const Cell> cells) {
  Json data = Json::object();
  for (const Cell& c : cells) {
    Json& states = data[c.site][c.resource_type][c.label];
    states = {{"activated", 0}, {"assigned", 0}, {"running", 0}};  // always there in PanDA's answer
    for (const auto& [state, n] : c.jobs) states[state] = n;
  }
  return close_envelope(true, "", data);
}

std::string write_site_stats(std::span<const Cell> cells) {
  Json data = Json::object();
  for (const Cell& c : cells) {
    Json& states = data[c.site];
    if (states.is_null()) states = {{"activated", 0}, {"assigned", 0}, {"running", 0}};
    for (const auto& [state, n] : c.jobs) states[state] = states.value(state, std::int64_t{0}) + n;
  }
  return close_envelope(true, "", data);
}

Result<std::vector<Site>> read_site_specs(int http_status, std::string_view body) {
  const auto data = open_envelope(http_status, body, Kind::transient);
  if (!data) return fail(data.error());
  return sites_of(*data);
}

Result<std::vector<Site>> read_legacy_site_specs(int http_status, std::string_view body) {
  if (auto ok = check_status(http_status, body, Kind::transient); !ok) return fail(std::move(ok.error()));
  const auto data = read_pickle(body, "panda.not_pickle");
  if (!data) return fail(data.error());
  return sites_of(*data);
}

std::string write_site_specs(std::span<const Site> sites) {
  Json data = Json::object();
  for (const Site& s : sites)
    data[s.name] = {{"sitename", s.name}, {"nickname", s.name},          {"status", s.status},
                    {"type", "unified"},  {"pandasite_state", "ACTIVE"}, {"capability", "ucore"}};
  return close_envelope(true, "", data);
}

}  // namespace apf::protocol::panda
