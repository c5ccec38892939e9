#include "protocol/panda_envelope.h"

#include <nlohmann/json.hpp>

#include "protocol/panda.h"

namespace apf::protocol::panda {
namespace {

using json_value::Json;

// First line of a body that is not ours, for a message.
std::string head(std::string_view body) {
  std::string out;
  for (const char c : body.substr(0, 160)) {
    if (c == '\n') break;
    out += (c >= 0x20 && c < 0x7f) ? c : '?';
  }
  return out;
}

// The message of an envelope, if the body is one: job queues say there why they answered 401 or 404.
std::string said(std::string_view body) {
  const Json json = Json::parse(body, nullptr, false);
  if (json.is_object() && json.contains("message") && json["message"].is_string())
    return json["message"].get<std::string>();
  return head(body);
}

tl::unexpected<Error> http_failure(int status, std::string_view body, Kind unsure) {
  Kind kind = Kind::permanent;
  std::string advice;
  if (status == 403 && body.starts_with("ERROR : ") && head(body).ends_with(" is forbidden"))
    return fail(Kind::config, "panda.no_method", "the server does not have this call: " + head(body), {},
                "see which versions of PanDA are served");
  if (status >= 500) kind = unsure;
  if (status == 408 || status == 429 || status == 503) kind = Kind::transient;
  if (status == 401 || status == 403) {
    kind = Kind::config;
    advice = "check the token or certificate and its role";
  } else if (status == 404) {
    kind = Kind::config;
    advice = "check the url: it is the server's base, without /api/v1";
  }
  return fail(kind, "panda.http", "the server answered HTTP " + std::to_string(status) + ": " + said(body), {}, advice);
}

std::string message_of(const Json& json) {
  const Json& m = json_value::member(json, "message");
  return m.is_string() && !m.get_ref<const std::string&>().empty() ? m.get<std::string>() : "without a reason";
}

}  // namespace

Status check_status(int http_status, std::string_view body, Kind unsure) {
  if (http_status != 200) return http_failure(http_status, body, unsure);
  return {};
}

Result<Json> open_envelope(int http_status, std::string_view body, Kind unsure) {
  if (auto ok = check_status(http_status, body, unsure); !ok) return fail(std::move(ok.error()));
  auto json = json_value::parse(body, "panda.not_json");
  if (!json) {
    json.error().kind = unsure;
    return json;
  }
  if (!json->is_object() || !json->contains("success") || !(*json)["success"].is_boolean())
    return fail(unsure, kBadReply, "the reply has no envelope with 'success': " + head(body));
  if (!(*json)["success"].get<bool>()) {
    const std::string message = message_of(*json);
    if (message == "No jobs in PanDA") return fail(Kind::transient, "panda.no_jobs", message);
    return fail(Kind::transient, "panda.refused", "the server refused: " + message);
  }
  if (!json->contains("data")) return Json();
  return std::move((*json)["data"]);
}

std::string close_envelope(bool success, std::string_view message, const Json& data) {
  Json json = Json::object();
  json["success"] = success;
  json["message"] = message;
  json["data"] = data;
  return json_value::dump(json);
}

// `data` is spliced in as it is: large answers are not parsed again.
std::string write_success(std::string_view data, std::string_view message) {
  return R"({"success": true, "message": )" + json_value::dump(Json(message)) + R"(, "data": )" +
         (data.empty() ? "null" : std::string(data)) + "}";
}

std::string write_failure(std::string_view message) { return close_envelope(false, message, nullptr); }

Result<std::string> read_envelope(int http_status, std::string_view body) {
  auto data = open_envelope(http_status, body, Kind::uncertain);
  if (!data) return fail(std::move(data.error()));
  return json_value::dump(*data);
}

}  // namespace apf::protocol::panda
