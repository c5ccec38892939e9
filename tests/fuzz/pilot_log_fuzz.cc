// What a monitor may fetch, and what it takes of an answer: "URL \n address of the logs \n Content-Range \n body".
#include <algorithm>
#include <cstdlib>

#include "monitor/logs/log_part.h"
#include "monitor/logs/log_place.h"
#include "net/url.h"

namespace {

using namespace apf::monitor;

std::string line(std::string_view& rest) {
  const auto end = rest.find('\n');
  std::string out(rest.substr(0, end));
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return out;
}

// What is fetched is of the factory's origin whatever stands in the address, and asking again changes nothing.
void check_place(const std::string& url, const std::string& home) {
  const auto place = find_log({}, url, home, "192.0.2.7");
  if (!place) return;
  const auto base = read_origin(home);
  if (!base || *base != place->origin || place->machine != "192.0.2.7") std::abort();
  const auto url_again = apf::net::parse_url(place->url);
  if (!url_again || url_again->user) std::abort();
  if (url_again->scheme + "://" + url_again->host + ":" + url_again->port != place->origin) std::abort();
  const auto again = find_log({}, place->url, home, "192.0.2.7");
  if (!again || again->url != place->url) std::abort();
}

void check_part(const LogAsk& ask, const apf::HttpReply& head, std::string_view body) {
  LogReader reader(ask);
  for (; !body.empty() && reader.take(head, body.substr(0, 5));
       body.remove_prefix(std::min<std::size_t>(5, body.size()))) {
  }
  const auto got = reader.finish(head);
  if (got && (got->text.size() > ask.most || got->to - got->from != got->text.size())) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const std::string url = line(rest), home = line(rest);
  check_place(url, home);
  apf::HttpReply head;
  head.headers["content-range"] = line(rest);
  for (const int status : {200, 206, 416}) {
    head.status = status;
    check_part({{}, 16}, head, rest);
    check_part({3, 16}, head, rest);
  }
  return 0;
}
