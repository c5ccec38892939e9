#include "engine/api_orders.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <nlohmann/json.hpp>

namespace apf::engine {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestText = 1000;
constexpr std::size_t kMostPilots = 100'000;

struct VerbForm {
  std::string_view name;
  bool lift;
  std::array<const char*, 2> holds;  // set or lifted
};
constexpr std::array<VerbForm, 5> kVerbs{{{"pause", false, {"pause", nullptr}},
                                          {"disable", false, {"disable", nullptr}},
                                          {"drain", false, {"drain", nullptr}},
                                          {"resume", true, {"pause", "drain"}},
                                          {"enable", true, {"disable", nullptr}}}};
constexpr std::array<std::string_view, 3> kScopes{"batch:", "wms:", "queue:"};

tl::unexpected<Error> bad(std::string what) {
  return fail(Kind::permanent, "api.bad_request", std::move(what), {}, "docs/api.md has the forms");
}

Result<json> read_object(std::string_view body, std::initializer_list<std::string_view> known) {
  json object = body.empty() ? json::object() : json::parse(body, nullptr, false);
  if (!object.is_object()) return bad("the body is no JSON object");
  for (const auto& [key, value] : object.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) return bad(fmt::format("unknown field '{}'", key));
  }
  return object;
}

// Text for the ledger and for logs: no control characters.
Result<std::string> read_text(const json& object, const char* key, bool needed) {
  const auto found = object.find(key);
  if (found == object.end() && !needed) return std::string{};
  if (found == object.end() || !found->is_string()) return bad(fmt::format("'{}' must be a text", key));
  auto text = found->get<std::string>();
  const bool control =
      std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (control || text.size() > kLongestText) {
    return bad(fmt::format("'{}' must be one line of at most {} bytes", key, kLongestText));
  }
  if (needed && text.empty()) return bad(fmt::format("'{}' is empty", key));
  return text;
}

Status read_scope(const json& object, core::Hold& hold) {
  auto scope = read_text(object, "scope", true);
  if (!scope) return fail(scope.error());
  const bool good = *scope == "all" || std::any_of(kScopes.begin(), kScopes.end(), [&](std::string_view prefix) {
    return scope->starts_with(prefix) && scope->size() > prefix.size();
  });
  if (!good) return bad("'scope' must be all, batch:NAME, wms:NAME or queue:NAME");
  hold.scope = std::move(*scope);
  return {};
}

Status read_until(const json& object, Wall now, core::Hold& hold) {
  const auto found = object.find("until_ms");
  if (found == object.end()) return {};
  if (!found->is_number_integer()) return bad("'until_ms' must be milliseconds since 1970");
  hold.until = Wall{found->get<std::int64_t>()};
  if (hold.until.ms != 0 && hold.until <= now) return bad("'until_ms' has passed already");
  return {};
}

}  // namespace

Result<std::vector<core::Verb>> read_verb(std::string_view body, const std::string& who, Wall now) {
  auto object = read_object(body, {"verb", "scope", "reason", "until_ms"});
  if (!object) return fail(object.error());
  auto verb = read_text(*object, "verb", true);
  if (!verb) return fail(verb.error());
  const auto* known = std::find_if(kVerbs.begin(), kVerbs.end(), [&](const auto& v) { return v.name == *verb; });
  if (known == kVerbs.end()) return bad("'verb' must be pause, disable, drain, resume or enable");
  auto reason = read_text(*object, "reason", false);
  if (!reason) return fail(reason.error());
  core::Hold hold;
  hold.who = who;
  hold.reason = std::move(*reason);
  hold.since = now;
  if (auto s = read_scope(*object, hold); !s) return fail(s.error());
  if (auto s = read_until(*object, now, hold); !s) return fail(s.error());
  std::vector<core::Verb> orders;
  for (const char* one : known->holds) {
    if (one == nullptr) continue;
    hold.verb = one;
    orders.push_back({hold, known->lift});
  }
  return orders;
}

Result<core::RemoveAsked> read_remove(std::string_view body, const std::string& who) {
  auto object = read_object(body, {"pilots", "reason"});
  if (!object) return fail(object.error());
  auto reason = read_text(*object, "reason", false);
  if (!reason) return fail(reason.error());
  core::RemoveAsked order{{}, who, std::move(*reason)};
  const auto pilots = object->find("pilots");
  if (pilots == object->end() || !pilots->is_array() || pilots->empty() || pilots->size() > kMostPilots) {
    return bad(fmt::format("'pilots' must be a list of 1 to {} numbers of pilots", kMostPilots));
  }
  for (const auto& no : *pilots) {
    if (!no.is_number_unsigned()) return bad("'pilots' holds something that is no number of a pilot");
    order.pilots.push_back(no.get<std::uint64_t>());
  }
  return order;
}

Result<core::AcceptView> read_accept_view(std::string_view body, const std::string& who) {
  auto object = read_object(body, {"batch"});
  if (!object) return fail(object.error());
  auto batch = read_text(*object, "batch", true);
  if (!batch) return fail(batch.error());
  return core::AcceptView{std::move(*batch), who};
}

Status read_nothing(std::string_view body) {
  auto object = read_object(body, {});
  if (!object) return fail(object.error());
  return {};
}

}  // namespace apf::engine
