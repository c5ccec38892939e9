#include "monitor/show/links.h"

#include <array>

#include "net/http_client.h"
#include "net/url.h"

namespace apf::monitor {
namespace {

constexpr std::array kOptions{
    OptionSpec{.name = "payload", .doc = "page about a payload: https://bigpanda.example.org/job?pandaid={id}"},
    OptionSpec{.name = "queue", .doc = "page about a WMS queue: https://bigpanda.example.org/jobs/?queue={queue}"},
    OptionSpec{.name = "site", .doc = "page about a site: https://cric.example.org/site/{site}"},
};

std::string filled(const std::string& form, std::string_view name, std::string_view value) {
  if (form.empty() || value.empty()) return {};
  const std::string place = "{" + std::string(name) + "}", text = net::percent_encode(value);
  std::string out = form;
  for (auto at = out.find(place); at != std::string::npos; at = out.find(place, at + text.size()))
    out.replace(at, place.size(), text);
  return out;
}

// Error: what is wrong with it. A value may stand behind the host only, so that nobody who tells news chooses the host.
Result<std::string> read_form(const Options& options, const char* option, const std::string& name) {
  std::string form = options.text_or(option, "");
  if (form.empty()) return form;
  const auto bad = [&](const std::string& what) {
    return fail(Kind::config, "links.bad_template", "'" + form + "' " + what, "links." + std::string(option),
                "write it as https://host/path?x={" + name + "}");
  };
  const auto url = net::parse_url(filled(form, name, "x"));
  if (form.find('{' + name + '}') == std::string::npos) return bad("does not name {" + name + "}");
  if (!url || filled(form, name, "x").find_first_of("{}") != std::string::npos)
    return bad("is no URL with {" + name + "} and nothing else in braces");
  if (url->scheme != "http" && url->scheme != "https") return bad("must be http or https");
  const auto other = net::parse_url(filled(form, name, "y"));
  if (url->user || !other || other->host != url->host || other->port != url->port || form.starts_with('{'))
    return bad("must have its host written out");
  return form;
}

}  // namespace

std::span<const OptionSpec> link_options() { return kOptions; }

Result<Links> Links::open(const Options& options) {
  auto payload = read_form(options, "payload", "id");
  if (!payload) return fail(std::move(payload.error()));
  auto queue = read_form(options, "queue", "queue");
  if (!queue) return fail(std::move(queue.error()));
  auto site = read_form(options, "site", "site");
  if (!site) return fail(std::move(site.error()));
  Links links;
  links.payload_ = std::move(*payload);
  links.queue_ = std::move(*queue);
  links.site_ = std::move(*site);
  return links;
}

std::string Links::payload(std::string_view id) const { return filled(payload_, "id", id); }
std::string Links::queue(std::string_view wms_queue) const { return filled(queue_, "queue", wms_queue); }
std::string Links::site(std::string_view site) const { return filled(site_, "site", site); }

}  // namespace apf::monitor
