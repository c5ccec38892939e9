#include "engine/api_query.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace apf::engine {
namespace {

tl::unexpected<Error> bad(std::string what) {
  return fail(Kind::permanent, "api.bad_request", std::move(what), {}, "docs/api.md has the parameters");
}

Result<std::uint64_t> number(const std::string& name, const std::string& text, std::uint64_t most) {
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || n > most) {
    return bad(fmt::format("'{}' must be a whole number of at most {}", name, most));
  }
  return n;
}

Result<bool> yes_or_no(const std::string& name, const std::string& text) {
  if (text == "1" || text == "true") return true;
  if (text == "0" || text == "false") return false;
  return bad(fmt::format("'{}' must be 1 or 0", name));
}

Status take_number(const std::string& name, const std::string& text, std::uint64_t most, auto& to) {
  auto n = number(name, text, most);
  if (!n) return fail(n.error());
  to = static_cast<std::remove_reference_t<decltype(to)>>(*n);
  return {};
}

Status take_states(std::string_view list, PilotFilter& filter) {
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    const auto one = list.substr(0, end);
    const auto state = pilot_state(one);
    if (!state) return bad(fmt::format("'{}' is no state of a pilot", one));
    filter.states.push_back(*state);
    if (ended(*state)) filter.live_only = false;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return {};
}

// Whether the parameter is one of those that are plain text.
bool take_text(const std::string& name, const std::string& value, PilotFilter& f) {
  if (name == "queue")
    f.queue = value;
  else if (name == "batch")
    f.batch = value;
  else if (name == "batch_id")
    f.batch_id = value;
  else if (name == "submission")
    f.submission = value;
  else if (name == "node")
    f.node = value;
  else
    return false;
  return true;
}

Status take_flag(const std::string& name, const std::string& value, PilotFilter& f) {
  auto flag = yes_or_no(name, value);
  if (!flag) return fail(flag.error());
  if (name == "missing") f.missing_only = *flag;
  if (name == "ended" && *flag) f.live_only = false;
  return {};
}

Status take(const std::string& name, const std::string& value, PilotQuestion& q) {
  if (take_text(name, value, q.filter)) return {};
  if (name == "state") return take_states(value, q.filter);
  if (name == "ended" || name == "missing") return take_flag(name, value, q.filter);
  if (name == "limit") return take_number(name, value, 10'000, q.limit);
  if (name == "offset") return take_number(name, value, 100'000, q.offset);
  if (name == "submitted_before_ms") return take_number(name, value, INT64_MAX, q.filter.submitted_before.ms);
  if (name == "after") return take_number(name, value, INT64_MAX, q.filter.after);
  return bad(fmt::format("unknown parameter '{}'", name));
}

}  // namespace

Result<PilotQuestion> read_pilot_question(const Query& query) {
  PilotQuestion q;
  q.limit = 100;
  for (const auto& [name, value] : query) {
    if (auto s = take(name, value, q); !s) return fail(s.error());
  }
  q.filter.most = static_cast<std::int64_t>(q.offset + q.limit + 1);
  return q;
}

Result<DecisionQuestion> read_decision_question(const Query& query) {
  DecisionQuestion q{{}, 20};
  for (const auto& [name, value] : query) {
    if (name == "queue") {
      q.queue = value;
    } else if (name == "limit") {
      if (auto s = take_number(name, value, 1000, q.limit); !s) return fail(s.error());
    } else {
      return bad(fmt::format("unknown parameter '{}'", name));
    }
  }
  return q;
}

}  // namespace apf::engine
