#include "monitor/router.h"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "protocol/json_value.h"

namespace apf::monitor {

void Router::add(const std::string& method, const std::string& path, net::Handler handler) {
  if (!paths_[path].emplace(method, std::move(handler)).second)
    throw std::logic_error("two handlers for " + method + " " + path);
}

const Router::Methods* Router::find(std::string_view path) const {
  if (const auto it = paths_.find(path); it != paths_.end()) return &it->second;
  while (path.size() > 1) {
    path = path.substr(0, path.find_last_of('/', path.size() - 2) + 1);
    if (const auto it = paths_.find(path); it != paths_.end()) return &it->second;
  }
  return nullptr;
}

void Router::handle(const net::Request& request, net::ReplyPtr reply) const {
  const Methods* methods = find(request.path);
  if (methods == nullptr) return reply->send(problem(404, "monitor.no_such_path", "nothing is here"));
  if (const auto it = methods->find(request.method); it != methods->end()) return it->second(request, std::move(reply));
  net::Response response = problem(405, "monitor.no_such_method", "this path takes other methods");
  for (const auto& [method, handler] : *methods) {
    std::string& allow = response.headers["Allow"];
    allow += (allow.empty() ? "" : ", ") + method;
  }
  reply->send(std::move(response));
}

std::string asked(const net::Request& request, const char* name) {
  const auto it = request.query.find(name);
  return it == request.query.end() ? std::string() : it->second;
}

net::Response problem(int status, std::string_view code, std::string_view what) {
  net::Response response;
  response.status = status;
  if (status == 503) response.headers.emplace("Retry-After", "5");
  response.body = protocol::json_value::dump({{"error", {{"code", code}, {"what", what}}}});
  return response;
}

}  // namespace apf::monitor
