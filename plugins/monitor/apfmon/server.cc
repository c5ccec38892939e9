#include <fmt/format.h>

#include "apfmon.h"
#include "credential/credential.h"
#include "credential/token.h"

namespace apf::apfmon {
namespace {

constexpr Duration kPatience = seconds{5};         // with one request
constexpr Duration kLongLived = seconds{172'800};  // nothing need renew a credential of such a life every day

}  // namespace

// A request that this server will never take, whatever its state.
bool hopeless(const Error& error) { return error.code == "apfmon.refused"; }

Status Server::send(const char* method, const std::string& path, std::string body, const char* type,
                    Context& context) const {
  HttpRequest request;
  request.method = method;
  request.url = path;
  request.body = std::move(body);
  request.headers = {{"Content-Type", type}};
  if (auto reply = ask(std::move(request), context); !reply) return fail(std::move(reply.error()));
  return {};
}

Result<HttpReply> Server::ask(HttpRequest request, Context& context) const {
  request.url = settings_.url + request.url;
  request.timeout = kPatience;
  request.ca_file = settings_.access.ca_file;
  request.client_cert = settings_.access.client_cert;
  request.client_key = settings_.access.client_key;
  request.proxy = settings_.access.proxy;
  if (!settings_.token_file.empty()) {
    const auto token = context.credential(settings_.token_file);
    if (!token) return fail(token.error());
    if (!credential::is_token(*token))
      return fail(Kind::config, "apfmon.bad_token", "the file does not hold one token and nothing else",
                  settings_.token_file);
    request.headers.emplace_back("Authorization", "Bearer " + *token);
  }
  auto reply = context.http(request);
  if (!reply || reply->status / 100 == 2) return reply;
  const bool ours = reply->status == 400 || reply->status == 404 || reply->status == 413 || reply->status == 422;
  return fail(Kind::transient, ours ? "apfmon.refused" : "apfmon.status",
              fmt::format("HTTP status {}: {}", reply->status, reply->body.substr(0, 200)), request.url);
}

Wall credential_ends(const std::set<std::string>& files, Wall now, Context& context) {
  Wall first;
  for (const std::string& file : files) {
    auto text = context.credential(file);
    if (!text) continue;
    if (text->ends_with('-')) *text += '\n';  // PEM ends with a line break, which was taken off
    const auto read = credential::read(*text);
    if (!read || read->ends.ms == 0) continue;
    const Duration life = read->begins.ms != 0 ? between(read->begins, read->ends) : kLongLived / 2;
    const bool renewed = life < kLongLived && between(now, read->ends) > life / 5;
    if (!renewed && (first.ms == 0 || read->ends < first)) first = read->ends;
  }
  return first;
}

}  // namespace apf::apfmon
