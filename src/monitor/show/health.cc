#include "monitor/show/health.h"

#include <nlohmann/json.hpp>

namespace apf::monitor {

void add_health(Router& router, Parts& parts) {
  router.add("GET", "/healthz", [&parts](const net::Request&, const net::ReplyPtr& reply) {
    const SnapshotPtr now = parts.board.get();
    const Status store = parts.writer.health();
    net::Response response;
    if (!store) response = problem(503, store.error().code, store.error().what);
    response.headers["Cache-Control"] = "no-store";
    if (store)
      response.body = nlohmann::json{
          {"status", "ok"},
          {"version", APF_VERSION},
          {"pilots", now->pilots},
          {"news", now->news},
          {"dropped",
           now->dropped}}.dump();
    reply->send(std::move(response));
  });
}

}  // namespace apf::monitor
