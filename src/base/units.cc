// Values with units. Numbers are read without the locale; whole numbers stay exact, fractions go through double.
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <span>

#include "apf/options.h"

namespace apf {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

constexpr std::int64_t kSecond = 1'000'000'000;

constexpr std::array kDurationUnits{
    Unit{"ns", 1},
    Unit{"us", 1'000},
    Unit{"ms", 1'000'000},
    Unit{"s", kSecond},
    Unit{"sec", kSecond},
    Unit{"second", kSecond},
    Unit{"seconds", kSecond},
    Unit{"m", 60 * kSecond},
    Unit{"min", 60 * kSecond},
    Unit{"minute", 60 * kSecond},
    Unit{"minutes", 60 * kSecond},
    Unit{"h", 3600 * kSecond},
    Unit{"hour", 3600 * kSecond},
    Unit{"hours", 3600 * kSecond},
    Unit{"d", 86'400 * kSecond},
    Unit{"day", 86'400 * kSecond},
    Unit{"days", 86'400 * kSecond},
    Unit{"w", 7 * 86'400 * kSecond},
    Unit{"week", 7 * 86'400 * kSecond},
    Unit{"weeks", 7 * 86'400 * kSecond},
};

constexpr std::array kSizeUnits{
    Unit{"B", 1},
    Unit{"kB", 1'000},
    Unit{"KB", 1'000},
    Unit{"MB", 1'000'000},
    Unit{"GB", 1'000'000'000},
    Unit{"TB", 1'000'000'000'000},
    Unit{"KiB", std::int64_t{1} << 10},
    Unit{"MiB", std::int64_t{1} << 20},
    Unit{"GiB", std::int64_t{1} << 30},
    Unit{"TiB", std::int64_t{1} << 40},
};

constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }
constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

void skip_blanks(std::string_view& text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
}

std::string_view take_while(std::string_view& text, bool (*wanted)(char)) {
  std::size_t n = 0;
  while (n < text.size() && wanted(text[n])) ++n;
  const std::string_view taken = text.substr(0, n);
  text.remove_prefix(n);
  return taken;
}

std::optional<std::int64_t> factor_of(std::span<const Unit> units, std::string_view name) {
  for (const auto& u : units)
    if (u.name == name) return u.factor;
  return std::nullopt;
}

// digits[.digits] times factor; nothing when it is no number or does not fit.
std::optional<std::int64_t> scaled(std::string_view number, std::int64_t factor) {
  const char* end = number.data() + number.size();
  if (number.find('.') == std::string_view::npos) {
    std::int64_t whole = 0;
    const auto [at, error] = std::from_chars(number.data(), end, whole);
    std::int64_t out = 0;
    if (error != std::errc{} || at != end || __builtin_mul_overflow(whole, factor, &out)) return std::nullopt;
    return out;
  }
  double real = 0;
  const auto [at, error] = std::from_chars(number.data(), end, real);
  const double out = real * static_cast<double>(factor);
  if (error != std::errc{} || at != end || !(out < 9.2e18)) return std::nullopt;
  return static_cast<std::int64_t>(std::llround(out));
}

struct Form {
  std::span<const Unit> units;
  std::string_view what, advice;
  bool bare;  // a number without a unit is good
};

tl::unexpected<Error> bad(std::string_view text, const Form& form) {
  return fail(Kind::config, "config.bad_value", fmt::format("'{}' is not a {}", text, form.what), "",
              std::string(form.advice));
}

// One or more numbers with units, added up: "1 h 30 min".
Result<std::int64_t> parse(std::string_view text, const Form& form) {
  std::string_view rest = text;
  std::int64_t sum = 0;
  int parts = 0;
  for (skip_blanks(rest); !rest.empty(); skip_blanks(rest), ++parts) {
    const auto number = take_while(rest, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
    skip_blanks(rest);
    const auto unit = take_while(rest, is_letter);
    auto factor = factor_of(form.units, unit);
    // Zero needs no unit; a size in bytes neither, but only when it stands alone.
    if (unit.empty() && parts == 0 && rest.empty() && (form.bare || number == "0")) factor = 1;
    if (number.empty() || !factor) return bad(text, form);
    const auto value = scaled(number, *factor);
    if (!value || __builtin_add_overflow(sum, *value, &sum)) return bad(text, form);
  }
  if (parts == 0) return bad(text, form);
  return sum;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  const Form form{kDurationUnits, "duration", R"(write a number and a unit: "30s", "5 min", "2h", "1d")", false};
  return parse(text, form).map([](std::int64_t ns) { return Duration{ns}; });
}

Result<std::int64_t> parse_size(std::string_view text) {
  return parse(text, Form{kSizeUnits, "size", R"(write a number and a unit: "512 MB", "2 GB", "1 GiB")", true});
}

std::string show_duration(Duration d) {
  constexpr std::array units{Unit{"d", 86'400 * kSecond}, Unit{"h", 3600 * kSecond}, Unit{"min", 60 * kSecond},
                             Unit{"s", kSecond},          Unit{"ms", 1'000'000},     Unit{"us", 1'000}};
  const std::int64_t ns = d.count();
  if (ns == 0) return "0s";
  for (const auto& u : units)
    if (ns % u.factor == 0) return fmt::format("{} {}", ns / u.factor, u.name);
  return fmt::format("{} ns", ns);
}

std::string show_size(std::int64_t bytes) {
  constexpr std::array units{Unit{"TB", 1'000'000'000'000},
                             Unit{"TiB", std::int64_t{1} << 40},
                             Unit{"GB", 1'000'000'000},
                             Unit{"GiB", std::int64_t{1} << 30},
                             Unit{"MB", 1'000'000},
                             Unit{"MiB", std::int64_t{1} << 20},
                             Unit{"kB", 1'000},
                             Unit{"KiB", std::int64_t{1} << 10}};
  if (bytes == 0) return "0";
  for (const auto& u : units)
    if (bytes % u.factor == 0) return fmt::format("{} {}", bytes / u.factor, u.name);
  return fmt::format("{} B", bytes);
}

}  // namespace apf
