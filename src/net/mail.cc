#include "net/mail.h"

#include <curl/curl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>

#include "apf/loopback.h"
#include "net/curl_drive.h"

namespace apf::net {
namespace {

using curl::Outcome;

struct EasyClose {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct ListFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

struct Source {
  std::string text;
  std::size_t sent = 0;
};

std::size_t give(char* to, std::size_t size, std::size_t count, void* user) {
  auto& source = *static_cast<Source*>(user);
  const std::size_t n = std::min(size * count, source.text.size() - source.sent);
  source.text.copy(to, n, source.sent);
  source.sent += n;
  return n;
}

std::size_t ignore(char* /*data*/, std::size_t size, std::size_t count, void* /*user*/) { return size * count; }

// curl's own would leave the socket open to child processes.
curl_socket_t open_socket(void* /*user*/, curlsocktype /*purpose*/, curl_sockaddr* address) {
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

void set_up(CURL* easy, const MailServer& server) {
  curl_easy_setopt(easy, CURLOPT_URL, server.url.c_str());
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &open_socket);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &ignore);
  curl_easy_setopt(easy, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);  // one wrong address must not keep it from the others
  if (server.start_tls) curl_easy_setopt(easy, CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_ALL));
  if (!server.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, server.ca_file.c_str());
  if (!server.user.empty()) {
    curl_easy_setopt(easy, CURLOPT_USERNAME, server.user.c_str());
    curl_easy_setopt(easy, CURLOPT_PASSWORD, server.password.c_str());
  }
}

tl::unexpected<Error> failure(CURL* easy, Outcome outcome, int code, const char* words, const MailServer& server) {
  long answer = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer);
  std::string what = *words != 0 ? words : curl_easy_strerror(static_cast<CURLcode>(code));
  if (outcome == Outcome::deadline) what = "no answer before the deadline";
  if (outcome == Outcome::stopped) what = "given up, since the program stops";
  if (outcome == Outcome::no_memory) what = "no memory for a request";
  const bool said = outcome == Outcome::finished && answer >= 400 && answer < 600;
  if (said) what += " (the server's answer: " + std::to_string(answer) + ")";
  const bool refused = said && answer >= 500;
  return fail(refused ? Kind::permanent : Kind::transient, refused ? "mail.refused" : "mail.failed", std::move(what),
              server.url);
}

// ---- the message ----

void put_hex(std::string& out, char c) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out += '=';
  out += digits[byte >> 4U];
  out += digits[byte & 15U];
}

// Quoted-printable (RFC 2045 6.7): lines of at most 76 characters.
std::string quoted_printable(std::string_view text) {
  std::string out;
  std::size_t column = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      out += "\r\n";
      column = 0;
      continue;
    }
    const bool at_end = i + 1 == text.size() || text[i + 1] == '\n';
    const bool as_is = (c > ' ' && c < 0x7f && c != '=') || (c == ' ' && !at_end);
    if (column + (as_is ? 1U : 3U) > 75) {
      out += "=\r\n";
      column = 0;
    }
    if (as_is) {
      out += c;
    } else {
      put_hex(out, c);
    }
    column += as_is ? 1U : 3U;
  }
  return out;
}

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80; }

// Plain ASCII as it is, else encoded words (RFC 2047) of at most 75 characters that break between characters.
std::string header_text(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  const bool ascii = std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (ascii && text.size() < 900 && text.find("=?") == std::string::npos) return text;
  std::string out, word;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i + 1;
    while (end < text.size() && end < i + 4 && continues(text[end])) ++end;
    std::string piece;
    for (; i < end; ++i) {
      const char c = text[i];
      const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      if (plain) {
        piece += c;
      } else if (c == ' ') {
        piece += '_';
      } else {
        put_hex(piece, c);
      }
    }
    if (word.size() + piece.size() > 60) {
      out += "=?UTF-8?Q?" + word + "?=\r\n ";
      word.clear();
    }
    word += piece;
  }
  return out + "=?UTF-8?Q?" + word + "?=";
}

