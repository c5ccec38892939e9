#include "jobqueue/client.h"

#include <unistd.h>

#include <fstream>
#include <thread>

#include "net/http_client.h"
#include "protocol/panda.h"

namespace apf::jobqueue {
namespace {

constexpr Duration kDeadline = seconds{60};
constexpr Duration kBetweenTries = milliseconds{500};

std::string first_word(const std::string& file) {
  std::ifstream in(file);
  std::string word;
  in >> word;
  return word;
}

}  // namespace

Result<Client> Client::open(const std::string& url, const std::string& data, const std::string& token_file,
                            const std::string& ca, const std::string& scope) {
  Client c;
  c.url_ = url;
  c.ca_ = ca;
  if (c.url_.empty()) {
    const std::string address = data.empty() ? "" : first_word(data + "/address");
    if (address.empty())
      return fail(Kind::config, "jobqueue.no_server", "no job queue runs on this data directory", data,
                  "start one with apf-jobqueue run, or name one with --url");
    const std::string socket = data + "/socket";
    if (address.starts_with("https://") && access(socket.c_str(), F_OK) == 0) c.socket_ = socket;
    c.url_ = "http://" + (c.socket_.empty() ? address : "localhost");
  }
  while (c.url_.ends_with('/')) c.url_.pop_back();
  const std::string file = token_file.empty() ? data + "/tokens/" + scope + ".token" : token_file;
  c.token_ = first_word(file);
  if (c.token_.empty())
    return fail(Kind::config, "jobqueue.bad_token_file", "can't be read or is empty", file,
                "name the token of scope " + scope + " with --token-file");
  return c;
}

Result<std::string> Client::call(const char* method, const std::string& path, const std::string& body) const {
  HttpRequest request;
  request.method = method;
  request.url = url_ + path;
  request.body = body;
  request.headers = {{"Authorization", "Bearer " + token_}, {"Accept", "application/json"}};
  if (!body.empty()) request.headers.emplace_back("Content-Type", "application/json");
  request.ca_file = ca_;
  const auto reply = net::fetch(request, mono_now() + kDeadline, nullptr, socket_);
  if (!reply) return fail(reply.error());
  return protocol::panda::read_envelope(reply->status, reply->body);
}

Result<std::string> Client::get(const std::string& path_and_query) const { return call("GET", path_and_query, {}); }
Result<std::string> Client::post(const std::string& path, const std::string& body) const {
  return call("POST", path, body);
}

Result<std::string> Client::post_again(const std::string& path, const std::string& body, int tries) const {
  for (;;) {
    auto got = call("POST", path, body);
    const bool again = !got && got.error().code.starts_with("net.") && got.error().kind != Kind::config;
    if (!again || --tries <= 0) return got;
    std::this_thread::sleep_for(kBetweenTries);
  }
}

}  // namespace apf::jobqueue
