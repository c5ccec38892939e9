#include <array>

#include "apf/loopback.h"
#include "apf/registry.h"
#include "apfmon.h"

namespace apf {
namespace {

constexpr std::array kOptions{
    OptionSpec{.name = "url", .doc = "base of its API: http://apfmon.example.org/api", .required = true},
    OptionSpec{.name = "api",
               .fallback = "auto",
               .doc = "calls that the server understands: v1 are the bulk calls of apf-monitor; auto: it is asked",
               .choices = "auto|apfmon|v1"},
    OptionSpec{.name = "pilots",
               .fallback = "factory",
               .doc = "where this factory's pilots report: to the factory, or to this apf-monitor",
               .choices = "factory|monitor"},
    OptionSpec{.name = "email", .doc = "who is to be asked about this factory; shown on its page"},
    OptionSpec{.name = "interval",
               .type = OptionType::duration,
               .fallback = "1min",
               .doc = "a queue's decisions are told at most so often; one that stays the same, five times as seldom",
               .minimum = 1,
               .maximum = 3600},
    OptionSpec{.name = "queue",
               .type = OptionType::integer,
               .fallback = "20000",
               .doc = "pilots whose news wait at most while the monitor does not answer; then the oldest are dropped",
               .unit = "pilots",
               .minimum = 100,
               .maximum = 1000000},
    OptionSpec{
        .name = "token_file", .type = OptionType::path, .doc = "file with the token of this factory; https only"},
    OptionSpec{
        .name = "ca_file", .type = OptionType::path, .doc = "certificates that are trusted; unset: the system's"},
    OptionSpec{.name = "cert", .type = OptionType::path, .doc = "client certificate or proxy, PEM"},
    OptionSpec{.name = "key", .type = OptionType::path, .doc = "key of the client certificate, PEM; unset: in cert"},
    OptionSpec{.name = "proxy", .doc = "HTTP proxy: http://squid.example.org:3128"},
};

Result<std::unique_ptr<Monitor>> make(const Options& o) {
  apfmon::Settings s;
  s.url = o.text("url");
  while (s.url.ends_with('/')) s.url.pop_back();
  const bool https = s.url.starts_with("https://");
  if ((!https && !s.url.starts_with("http://")) || s.url.find_first_of("?# \t\n") != std::string::npos)
    return fail(Kind::config, "apfmon.bad_url", "'" + s.url + "' is not the base of an HTTP server", "url",
                "for example https://apfmon.example.org/api");
  s.token_file = o.text_or("token_file", "");
  if (!s.token_file.empty() && !https && !is_loopback_url(s.url))
    return fail(Kind::config, "apfmon.token_in_clear", "the token would cross the network in plain text", "url",
                "use https");
  const std::string api = o.text_or("api", "auto");
  s.api = api == "v1" ? apfmon::Api::v1 : api == "apfmon" ? apfmon::Api::apfmon : apfmon::Api::unknown;
  s.hears_pilots = o.text_or("pilots", "factory") == "monitor";
  if (s.hears_pilots && s.api == apfmon::Api::apfmon)
    return fail(Kind::config, "apfmon.pilots_need_v1", "an APFMon knows no keys of pilots, so they can't report to it",
                "pilots", "use an apf-monitor (api = \"v1\"), or pilots = \"factory\"");
  if (s.hears_pilots) s.api = apfmon::Api::v1;  // pilots hold its address already: no other will do
  s.email = o.text_or("email", "");
  s.interval = o.duration("interval");
  s.longest_queue = static_cast<std::size_t>(o.integer("queue"));
  s.access.ca_file = o.text_or("ca_file", "");
  s.access.client_cert = o.text_or("cert", "");
  s.access.client_key = o.text_or("key", s.access.client_cert);
  s.access.proxy = o.text_or("proxy", "");
  return std::make_unique<apfmon::Reporter>(s);
}

}  // namespace

void register_monitor_apfmon(Registry& registry) {  // NOLINT(misc-use-internal-linkage): called by the generated list
  registry.add(Plugin<Monitor>{.name = "apfmon",
                               .summary = "tells an APFMon server of the factory, its queues, decisions and pilots",
                               .options = kOptions,
                               .make = make});
}

}  // namespace apf
