#include "monitor/news/forms.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "protocol/form.h"
#include "protocol/json_value.h"

namespace apf::monitor {
namespace {

namespace jv = protocol::json_value;
using jv::Json;

constexpr const char* kCode = "monitor.bad_body";
constexpr std::size_t kLongestText = 256;
constexpr std::size_t kLongestStatus = 1024;  // what the original server kept
constexpr std::size_t kLongestUrl = 2000;
constexpr std::size_t kLongestIds = 1000;
constexpr std::size_t kLongestProfile = 16'384;
constexpr int kDeepest = 32;
constexpr std::int64_t kMostRc = 1'000'000;
constexpr std::int64_t kMostPilots = 1'000'000;  // of a submission

tl::unexpected<Error> bad(std::string what, std::string where = {}) {
  return fail(Kind::permanent, kCode, std::move(what), std::move(where));
}

// Deep JSON costs stack later.
bool too_deep(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\') {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == '[' || c == '{')) {
      if (++depth > kDeepest) return true;
    } else if (!quoted && (c == ']' || c == '}')) {
      --depth;
    }
  }
  return false;
}

Result<Json> parse(std::string_view body) {
  if (too_deep(body)) return bad("JSON that is nested too deeply");
  return jv::parse(body, kCode);
}

bool is_json(std::string_view body) {
  const auto start = body.find_first_not_of(" \t\r\n");
  return start != std::string_view::npos && (body[start] == '{' || body[start] == '[');
}

// Fields of a form or of a JSON object, as texts; what is no text, number or boolean is left out.
using Fields = std::map<std::string, std::string, std::less<>>;

Fields fields_of(const Json& object) {
  Fields fields;
  for (const auto& [key, value] : object.items()) {
    if (value.is_string())
      fields[key] = value.get<std::string>();
    else if (value.is_number() || value.is_boolean())
      fields[key] = jv::dump(value);
  }
  return fields;
}

Result<Fields> read_fields(std::string_view body) {
  if (is_json(body)) {
    const auto json = parse(body);
    if (!json) return fail(json.error());
    if (!json->is_object()) return bad(std::string("expected an object, got ") + jv::describe(*json));
    return fields_of(*json);
  }
  auto form = protocol::read_form(body);
  if (!form) return bad(form.error().what);
  Fields fields;
  for (auto& [name, value] : *form) fields[std::move(name)] = std::move(value);
  return fields;
}

std::string text_of(const Fields& fields, std::string_view name, std::size_t most = kLongestText) {
  const auto it = fields.find(name);
  return it == fields.end() ? std::string() : clean(it->second, most);
}

std::optional<std::string> optional_text(const Fields& fields, std::string_view name, std::size_t most = kLongestText) {
  const auto it = fields.find(name);
  if (it == fields.end()) return std::nullopt;
  return clean(it->second, most);
}

// An empty one tells nothing: AutoPyFactory sends its label's fields always empty.
std::optional<std::string> said(const Fields& fields, std::string_view name) {
  auto text = optional_text(fields, name);
  return text && !text->empty() ? text : std::nullopt;
}

template <class Int>
Status number(const Fields& fields, std::string_view name, std::int64_t least, std::int64_t most,
              std::optional<Int>& to) {
  const auto it = fields.find(name);
  if (it == fields.end() || it->second.empty()) return {};
  const auto n = jv::integer(Json(it->second), name, kCode, least, most);
  if (!n) return fail(n.error());
  to = static_cast<Int>(*n);
  return {};
}

Status time(const Fields& fields, std::string_view name, Wall& to) {
  std::optional<std::int64_t> ms;
  if (auto ok = number(fields, name, 0, INT64_MAX / 2, ms); !ok) return ok;
  to.ms = ms.value_or(0);
  return {};
}

Result<std::string> named(const Fields& fields, std::string_view name) {
  const auto it = fields.find(name);
  if (it == fields.end()) return bad("'" + std::string(name) + "' is missing");
  if (!good_name(it->second))
    return bad("'" + std::string(name) + "' must have 1 to 200 bytes of UTF-8 without control characters");
  return it->second;
}

bool yes(const Fields& fields, std::string_view name) {
  const std::string text = text_of(fields, name);
  return text == "1" || text == "true";
}

// What APFMon's clients call it, and what we do.
constexpr std::pair<std::string_view, std::string_view> kDetails[] = {
    {"stdouturl", "stdout"},   {"stderrurl", "stderr"},    {"logurl", "log"},
    {"jdlurl", "jdl"},         {"workerid", "worker"},     {"harvesterid", "harvester"},
    {"computingsite", "site"}, {"computingelement", "ce"}, {"gtag", "gtag"}};

void take_details(const Fields& fields, PilotNews& to) {
  for (const auto& [theirs, ours] : kDetails)
    if (std::string value = text_of(fields, theirs, kLongestUrl); !value.empty())
      to.details.push_back({std::string(ours), std::move(value)});
}

Result<PilotState> state_of(const Fields& fields) {
  const auto it = fields.find("state");
  if (it == fields.end()) return bad("'state' is missing");
  const auto state = read_state(it->second);
  if (!state || *state == PilotState::stale)
    return bad("'state' must be created, running, exiting, done or fault, got '" + clean(it->second, 40) + "'");
  return *state;
}

Status take_pilot(const Fields& fields, PilotNews& to) {
  if (auto ok = number(fields, "rc", -kMostRc, kMostRc, to.rc); !ok) return ok;
  if (auto ok = number(fields, "payloads", 0, kMostRc, to.payloads); !ok) return ok;
  if (auto ok = number(fields, "index", 0, UINT32_MAX, to.index); !ok) return ok;
  if (auto ok = time(fields, "at", to.at); !ok) return ok;
  to.payload_started = yes(fields, "payload_started");
  if (fields.contains("held")) to.held = yes(fields, "held");
  to.hold_reason = text_of(fields, "hold_reason");
  to.node = text_of(fields, "node");
  to.failure = text_of(fields, "failure");
  to.text = text_of(fields, "text");
  to.submission = text_of(fields, "submission");
  to.payload_ids = text_of(fields, "ids", kLongestIds);
  to.profile = text_of(fields, "profile", kLongestProfile);
  take_details(fields, to);
  return {};
}

Status take_submission(const Json& object, News& to) {
  const Fields fields = fields_of(object);
  SubmissionNews s;
  auto id = named(fields, "id");
  if (!id) return fail(std::move(id.error()));
  s.id = std::move(*id);
  s.digest = text_of(fields, "key");
  if (s.digest.size() != 64 || s.digest.find_first_not_of("0123456789abcdef") != std::string::npos)
    return bad("'key' must be the SHA-256 of the submission's key: 64 digits of lower-case hex");
  std::optional<std::uint32_t> pilots;
  if (auto ok = number(fields, "pilots", 1, kMostPilots, pilots); !ok) return ok;
  if (!pilots) return bad("'pilots' is missing: how many pilots the submission has");
  s.pilots = *pilots;
  to.submissions.push_back(std::move(s));
  return {};
}

FactoryNews factory_of(const Fields& fields) {
  FactoryNews f;
  f.version = optional_text(fields, "version");
  f.email = optional_text(fields, "email");
  f.url = optional_text(fields, "url", kLongestUrl);
  f.type = said(fields, "type");
  return f;
}

Result<LabelNews> label_of(const Fields& fields) {
  LabelNews l;
  auto name = named(fields, "name");
  if (!name) return fail(std::move(name.error()));
  l.name = std::move(*name);
  l.wms_queue = said(fields, "wms_queue");
  if (!l.wms_queue) l.wms_queue = said(fields, "wmsqueue");
  l.batch_queue = said(fields, "batch_queue");
  if (!l.batch_queue) l.batch_queue = said(fields, "batchqueue");
  l.site = said(fields, "site");
  if (!l.site) l.site = said(fields, "resource");
  l.cloud = said(fields, "cloud");
  l.status = optional_text(fields, "status", kLongestStatus);
  if (auto ok = time(fields, "at", l.at); !ok) return fail(std::move(ok.error()));
  return l;
}

// The members of a list of objects, each read by `read`; errors say which.
template <class Read>
Status each(const Json& list, const std::string& what, const Read& read) {
  if (!list.is_array()) return bad("'" + what + "' must be a list, got " + std::string(jv::describe(list)));
  if (list.size() > kMostAtOnce) return bad("'" + what + "' has more than " + std::to_string(kMostAtOnce) + " entries");
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string where = what + "[" + std::to_string(i) + "]";
    if (!list[i].is_object()) return bad(std::string("expected an object, got ") + jv::describe(list[i]), where);
    if (Status ok = read(list[i]); !ok) {
      ok.error().where = where;
      return ok;
    }
  }
  return {};
}

News& news_of(std::vector<News>& all, const std::string& factory) {
  const auto it = std::find_if(all.begin(), all.end(), [&](const News& n) { return n.factory.name == factory; });
  if (it != all.end()) return *it;
  all.emplace_back().factory.name = factory;
  return all.back();
}

Status take_job(const Json& object, std::vector<News>& all) {
  const Fields fields = fields_of(object);
  const auto factory = named(fields, "factory");
  if (!factory) return fail(factory.error());
  auto id = named(fields, "cid");
  if (!id) return fail(std::move(id.error()));
  PilotNews pilot;
  if (auto ok = take_pilot(fields, pilot); !ok) return ok;
  pilot.id = std::move(*id);
  pilot.label = text_of(fields, "label", 200);
  news_of(all, *factory).pilots.push_back(std::move(pilot));
  return {};
}

Status take_news_pilot(const Json& object, News& to) {
  const Fields fields = fields_of(object);
  PilotNews pilot;
  auto id = named(fields, "id");
  if (!id) return fail(std::move(id.error()));
  pilot.id = std::move(*id);
  const auto state = state_of(fields);
  if (!state) return fail(state.error());
  pilot.state = *state;
  if (fields.contains("label")) {
    auto label = named(fields, "label");
    if (!label) return fail(std::move(label.error()));
    pilot.label = std::move(*label);
  }
  if (auto ok = take_pilot(fields, pilot); !ok) return ok;
  if (const Json& profile = jv::member(object, "profile"); profile.is_object())
    if (std::string text = jv::dump(profile); text.size() <= kLongestProfile)
      pilot.profile = clean(text, kLongestProfile);
  if (const Json& details = jv::member(object, "details"); details.is_object())
    for (const auto& [name, value] : fields_of(details)) {
      if (pilot.details.size() >= 32) return bad("more than 32 details");
      if (!good_name(name)) return bad("the name of a detail is not a good name");
      pilot.details.push_back({name, clean(value, kLongestUrl)});
    }
  to.pilots.push_back(std::move(pilot));
  return {};
}

Status take_news_factory(const Json& factory, FactoryNews& to) {
  if (factory.is_null()) return bad("'factory' is missing");
  const Fields fields = factory.is_object() ? fields_of(factory)
                                            : Fields{{"name", factory.is_string() ? factory.get<std::string>() : ""}};
  auto name = named(fields, "name");
  if (!name) return fail(std::move(name.error()));
  to = factory_of(fields);
  to.name = std::move(*name);
  to.started = yes(fields, "started");
  if (fields.contains("credential_ends"))
    if (auto ok = time(fields, "credential_ends", to.credential_ends.emplace()); !ok) return ok;
  return {};
}

}  // namespace

