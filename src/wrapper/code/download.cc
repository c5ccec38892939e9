#include "wrapper/code/download.h"

#include <cstdlib>

#include "process/supervisor.h"
#include "wrapper/curl_text.h"

namespace apf::wrapper {
namespace {

// curl takes addresses: a path becomes one.
std::string address_of(const std::string& url) {
  if (!url.starts_with('/')) return url;
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string s = "file://";
  for (const char c : url) {
    const auto byte = static_cast<unsigned char>(c);
    if (plain.find(c) != std::string_view::npos)
      s += c;
    else
      s.append({'%', digits[byte >> 4U], digits[byte & 15U]});
  }
  return s;
}

}  // namespace

std::string download_config(const Download& d) {
  std::string s = "silent\nshow-error\nfail\nlocation\ngloboff\n";
  s += "url = " + curl::quoted(address_of(d.url)) + "\noutput = " + curl::quoted(d.file) + "\n";
  s += "connect-timeout = " + curl::whole_seconds(d.connect_timeout) +
       "\nmax-time = " + curl::whole_seconds(d.timeout) + "\n";
  s += "max-filesize = " + std::to_string(d.most_bytes) + "\n";
  if (!d.proxy.empty()) s += "proxy = " + curl::quoted(d.proxy) + "\n";
  if (const char* ca = std::getenv("X509_CERT_DIR"); ca != nullptr && *ca != '\0')
    s += "capath = " + curl::quoted(ca) + "\n";
  return s;
}

Status download(const Download& d) {
  process::Limits limits{.deadline = mono_now() + d.timeout + seconds{5}, .grace = milliseconds{500}};
  limits.stop = d.stop;
  const auto done =
      process::run({.argv = {"curl", "-q", "-K", "-"}, .input = download_config(d), .output_cap = 65536}, limits);
  if (!done && done.error().code == "process.not_found")
    return fail(Kind::config, "wrapper.no_curl", done.error().what, {}, "install curl on this node");
  if (!done) return fail(Kind::transient, "wrapper.not_fetched", done.error().what);
  if (done->exit_code == 0) return {};
  const bool told = d.stop != nullptr && *d.stop;
  return fail(Kind::transient, "wrapper.not_fetched",
              told              ? "told to end"
              : done->timed_out ? "no answer in time"
                                : curl::last_line(done->err));
}

}  // namespace apf::wrapper
