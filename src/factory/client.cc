#include "factory/client.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>
#include <utility>

#include "config/value.h"
#include "engine/json_forms.h"
#include "factory/commands.h"
#include "net/http_client.h"

namespace apf::factory {
namespace {

using Json = nlohmann::json;
constexpr Duration kPatience = seconds{30};

Kind kind_of(const std::string& text) {
  for (const Kind k : {Kind::config, Kind::transient, Kind::permanent, Kind::uncertain, Kind::bug})
    if (text == name(k)) return k;
  return Kind::bug;
}

// The error in an answer of the API.
Error error_of(const HttpReply& reply) {
  const Json body = Json::parse(reply.body, nullptr, false);
  if (!body.is_object() || !body.contains("error") || !body["error"].is_object())
    return {
        Kind::bug, "client.strange_answer", "the daemon answered with status " + std::to_string(reply.status), {}, {}};
  const auto text = [&](const char* key) {
    const auto& v = body["error"].value(key, Json());
    return v.is_string() ? v.get<std::string>() : std::string();
  };
  return {kind_of(text("kind")), text("code"), text("what"), text("where"), text("advice")};
}

Result<std::string> exchange(const Target& target, HttpRequest request) {
  const auto dir = find_state_dir(target);
  if (!dir) return fail(dir.error());
  const std::string socket = *dir + "/apf.sock";
  request.url = "http://apf" + request.url;
  const auto reply = net::fetch(request, mono_now() + kPatience, nullptr, socket);
  if (!reply) {
    if (reply.error().kind != Kind::transient) return fail(reply.error());
    return fail(Kind::transient, "client.not_running", "no factory answers", socket,
                "is it running, and may you read its state directory? name another with --config or --state-dir");
  }
  if (reply->status != 200) return fail(error_of(*reply));
  return reply->body;
}

}  // namespace

Result<std::string> state_dir_of(const std::string& config_file) {
  std::ifstream in(config_file);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in)
    return fail(Kind::config, "client.no_config", "cannot read the configuration", config_file,
                "name it with --config FILE, or the state directory with --state-dir DIR");
  const auto folder = std::filesystem::absolute(config_file).parent_path();
  const auto root = config::parse_toml(text.str(), config_file, folder.string());
  if (!root) return fail(root.error());
  const auto* factory = root->find("factory");
  const auto* dir = factory == nullptr ? nullptr : factory->find("state_dir");
  const auto* path = dir == nullptr ? nullptr : std::get_if<std::string>(&dir->data);
  return path == nullptr ? std::string("/var/lib/apf") : (folder / *path).lexically_normal().string();
}

Result<std::string> find_state_dir(const Target& target) {
  if (!target.state_dir.empty()) return target.state_dir;
  const char* named = std::getenv("APF_STATE_DIR");  // NOLINT(concurrency-mt-unsafe): one thread
  if (named != nullptr && *named != '\0') return std::string(named);
  return state_dir_of(target.config);
}

Result<std::string> ask(const Target& target, const std::string& path) {
  HttpRequest request;
  request.url = path;
  return exchange(target, std::move(request));
}

Result<std::string> order(const Target& target, const std::string& path, const std::string& body) {
  HttpRequest request;
  request.method = "POST";
  request.url = path;
  request.headers = {{"Content-Type", "application/json"}};
  request.body = body;
  return exchange(target, std::move(request));
}

int complain(const Target& target, const Error& error, std::ostream& out, std::ostream& err) {
  if (target.json)
    out << engine::error_json(error);
  else
    err << "apf: " << error.text() << '\n';
  if (error.code == "client.not_running") return kNotRunning;
  const bool callers = error.kind == Kind::config || error.code == "api.bad_request" || error.code == "api.not_found";
  return callers ? kBadInput : kFailed;
}

}  // namespace apf::factory
