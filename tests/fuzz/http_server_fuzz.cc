// Raw bytes against a living server (the façade over Boost.Beast): it answers or closes, and goes on serving.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "net/http_server.h"
#include "net/test_socket.h"

namespace {

// A Unix socket: thousands of connections a second would use up the ports of the host.
const std::string& socket_file() {
  static const std::string file = "/tmp/apf-fuzz-" + std::to_string(::getpid()) + ".sock";
  return file;
}

void serve() {
  static const auto running = [] {
    apf::net::ServerOptions options;
    options.body_limit = 4096;
    options.header_limit = 1024;
    options.unix_path = socket_file();
    return apf::net::HttpServer::start(options, [](const apf::net::Request& r, const apf::net::ReplyPtr& reply) {
      apf::net::Response response;
      response.body = r.path;
      reply->send(std::move(response));
    });
  }();
  if (!running) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  serve();
  const apf::net::test::RawClient client(socket_file());
  if (!client.connected()) std::abort();
  client.send({reinterpret_cast<const char*>(data), size});
  client.half_close();
  const auto answer = client.read_all();
  if (!answer.empty() && !answer.starts_with("HTTP/1.1 ")) std::abort();
  return 0;
}
