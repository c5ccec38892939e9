// What the HTTP server reads by itself: targets, escapes, ranges, dates, entity tags. The first byte picks.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "net/http_client.h"
#include "net/http_message.h"

namespace {

void expect(bool good) {
  if (!good) std::abort();
}

void percent(std::string_view text) {
  using namespace apf::net;
  expect(percent_decode(percent_encode(text)) == std::string(text));
  if (const auto decoded = percent_decode(text)) expect(decoded->size() <= text.size());
}

void target(std::string_view text) {
  const auto parsed = apf::net::parse_target(text);
  if (!parsed) return;
  expect(parsed->path.starts_with('/'));
  expect(parsed->path.find('\0') == std::string::npos);
}

void range(std::string_view text) {
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1000}, UINT64_MAX}) {
    const auto slice = apf::net::parse_range(text, size);
    expect(slice.length <= size && slice.first <= size - slice.length);
    if (slice.kind == apf::net::Slice::Kind::part) expect(slice.length > 0);
  }
}

void date(std::string_view text) {
  const auto read = apf::net::parse_http_date(text);
  if (read) expect(apf::net::http_date(*read) == text);
}

void head(std::string_view text) {
  const auto written = apf::net::response_head(200, {{"X", std::string(text)}});
  expect(written.find("\r\n\r\n") == written.size() - 4);
  apf::net::matches_etag(text, "\"tag\"");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 5) {
    case 0: percent(text); break;
    case 1: target(text); break;
    case 2: range(text); break;
    case 3: date(text); break;
    default: head(text);
  }
  return 0;
}
