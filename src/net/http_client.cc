#include "net/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <memory>

#include "apf/loopback.h"
#include "net/curl_drive.h"

namespace apf::net {
namespace {

using curl::Outcome;

constexpr std::size_t kHeaderCap = std::size_t{256} << 10U;

struct EasyClose {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct ListFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct UrlFree {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Easy = std::unique_ptr<CURL, EasyClose>;
using List = std::unique_ptr<curl_slist, ListFree>;

// One exchange under way: what the callbacks fill.
struct Exchange {
  HttpReply reply;
  std::size_t body_cap = 0, header_bytes = 0;
  bool too_long = false;
  bool head_complete = false;  // curl takes a head that breaks off for a whole one
  const Wary* wary = nullptr;
  CURL* easy = nullptr;
  bool enough = false;          // wary->take() wants no more
  std::string refused_address;  // that wary->may_reach() refused last
};

std::string_view trim(std::string_view s) {
  constexpr std::string_view blank = " \t\r\n";
  const auto first = s.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return s.substr(first, s.find_last_not_of(blank) - first + 1);
}

std::string lower(std::string_view s) {
  std::string out(s);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

int status_of(CURL* easy) {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const std::size_t bytes = size * count;
  if (exchange.wary != nullptr && exchange.wary->take) {
    exchange.reply.status = status_of(exchange.easy);
    exchange.enough = !exchange.wary->take(exchange.reply, {data, bytes});
    return exchange.enough ? 0 : bytes;
  }
  if (exchange.reply.body.size() + bytes > exchange.body_cap) {
    exchange.too_long = true;
    return 0;
  }
  exchange.reply.body.append(data, bytes);
  return bytes;
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const std::string_view line(data, size * count);
  exchange.header_bytes += line.size();
  if (exchange.header_bytes > kHeaderCap) {
    exchange.too_long = true;
    return 0;
  }
  // Interim answers (100 Continue) and a proxy's answer to CONNECT come before the real one.
  if (line.starts_with("HTTP/")) {
    exchange.reply.headers.clear();
    exchange.head_complete = false;
  }
  if (trim(line).empty()) exchange.head_complete = true;
  const auto colon = line.find(':');
  if (colon != std::string_view::npos) {
    exchange.reply.headers[lower(trim(line.substr(0, colon)))] = std::string(trim(line.substr(colon + 1)));
  }
  return line.size();
}

// curl's own would leave the socket open to child processes.
curl_socket_t open_socket(void* user, curlsocktype /*purpose*/, curl_sockaddr* address) {
  auto& exchange = *static_cast<Exchange*>(user);
  if (exchange.wary != nullptr && exchange.wary->may_reach) {
    std::array<char, NI_MAXHOST> text{};
    const bool known =
        ::getnameinfo(&address->addr, address->addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) == 0;
    if (!known || !exchange.wary->may_reach(text.data())) {
      exchange.refused_address = text.data();
      return CURL_SOCKET_BAD;
    }
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

// For messages: no credentials, no query (it may hold a secret).
std::string shown(const HttpRequest& request) {
  std::string_view url = request.url;
  url = url.substr(0, url.find_first_of("?#"));
  const auto scheme = url.find("://");
  const auto host = scheme == std::string_view::npos ? 0 : scheme + 3;
  const auto at = url.substr(0, url.find('/', host)).rfind('@');
  const bool credentials = at != std::string_view::npos && at >= host;
  return fmt::format("{} {}{}", request.method, url.substr(0, host), url.substr(credentials ? at + 1 : host));
}

Result<bool> goes_to_loopback(const HttpRequest& request) {
  const std::unique_ptr<CURLU, UrlFree> url(curl_url());
  char* host = nullptr;
  if (curl_url_set(url.get(), CURLUPART_URL, request.url.c_str(), 0) != CURLUE_OK ||
      curl_url_get(url.get(), CURLUPART_HOST, &host, 0) != CURLUE_OK) {
    return fail(Kind::config, "net.bad_url", "this is not a URL", shown(request),
                "write it as http://host:port/path or https://...");
  }
  const bool loopback = is_loopback(host);
  curl_free(host);
  return loopback;
}

Result<List> header_list(const HttpRequest& request) {
  List list;
  const auto add = [&list](const std::string& line) { list.reset(curl_slist_append(list.release(), line.c_str())); };
  add("Expect:");  // a server that ignores it would cost a second
  for (const auto& [name, value] : request.headers) {
    const auto text = name + value;
    if (name.empty() ||
        std::any_of(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == 0; })) {
      return fail(Kind::bug, "net.bad_header", fmt::format("the header '{}' holds a line break", name), shown(request));
    }
    add(value.empty() ? name + ";" : name + ": " + value);  // curl's way to send an empty header
  }
  return list;
}

void set_method(CURL* easy, const HttpRequest& request) {
  if (request.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    return;
  }
  if (request.method == "GET" && request.body.empty()) {
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    return;
  }
  if (!request.body.empty() || request.method == "POST") {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());  // not copied: outlives the exchange
  }
  if (request.method != "POST") curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

void set_credentials(CURL* easy, const HttpRequest& request) {
  if (!request.ca_file.empty()) {
    struct stat st{};
    const bool directory = ::stat(request.ca_file.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
    curl_easy_setopt(easy, directory ? CURLOPT_CAPATH : CURLOPT_CAINFO, request.ca_file.c_str());
  }
  if (!request.client_cert.empty()) {
    // A grid proxy file holds certificate, key and chain together.
    const auto& key = request.client_key.empty() ? request.client_cert : request.client_key;
    curl_easy_setopt(easy, CURLOPT_SSLCERT, request.client_cert.c_str());
    curl_easy_setopt(easy, CURLOPT_SSLKEY, key.c_str());
  }
}

void set_up(CURL* easy, const HttpRequest& request, Exchange& exchange, bool loopback, const std::string& unix_path) {
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);  // don't wait for a resolver that hangs past the deadline
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &open_socket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &exchange);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);  // a redirect could carry our token elsewhere
  if (exchange.wary == nullptr) curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "apf");
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &exchange);
  set_method(easy, request);
  set_credentials(easy, request);
  const bool direct = exchange.wary != nullptr || loopback || !unix_path.empty();
  if (exchange.wary == nullptr && !request.proxy.empty()) {
    curl_easy_setopt(easy, CURLOPT_PROXY, request.proxy.c_str());
  } else if (direct) {
    curl_easy_setopt(easy, CURLOPT_PROXY, "");  // http_proxy of the environment is not meant for these
  }
  if (!unix_path.empty()) curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, unix_path.c_str());
}

bool is_bad_url(CURLcode code) { return code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL; }

tl::unexpected<Error> failure(CURL* easy, Outcome outcome, CURLcode code, const char* words, const Exchange& exchange,
                              const HttpRequest& request) {
  const auto where = shown(request);
  if (exchange.too_long) {
    return fail(Kind::permanent, "net.body_too_long",
                fmt::format("the reply is longer than the {} bytes that are allowed", request.body_cap), where);
  }
  long sent = 0;
  curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &sent);
  if (sent == 0 && is_bad_url(code)) {  // an answer that is no HTTP has the same code
    return fail(Kind::config, "net.bad_url", *words != 0 ? words : curl_easy_strerror(code), where);
  }
  if (sent == 0 && !exchange.refused_address.empty()) {
    return fail(Kind::permanent, "net.not_allowed",
                fmt::format("the address {} may not be asked", exchange.refused_address), where, "nothing was sent");
  }
  std::string what = *words != 0 ? words : curl_easy_strerror(code);
  if (outcome == Outcome::finished && code == CURLE_OK) what = "the answer broke off";
  if (outcome == Outcome::deadline) what = "no answer before the deadline";
  if (outcome == Outcome::no_memory) what = "no memory for a request";
  if (outcome == Outcome::stopped) what = "given up, since the program stops";
  if (sent == 0) {
    return fail(Kind::transient, "net.connect_failed", std::move(what), where, "nothing was sent");
  }
  return fail(Kind::uncertain, "net.no_answer", std::move(what), where, "the request may have taken effect");
}

