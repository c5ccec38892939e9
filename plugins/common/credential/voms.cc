#include "voms.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <ctime>

namespace apf::credential {
namespace {

constexpr unsigned kOctetString = 0x04, kObjectId = 0x06, kGeneralizedTime = 0x18, kConstructed = 0x20;
constexpr int kDeepest = 20;            // a real one has about ten levels
constexpr std::size_t kLongest = 1024;  // of an FQAN
constexpr std::size_t kMostFqans = 200;

// 1.3.6.1.4.1.8005.100.100.4: the attribute whose values are FQANs
constexpr std::string_view kFqanAttribute("\x2B\x06\x01\x04\x01\xBE\x45\x64\x64\x04", 10);

struct Element {
  unsigned tag = 0;
  std::string_view value;
};

// Takes the next element off `rest`. False: there is none, or it is no DER.
bool next(std::string_view& rest, Element& out) {
  if (rest.size() < 2) return false;
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(rest[i]); };
  out.tag = byte(0);
  if ((out.tag & 0x1FU) == 0x1FU) return false;  // tags of several bytes: not used here
  std::size_t length = byte(1), head = 2;
  if (length > 0x80) {
    const std::size_t bytes = length - 0x80;
    if (bytes > 4 || rest.size() < 2 + bytes) return false;
    length = 0;
    for (std::size_t i = 0; i < bytes; ++i) length = length << 8U | byte(2 + i);
    head += bytes;
  } else if (length == 0x80) {
    return false;  // indefinite: BER, not DER
  }
  if (rest.size() - head < length) return false;
  out.value = rest.substr(head, length);
  rest.remove_prefix(head + length);
  return true;
}

bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

void strings(std::string_view der, int depth, std::vector<std::string>& out) {
  Element e;
  while (depth < kDeepest && next(der, e)) {
    if (e.tag == kOctetString && e.value.starts_with('/') && e.value.size() <= kLongest && printable(e.value) &&
        out.size() < kMostFqans)
      out.emplace_back(e.value);
    if ((e.tag & kConstructed) != 0) strings(e.value, depth + 1, out);
  }
}

// An attribute certificate is the only place with two times side by side: its validity.
void walk(std::string_view der, int depth, VomsAttributes& out) {
  Element e;
  unsigned before = 0;
  while (depth < kDeepest && next(der, e)) {
    if (e.tag == kObjectId && e.value == kFqanAttribute) return strings(der, depth, out.fqans);
    if (e.tag == kGeneralizedTime && before == kGeneralizedTime) {
      const Wall ends = generalized_time(e.value);
      if (ends.ms != 0 && (out.ends.ms == 0 || ends.ms < out.ends.ms)) out.ends = ends;
    }
    before = e.tag;
    if ((e.tag & kConstructed) != 0) walk(e.value, depth + 1, out);
  }
}

}  // namespace

VomsAttributes read_voms(std::string_view der) {
  VomsAttributes out;
  walk(der, 0, out);
  return out;
}

Wall generalized_time(std::string_view text) {
  constexpr std::size_t kLength = 15;
  if (text.size() != kLength || text.back() != 'Z') return {};
  std::array<int, 14> digit{};
  for (std::size_t i = 0; i < digit.size(); ++i) {
    if (text[i] < '0' || text[i] > '9') return {};
    digit[i] = text[i] - '0';
  }
  const auto two = [&](std::size_t at) { return digit[at] * 10 + digit[at + 1]; };
  std::tm t{};
  t.tm_year = two(0) * 100 + two(2) - 1900;
  t.tm_mon = two(4) - 1;
  t.tm_mday = two(6);
  t.tm_hour = two(8);
  t.tm_min = two(10);
  t.tm_sec = two(12);
  if (t.tm_year < 70 || t.tm_mon < 0 || t.tm_mon > 11 || t.tm_mday < 1 || t.tm_mday > 31 || t.tm_hour > 23 ||
      t.tm_min > 59 || t.tm_sec > 60)
    return {};
  return Wall{std::int64_t{timegm(&t)} * 1000};
}

}  // namespace apf::credential