Result<FactoryNews> read_factory(std::string_view body) {
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return FactoryNews{};
  const auto fields = read_fields(body);
  if (!fields) return fail(fields.error());
  return factory_of(*fields);
}

Result<std::vector<News>> read_labels(std::string_view body) {
  const auto json = parse(body);
  if (!json) return fail(json.error());
  std::vector<News> all;
  auto ok = each(*json, "labels", [&](const Json& object) -> Status {
    const Fields fields = fields_of(object);
    const auto factory = named(fields, "factory");
    if (!factory) return fail(factory.error());
    auto label = label_of(fields);
    if (!label) return fail(std::move(label.error()));
    news_of(all, *factory).labels.push_back(std::move(*label));
    return {};
  });
  if (!ok) return fail(std::move(ok.error()));
  return all;
}

Result<LabelNews> read_label_status(std::string_view body) {
  const auto fields = read_fields(body);
  if (!fields) return fail(fields.error());
  LabelNews l;
  l.status = optional_text(*fields, "status", kLongestStatus);
  if (!l.status) return bad("'status' is missing");
  return l;
}

Result<std::vector<News>> read_jobs(std::string_view body) {
  const auto json = parse(body);
  if (!json) return fail(json.error());
  std::vector<News> all;
  if (auto ok = each(*json, "jobs", [&](const Json& object) { return take_job(object, all); }); !ok)
    return fail(std::move(ok.error()));
  return all;
}

