#include "monitor/store/keys.h"

#include <charconv>

namespace apf::monitor {
namespace {

constexpr unsigned kFactoryAt = 48, kFormAt = 46, kLowBits = 16;
constexpr std::uint64_t kBody = (std::uint64_t{1} << kFormAt) - 1;
constexpr std::uint64_t kLow = (std::uint64_t{1} << kLowBits) - 1;
constexpr std::uint64_t kHigh = kBody >> kLowBits;
enum Form : std::uint64_t { condor = 0, number = 1, array = 2, other = 3 };

PilotKey make(FactoryNo factory, Form form, std::uint64_t body) {
  return static_cast<PilotKey>((std::uint64_t{factory} << kFactoryAt) | (std::uint64_t{form} << kFormAt) | body);
}

// As programs write numbers: "0", no leading zeros, no sign.
std::optional<std::uint64_t> plain(std::string_view text, std::uint64_t most) {
  std::uint64_t n = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc{} || end != text.data() + text.size() || n > most) return std::nullopt;
  if (text.front() == '0' && text.size() > 1) return std::nullopt;
  return n;
}

Form form_of(PilotKey key) { return static_cast<Form>((static_cast<std::uint64_t>(key) >> kFormAt) & 3U); }

}  // namespace

std::optional<PilotKey> key_of(FactoryNo factory, std::string_view id) {
  if (const auto n = plain(id, kBody)) return make(factory, number, *n);
  const std::size_t at = id.find_first_of("._");
  if (at == std::string_view::npos || at == 0 || at + 1 == id.size()) return std::nullopt;
  const auto high = plain(id.substr(0, at), kHigh);
  const auto low = plain(id.substr(at + 1), kLow);
  if (!high || !low) return std::nullopt;
  return make(factory, id[at] == '.' ? condor : array, (*high << kLowBits) | *low);
}

PilotKey numbered_key(FactoryNo factory, std::int64_t n) {
  return make(factory, other, static_cast<std::uint64_t>(n) & kBody);
}

bool is_numbered(PilotKey key) { return form_of(key) == other; }
std::int64_t number_of(PilotKey key) { return static_cast<std::int64_t>(static_cast<std::uint64_t>(key) & kBody); }

std::string id_of(PilotKey key) {
  const std::uint64_t body = static_cast<std::uint64_t>(key) & kBody;
  if (form_of(key) == number) return std::to_string(body);
  return std::to_string(body >> kLowBits) + (form_of(key) == condor ? "." : "_") + std::to_string(body & kLow);
}

FactoryNo factory_of(PilotKey key) { return static_cast<FactoryNo>(static_cast<std::uint64_t>(key) >> kFactoryAt); }
PilotKey first_key(FactoryNo factory) { return make(factory, condor, 0); }
PilotKey last_key(FactoryNo factory) { return make(factory, other, kBody); }

}  // namespace apf::monitor
