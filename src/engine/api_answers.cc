#include "engine/api_answers.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <map>
#include <utility>

#include "engine/json_forms.h"

namespace apf::engine {

using net::Request;
using net::Response;

namespace {

int status_of(const Error& error) {
  static const std::map<std::string, int, std::less<>> known{
      {"api.not_found", 404}, {"api.bad_request", 400},    {"api.method", 405},      {"api.forbidden", 403},
      {"api.busy", 503},      {"api.report_refused", 401}, {"apfmon.bad_path", 404}, {"apfmon.bad_form", 400}};
  if (const auto found = known.find(error.code); found != known.end()) return found->second;
  switch (error.kind) {
    case Kind::config:
    case Kind::permanent: return 409;
    case Kind::transient:
    case Kind::uncertain: return 503;
    case Kind::bug: return 500;
  }
  return 500;
}

}  // namespace

Error not_found(std::string what) { return {Kind::permanent, "api.not_found", std::move(what), {}, {}}; }
Error not_begun() {
  return {Kind::transient, "api.not_begun", "the factory has not begun yet", {}, "ask again in a second"};
}

Response json_response(std::string body, int status) {
  Response r;
  r.status = status;
  r.body = std::move(body);
  r.headers["Cache-Control"] = "no-store";
  return r;
}

Response error_response(const Error& error) { return json_response(error_json(error), status_of(error)); }

std::string user_of(const std::string& peer) {
  constexpr std::string_view prefix = "unix:";
  uid_t uid = 0;
  if (!peer.starts_with(prefix)) return peer;
  const auto [end, error] = std::from_chars(peer.data() + prefix.size(), peer.data() + peer.size(), uid);
  if (error != std::errc{} || end != peer.data() + peer.size()) return peer;
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> space{};
  ::getpwuid_r(uid, &entry, space.data(), space.size(), &found);
  return found == nullptr ? fmt::format("user {}", uid) : std::string(found->pw_name);
}

std::string_view bearer(const Request& request) {
  const auto found = request.headers.find("authorization");
  constexpr std::string_view scheme = "Bearer ";
  if (found == request.headers.end() || !found->second.starts_with(scheme)) return {};
  return std::string_view(found->second).substr(scheme.size());
}

}  // namespace apf::engine