Result<PilotNews> read_job_state(std::string_view body) {
  const auto fields = read_fields(body);
  if (!fields) return fail(fields.error());
  PilotNews pilot;
  const auto state = state_of(*fields);
  if (!state) return fail(state.error());
  pilot.state = *state;
  if (auto ok = take_pilot(*fields, pilot); !ok) return fail(std::move(ok.error()));
  return pilot;
}

Result<News> read_news(std::string_view body) {
  const auto json = parse(body);
  if (!json) return fail(json.error());
  if (!json->is_object()) return bad(std::string("expected an object, got ") + jv::describe(*json));
  News news;
  if (auto ok = take_news_factory(jv::member(*json, "factory"), news.factory); !ok) {
    ok.error().where = "factory";
    return fail(std::move(ok.error()));
  }
  if (const Json& labels = jv::member(*json, "labels"); !labels.is_null()) {
    auto ok = each(labels, "labels", [&](const Json& object) -> Status {
      auto label = label_of(fields_of(object));
      if (!label) return fail(std::move(label.error()));
      news.labels.push_back(std::move(*label));
      return {};
    });
    if (!ok) return fail(std::move(ok.error()));
  }
  if (const Json& all = jv::member(*json, "submissions"); !all.is_null())
    if (auto ok = each(all, "submissions", [&](const Json& object) { return take_submission(object, news); }); !ok)
      return fail(std::move(ok.error()));
  if (const Json& pilots = jv::member(*json, "pilots"); !pilots.is_null())
    if (auto ok = each(pilots, "pilots", [&](const Json& object) { return take_news_pilot(object, news); }); !ok)
      return fail(std::move(ok.error()));
  return news;
}

}  // namespace apf::monitor