Result<HttpReply> exchange_once(const HttpRequest& request, Mono deadline, const std::atomic<bool>* stop,
                                const std::string& unix_path, const Wary* wary) {
  curl::init_library();
  if (deadline <= mono_now()) {
    return fail(Kind::transient, "net.connect_failed", "the deadline has passed already", shown(request));
  }
  auto loopback = goes_to_loopback(request);
  if (!loopback) return fail(loopback.error());
  auto headers = header_list(request);
  if (!headers) return fail(headers.error());
  const Easy easy(curl_easy_init());
  if (!easy) return fail(Kind::transient, "net.connect_failed", "no memory for a request", shown(request));

  Exchange exchange;
  exchange.body_cap = request.body_cap;
  exchange.wary = wary;
  exchange.easy = easy.get();
  std::array<char, CURL_ERROR_SIZE> words{};
  set_up(easy.get(), request, exchange, *loopback, unix_path);
  curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers->get());
  curl_easy_setopt(easy.get(), CURLOPT_ERRORBUFFER, words.data());
  int code = CURLE_OK;
  const Mono end = request.timeout > Duration{} ? std::min(deadline, mono_now() + request.timeout) : deadline;
  const Outcome outcome = curl::drive(easy.get(), end, stop, code);
  if (!exchange.enough && (outcome != Outcome::finished || code != CURLE_OK || !exchange.head_complete)) {
    return failure(easy.get(), outcome, static_cast<CURLcode>(code), words.data(), exchange, request);
  }
  exchange.reply.status = status_of(easy.get());
  return std::move(exchange.reply);
}

}  // namespace

Result<HttpReply> fetch(const HttpRequest& request, Mono deadline, const std::atomic<bool>* stop,
                        const std::string& unix_path) {
  return exchange_once(request, deadline, stop, unix_path, nullptr);
}

Result<HttpReply> fetch_warily(const HttpRequest& request, const Wary& wary, Mono deadline,
                               const std::atomic<bool>* stop) {
  return exchange_once(request, deadline, stop, {}, &wary);
}

}  // namespace apf::net
