#include "monitor/health.h"

#include <nlohmann/json.hpp>

namespace apf::monitor {

void add_health(Router& router, Parts& parts) {
  router.add("GET", "/healthz", [&parts](const net::Request&, const net::ReplyPtr& reply) {
    const SnapshotPtr now = parts.board.get();
    net::Response response;
    response.headers["Cache-Control"] = "no-store";
    response.body = nlohmann::json{{"status", "ok"}, {"version", APF_VERSION}, {"pilots", now->pilots}}.dump();
    reply->send(std::move(response));
  });
}

}  // namespace apf::monitor
