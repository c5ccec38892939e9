#include "config/suggest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>

namespace apf::config {
namespace {

constexpr std::size_t kLongestWord = 64;  // nobody misspells longer names; bounds the work
constexpr std::size_t kFew = 12;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

}  // namespace

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) now[j] = std::min(now[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(now);
  }
  return last[b.size()];
}

std::string suggest(std::string_view word, const std::vector<std::string_view>& known) {
  const std::string wanted = lower(word);
  std::string_view best;
  std::size_t least = 1 + std::max<std::size_t>(1, wanted.size() / 3);  // a third of the letters may be wrong
  if (wanted.size() <= kLongestWord) {
    for (const auto k : known) {
      if (k.size() > kLongestWord) continue;
      const std::size_t d = distance(wanted, lower(k));
      if (d < least) {
        least = d;
        best = k;
      }
    }
  }
  if (!best.empty()) return fmt::format("did you mean '{}'?", best);
  if (!known.empty() && known.size() <= kFew) return fmt::format("known: {}", fmt::join(known, ", "));
  return {};
}

}  // namespace apf::config