// "Sun, 06 Nov 1994 08:49:37 +0000"
std::string mail_date(Wall t) {
  const std::time_t s = t.ms / 1000;
  std::tm tm{};
  ::gmtime_r(&s, &tm);
  constexpr std::array<const char*, 7> days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::array<char, 64> text{};
  (void)std::snprintf(
      text.data(), text.size(), "%s, %02d %s %d %02d:%02d:%02d +0000", days.at(static_cast<std::size_t>(tm.tm_wday)),
      tm.tm_mday, months.at(static_cast<std::size_t>(tm.tm_mon)), tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
  return text.data();
}

}  // namespace

bool is_mail_address(std::string_view text) {
  const std::size_t at = text.find('@');
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < 0x7f && std::strchr("<>()[],;:\"\\", c) == nullptr;
  });
  return plain && text.size() <= 254 && at != std::string_view::npos && at > 0 && at + 1 < text.size() &&
         text.find('@', at + 1) == std::string_view::npos;
}

Status check_mail(const MailServer& server, const Mail& mail) {
  const bool tls = server.url.starts_with("smtps://");
  if (!tls && !server.url.starts_with("smtp://"))
    return fail(Kind::config, "mail.bad_server", "a mail server is smtp://host:port or smtps://host:port", server.url);
  if (!server.user.empty() && !tls && !server.start_tls && !is_loopback_url(server.url))
    return fail(Kind::config, "mail.bad_server", "the password would cross the network in plain text", server.url,
                "use smtps:// or start_tls");
  if (mail.to.empty()) return fail(Kind::config, "mail.bad_address", "the mail has no recipient");
  const auto good = [](const std::string& a) { return is_mail_address(a); };
  if (!good(mail.from) || !std::all_of(mail.to.begin(), mail.to.end(), good))
    return fail(Kind::config, "mail.bad_address", "an address of the mail is not name@host", mail.from);
  return {};
}

std::string mail_text(const Mail& mail, Wall now, std::string_view id) {
  std::string to;
  for (const std::string& address : mail.to) to += (to.empty() ? "<" : ",\r\n <") + address + ">";
  const std::string host = mail.from.substr(mail.from.find('@') + 1);
  return "Date: " + mail_date(now) + "\r\nFrom: <" + mail.from + ">\r\nTo: " + to +
         "\r\nSubject: " + header_text(mail.subject) + "\r\nMessage-ID: <" + std::string(id) + "@" + host +
         ">\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
         "Content-Transfer-Encoding: quoted-printable\r\n\r\n" +
         quoted_printable(mail.body) + "\r\n";
}

Status send_mail(const MailServer& server, const Mail& mail, Mono deadline, const std::atomic<bool>* stop) {
  if (auto ok = check_mail(server, mail); !ok) return ok;
  curl::init_library();
  const std::unique_ptr<CURL, EasyClose> easy(curl_easy_init());
  if (!easy) return fail(Kind::transient, "mail.failed", "no memory for a request", server.url);
  std::unique_ptr<curl_slist, ListFree> to;
  for (const std::string& address : mail.to) to.reset(curl_slist_append(to.release(), ("<" + address + ">").c_str()));
  const std::string from = "<" + mail.from + ">";
  const std::string id = "apf." + std::to_string(wall_now().ms) + "." + std::to_string(mono_now().ns);
  Source source{mail_text(mail, wall_now(), id)};
  std::array<char, CURL_ERROR_SIZE> words{};
  set_up(easy.get(), server);
  curl_easy_setopt(easy.get(), CURLOPT_ERRORBUFFER, words.data());
  curl_easy_setopt(easy.get(), CURLOPT_MAIL_FROM, from.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_MAIL_RCPT, to.get());
  curl_easy_setopt(easy.get(), CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_READFUNCTION, &give);
  curl_easy_setopt(easy.get(), CURLOPT_READDATA, &source);
  int code = CURLE_OK;
  const Outcome outcome = curl::drive(easy.get(), deadline, stop, code);
  if (outcome != Outcome::finished || code != CURLE_OK) return failure(easy.get(), outcome, code, words.data(), server);
  return {};
}

}  // namespace apf::net
