#include "connection.h"

#include <algorithm>

#include "apf/loopback.h"
#include "credential/credential.h"
#include "credential/token.h"

namespace apf::panda {
namespace {

constexpr std::size_t kBodyCap = std::size_t{64} << 20U;
constexpr Duration kLook = seconds{10};  // patience with a route that failed before

Result<std::string> base_url(std::string url, const char* option) {
  while (url.ends_with('/')) url.pop_back();
  constexpr std::string_view api = "/api/v1";
  if (url.ends_with(api)) url.resize(url.size() - api.size());
  const bool http = url.starts_with("http://") && url.size() > 7;
  const bool https = url.starts_with("https://") && url.size() > 8;
  if ((!http && !https) || url.find_first_of("?# \t\n") != std::string::npos)
    return fail(Kind::config, "panda.bad_url", "'" + url + "' is not the base of an HTTP server", option,
                "for example https://pandaserver.example.org:25443");
  return url;
}

Status add_servers(const Options& options, Access& a) {
  auto first = base_url(options.text("url"), "url");
  if (!first) return fail(std::move(first.error()));
  a.servers.push_back(std::move(*first));
  if (!options.has("fallback_urls")) return {};
  for (const std::string& one : options.list("fallback_urls")) {
    auto url = base_url(one, "fallback_urls");
    if (!url) return fail(std::move(url.error()));
    if (std::find(a.servers.begin(), a.servers.end(), *url) != a.servers.end())
      return fail(Kind::config, "panda.bad_url", "'" + *url + "' is named twice", "fallback_urls");
    a.servers.push_back(std::move(*url));
  }
  return {};
}

Status add_proxies(const Options& options, Access& a) {
  if (options.has("proxies"))
    for (const std::string& one : options.list("proxies")) {
      if (one != "direct" && !one.starts_with("http://") && !one.starts_with("https://"))
        return fail(Kind::config, "panda.bad_proxy", "'" + one + "' is no HTTP proxy", "proxies",
                    "for example http://squid.example.org:3128, or direct");
      a.proxies.push_back(one == "direct" ? "" : one);
    }
  if (a.proxies.empty()) a.proxies.emplace_back();
  return {};
}

Status check_credentials(const Access& a) {
  const bool by_proxy = std::any_of(a.proxies.begin(), a.proxies.end(), [](const auto& p) { return !p.empty(); });
  for (const std::string& server : a.servers) {
    if (server.starts_with("https://")) continue;
    if (!a.token_file.empty() && (by_proxy || !is_loopback_url(server)))
      return fail(Kind::config, "panda.token_in_clear", "the token would cross the network in plain text to " + server,
                  "url", "use https");
    if (!a.cert.empty())
      return fail(Kind::config, "panda.cert_without_tls", "a certificate is of no use over plain HTTP to " + server,
                  "url", "use https, or leave cert out: statistics need no credential");
  }
  if (!a.key.empty() && a.cert.empty())
    return fail(Kind::config, "panda.key_without_cert", "a key is set without its certificate", "key", "set cert");
  return {};
}

// Of a server that is alive. The bodies of PanDA's failures are plain text or JSON; pages come from what stands before.
bool usable(const HttpReply& reply) {
  if (reply.status >= 500) return false;
  if (reply.status != 200) return true;
  const auto first = reply.body.find_first_not_of(" \t\r\n");
  return first != std::string::npos && reply.body[first] != '<';
}

std::string in_words(const Result<HttpReply>& reply) {
  if (!reply) return reply.error().what;
  if (reply->status != 200) return "HTTP status " + std::to_string(reply->status);
  return reply->body.empty() ? "an empty answer" : "an HTML page";
}

}  // namespace

Result<Access> access_of(const Options& options) {
  Access a;
  if (auto ok = add_servers(options, a); !ok) return fail(std::move(ok.error()));
  if (auto ok = add_proxies(options, a); !ok) return fail(std::move(ok.error()));
  a.return_after = options.duration("return_after");
  a.token_file = options.text_or("token_file", "");
  a.origin = options.text_or("origin", "");
  a.ca_file = options.text_or("ca_file", "");
  a.cert = options.text_or("cert", "");
  a.key = options.text_or("key", "");
  if (auto ok = check_credentials(a); !ok) return fail(std::move(ok.error()));
  return a;
}

Connection::Connection(Access access) : access_(std::move(access)) {
  if (access_.proxies.empty()) access_.proxies.emplace_back();
}

bool Connection::return_due() const { return good_ != 0 && mono_now() - left_at_ >= access_.return_after; }

std::string Connection::name_of(std::size_t route) const {
  const std::string& proxy = access_.proxies[route % access_.proxies.size()];
  return access_.servers[server_of(route)] + (proxy.empty() ? "" : " by " + proxy);
}

std::string Connection::shown() const {
  if (good_ == 0) return name_of(0);
  return name_of(good_) + " (" + name_of(0) + ": " + trouble_ + ")";
}

std::vector<std::size_t> Connection::order(bool one_route) const {
  if (one_route) return {good_};
  std::vector<std::size_t> out;
  if (!return_due()) out.push_back(good_);
  for (std::size_t route = 0; route < routes(); ++route)
    if (out.empty() || route != out.front()) out.push_back(route);
  return out;
}

// A proxy that has ended gives a TLS alert that nobody understands: say it before. A certificate that stands apart from
// its key is public, and its server's business.
Status Connection::check_cert(Context& context) const {
  if (access_.cert.empty() || !access_.key.empty()) return {};
  const auto pem = context.credential(access_.cert);
  if (!pem) return fail(pem.error());
  auto read = credential::read(*pem);
  Status fits = read ? credential::check(*read, {}, wall_now()) : Status(fail(std::move(read.error())));
  if (!fits && fits.error().where.empty()) fits.error().where = access_.cert;
  return fits;
}

Result<HttpRequest> Connection::prepare(const Call& call, Context& context) const {
  HttpRequest request;
  request.method = call.method;
  request.headers = call.headers;
  request.body = call.body;
  request.body_cap = kBodyCap;
  request.ca_file = access_.ca_file;
  request.client_cert = access_.cert;
  request.client_key = access_.key;
  if (auto ok = check_cert(context); !ok) return fail(std::move(ok.error()));
  if (!access_.origin.empty()) request.headers.emplace_back("Origin", access_.origin);
  if (access_.token_file.empty()) return request;
  const auto token = context.credential(access_.token_file);  // afresh: tokens are renewed
  if (!token) return fail(token.error());
  if (!credential::is_token(*token))
    return fail(Kind::config, "panda.bad_token", "the file does not hold one token and nothing else",
                access_.token_file);
  request.headers.emplace_back("Authorization", "Bearer " + *token);
  return request;
}

void Connection::found_good(std::size_t route, Context& context) {
  if (route == good_) return;
  if (route < good_)
    context.log(Level::info, "back to " + name_of(route));
  else
    context.log(Level::warning, "from now on " + name_of(route) + ", since " + name_of(good_) + " fails");
  good_ = route;
}

Result<HttpReply> Connection::send(const Call& call, Context& context) {
  auto request = prepare(call, context);
  if (!request) return fail(std::move(request.error()));
  const auto tries = order(call.one_route);
  const Mono end =
      call.patience > Duration{} ? std::min(context.deadline(), mono_now() + call.patience) : context.deadline();
  for (std::size_t i = 0;; ++i) {
    const std::size_t route = tries[i];
    const bool last = i + 1 == tries.size();
    request->url = access_.servers[server_of(route)] + call.path;
    request->proxy = access_.proxies[route % access_.proxies.size()];
    request->timeout = std::max<Duration>(milliseconds{1}, (end - mono_now()) / static_cast<int>(tries.size() - i));
    if (route < good_) request->timeout = std::min<Duration>(request->timeout, kLook);
    auto reply = context.http(*request);
    const bool good = reply && usable(*reply);
    if (good) found_good(route, context);
    if (!good && route == 0) {
      left_at_ = mono_now();
      trouble_ = in_words(reply);
    }
    const bool pointless = !reply && (reply.error().kind == Kind::config || context.stopping());
    if (good || last || pointless || end <= mono_now()) {
      if (!reply && reply.error().kind == Kind::uncertain) reply.error().kind = Kind::transient;
      return reply;
    }
  }
}

}  // namespace apf::panda
