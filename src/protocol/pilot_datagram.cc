#include "protocol/pilot_datagram.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

namespace apf::protocol {
namespace {

using Kind = PilotDatagram::Kind;

constexpr std::size_t kLongestWord = 1024;  // the GTAG is a URL
constexpr std::size_t kLongestName = 256;   // of what becomes a key
constexpr std::size_t kMostWords = 16;      // later versions may add some
constexpr std::array<const char*, 3> kStates = {"running", "exiting", "fault"};
constexpr std::string_view kUnknown = "unknown";

tl::unexpected<Error> bad(std::string what) { return fail(apf::Kind::permanent, "datagram.bad", std::move(what)); }

bool blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool plain(char c) { return c > ' ' && c < 0x7f; }

Result<std::vector<std::string_view>> split(std::string_view bytes) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; at < bytes.size();) {
    if (blank(bytes[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < bytes.size() && plain(bytes[end])) ++end;
    if (end < bytes.size() && !blank(bytes[end])) return bad("it holds a byte that is no printable ASCII");
    if (end - at > kLongestWord) return bad("a word is longer than 1024 bytes");
    if (words.size() == kMostWords) return bad("it has more than 16 words");
    words.push_back(bytes.substr(at, end - at));
    at = end;
  }
  return words;
}

std::string told(std::string_view word) { return word == kUnknown ? std::string{} : std::string(word); }

Status read_pilot(std::string_view word, PilotDatagram& to) {
  const std::size_t colon = word.find(':');
  if (colon == 0 || colon == std::string_view::npos || colon + 1 == word.size() || word.size() > kLongestName)
    return bad("expected FACTORY:CID, got '" + std::string(word.substr(0, kLongestName)) + "'");
  to.factory = word.substr(0, colon);
  to.cid = word.substr(colon + 1);
  return {};
}

Status read_seconds(std::string_view word, PilotDatagram& to) {
  constexpr std::int64_t most = std::int64_t{10} * 365 * 86400;
  const auto r = std::from_chars(word.data(), word.data() + word.size(), to.seconds);
  if (r.ec != std::errc{} || r.ptr != word.data() + word.size() || to.seconds > most)
    return bad("expected a number of seconds, got '" + std::string(word.substr(0, kLongestName)) + "'");
  to.seconds = std::max<std::int64_t>(to.seconds, 0);  // the node's clock was set back
  return {};
}

Result<PilotDatagram> read_supervisor(const std::vector<std::string_view>& words) {
  PilotDatagram d{.kind = words[0] == "SIGINT" ? Kind::interrupted : Kind::silent};
  if (words.size() != 4 && words.size() != 5) return bad("the supervisor's line has five words, four without a queue");
  if (auto ok = read_seconds(words[1], d); !ok) return fail(std::move(ok.error()));
  d.version = told(words[2]);
  if (words.size() == 5) d.queue = told(words[3]);
  if (auto ok = read_pilot(words.back(), d); !ok) return fail(std::move(ok.error()));
  return d;
}

Result<PilotDatagram> read_state(const std::vector<std::string_view>& words) {
  PilotDatagram d{.version = told(words[0])};
  if (words.size() < 4) return bad("expected VERSION FACTORY:CID STATE SECONDS, got fewer words");
  const auto* const state = std::find(kStates.begin(), kStates.end(), words[2]);
  if (state == kStates.end())
    return bad("expected running, exiting or fault, got '" + std::string(words[2].substr(0, kLongestName)) + "'");
  d.kind = static_cast<Kind>(state - kStates.begin());
  if (auto ok = read_pilot(words[1], d); !ok) return fail(std::move(ok.error()));
  if (auto ok = read_seconds(words[3], d); !ok) return fail(std::move(ok.error()));
  const std::array<std::string*, 5> rest = {&d.queue, &d.ce, &d.harvester, &d.worker, &d.gtag};
  for (std::size_t i = 0; i < rest.size() && i + 4 < words.size(); ++i) *rest[i] = told(words[i + 4]);
  return d;
}

std::string word_of(std::string text) {
  std::replace_if(text.begin(), text.end(), [](char c) { return !plain(c); }, '_');
  return text.empty() ? std::string(kUnknown) : text;
}

}  // namespace

std::string write_datagram(const PilotDatagram& d) {
  constexpr const char* gap = "          ";  // pilot-wrapper's, from the line continuations of its shell script
  if (d.kind == Kind::silent || d.kind == Kind::interrupted)
    return std::string(d.kind == Kind::silent ? "TIME_DIFF " : "SIGINT ") + std::to_string(d.seconds) + " " +
           word_of(d.version) + " " + word_of(d.queue) + " " + word_of(d.factory) + ":" + word_of(d.cid);
  std::string s = word_of(d.version) + gap + word_of(d.factory) + ":" + word_of(d.cid) + gap +
                  kStates[static_cast<std::size_t>(d.kind)] + " " + std::to_string(d.seconds);
  for (const std::string* word : {&d.queue, &d.ce, &d.harvester, &d.worker, &d.gtag}) s += gap + word_of(*word);
  return s;
}

Result<PilotDatagram> read_datagram(std::string_view bytes) {
  if (bytes.size() > kLongestDatagram) return bad("it is longer than 4096 bytes");
  auto words = split(bytes);
  if (!words) return fail(std::move(words.error()));
  if (words->empty()) return bad("it is empty");
  const bool supervisor = words->front() == "TIME_DIFF" || words->front() == "SIGINT";
  return supervisor ? read_supervisor(*words) : read_state(*words);
}

}  // namespace apf::protocol
