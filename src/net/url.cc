#include "net/url.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <string_view>

namespace apf::net {
namespace {

struct UrlFree {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

std::string part(CURLU* url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, flags) != CURLUE_OK) return {};
  std::string out(text);
  curl_free(text);
  return out;
}

// '\\' is '/' to some readers.
bool plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F && c != '\\'; });
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

}  // namespace

Result<Url> parse_url(const std::string& text) {
  const auto bad = [&] { return fail(Kind::permanent, "net.bad_url", "this is not a URL", text.substr(0, 200)); };
  const std::unique_ptr<CURLU, UrlFree> url(curl_url());
  const auto host = text.find("://");
  if (!url || !plain(text) || host == std::string::npos || text[host + 3] == '/' ||
      curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
    return bad();
  Url u;
  u.scheme = lower(part(url.get(), CURLUPART_SCHEME));
  u.host = lower(part(url.get(), CURLUPART_HOST));
  u.port = part(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  u.path = part(url.get(), CURLUPART_PATH);
  u.query = part(url.get(), CURLUPART_QUERY);
  u.user = text.substr(0, text.find_first_of("/?#", host + 3)).find('@') != std::string::npos;
  if (u.host.empty() || !plain(u.host)) return bad();
  return u;
}

}  // namespace apf::net
