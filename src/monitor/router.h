// Which handler has a request. Each part of the program adds its own.
//
// Thread-safety: add() before the server starts; handle() then by the server's threads.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "net/http_server.h"

namespace apf::monitor {

class Router {
 public:
  // A path that ends with '/' has all below it; the longest one wins. Adding the same twice is a bug and throws.
  void add(const std::string& method, const std::string& path, net::Handler handler);
  // 404 for a path that nobody has, 405 for a method.
  void handle(const net::Request& request, net::ReplyPtr reply) const;

 private:
  using Methods = std::map<std::string, net::Handler>;
  [[nodiscard]] const Methods* find(std::string_view path) const;
  std::map<std::string, Methods, std::less<>> paths_;
};

std::string asked(const net::Request& request, const char* name);  // of the query; empty when it is not there

// {"error":{"code":...,"what":...}}, for 503 with Retry-After.
net::Response problem(int status, std::string_view code, std::string_view what);

}  // namespace apf::monitor
