#include <array>

#include "apf/registry.h"
#include "panda.h"

namespace apf {
namespace {

constexpr std::array kOptions{
    OptionSpec{.name = "url",
               .doc = "base of the server, without /api/v1: https://pandaserver.example.org:25443, or "
                      "http://127.0.0.1:25080 of an apf-jobqueue",
               .required = true},
    OptionSpec{.name = "token_file",
               .type = OptionType::path,
               .doc = "file with a bearer token, mode 0600; apf-jobqueue: tokens/read.token of its data directory"},
    OptionSpec{.name = "origin",
               .doc = "virtual organisation and role that a PanDA server wants beside a token: wlcg.production"},
    OptionSpec{.name = "ca_file",
               .type = OptionType::path,
               .doc = "certificates that are trusted: a file or a directory; unset: the system's"},
    OptionSpec{.name = "cert", .type = OptionType::path, .doc = "client certificate or proxy, PEM"},
    OptionSpec{.name = "key", .type = OptionType::path, .doc = "key of the client certificate, PEM; unset: in cert"},
    OptionSpec{.name = "proxy", .doc = "HTTP proxy: http://proxy.example.org:3128"},
    OptionSpec{.name = "specs_interval",
               .type = OptionType::duration,
               .fallback = "5m",
               .doc = "how often the status of sites is asked for; with apf-jobqueue: whenever it changes",
               .minimum = 1,
               .maximum = 86400},
    OptionSpec{.name = "longest_wait",
               .type = OptionType::duration,
               .fallback = "25s",
               .doc = "how long a poll waits for a change where the server can push; 0: never wait",
               .minimum = 0,
               .maximum = 300},
};

bool loopback(std::string_view url) {
  std::string_view host = url.substr(url.find("://") + 3);
  host = host.substr(0, host.find('/'));
  return host.starts_with("127.") || host.starts_with("localhost") || host.starts_with("[::1]");
}

Result<std::string> base_url(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  constexpr std::string_view api = "/api/v1";
  if (url.ends_with(api)) url.resize(url.size() - api.size());
  const bool http = url.starts_with("http://") && url.size() > 7;
  const bool https = url.starts_with("https://") && url.size() > 8;
  if ((!http && !https) || url.find_first_of("?# \t\n") != std::string::npos)
    return fail(Kind::config, "panda.bad_url", "'" + url + "' is not the base of an HTTP server", "url",
                "for example https://pandaserver.example.org:25443");
  return url;
}

Result<std::unique_ptr<Wms>> make(const Options& options) {
  panda::Settings s;
  auto url = base_url(options.text("url"));
  if (!url) return fail(std::move(url.error()));
  s.url = std::move(*url);
  s.token_file = options.text_or("token_file", "");
  s.origin = options.text_or("origin", "");
  s.ca_file = options.text_or("ca_file", "");
  s.cert = options.text_or("cert", "");
  s.key = options.text_or("key", "");
  s.proxy = options.text_or("proxy", "");
  s.specs_interval = options.duration("specs_interval");
  s.longest_wait = options.duration("longest_wait");
  if (!s.token_file.empty() && s.url.starts_with("http://") && !loopback(s.url))
    return fail(Kind::config, "panda.token_in_clear", "the token would cross the network in plain text", "url",
                "use https");
  if (!s.key.empty() && s.cert.empty())
    return fail(Kind::config, "panda.key_without_cert", "a key is set without its certificate", "key", "set cert");
  return std::make_unique<panda::PandaWms>(std::move(s));
}

}  // namespace

void register_wms_panda(Registry& registry) {  // NOLINT(misc-use-internal-linkage): called by the generated list
  registry.add(Plugin<Wms>{.name = "panda",
                           .summary = "reads the work that waits in a PanDA server (API v1) or in apf-jobqueue",
                           .options = kOptions,
                           .make = make});
}

}  // namespace apf
