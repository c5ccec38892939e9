// Arithmetic and message parts that the sched plug-ins share. Numbers are clamped to ±kMost before they are used, so
// that no sum or difference of a few of them can overflow, whatever a WMS or a batch system claims.
//
// Thread-safety: pure functions.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "apf/options.h"
#include "apf/registry.h"
#include "apf/sched.h"

namespace apf::sched {

constexpr std::int64_t number(std::int64_t v) { return std::clamp(v, -kMost, kMost); }
// Of things that are counted: never negative.
constexpr std::int64_t count(std::int64_t v) { return std::clamp(v, std::int64_t{0}, kMost); }

// A whole double as a number of the chain; what is no number is none.
inline std::int64_t number(double v) {
  if (std::isnan(v)) return 0;
  constexpr auto most = static_cast<double>(kMost);
  return static_cast<std::int64_t>(std::clamp(v, -most, most));
}

// The option of steps that have a number for the time that the WMS is not known.
constexpr OptionSpec kDefault{.name = "default",
                              .type = OptionType::integer,
                              .fallback = "0",
                              .doc = "the number while the WMS is not known",
                              .unit = "pilots",
                              .minimum = 0};

// A limit that may be unset.
using Limit = std::optional<std::int64_t>;
inline Limit limit(const Options& options, std::string_view name) {
  return options.has(name) ? Limit(number(options.integer(name))) : std::nullopt;
}
inline std::string shown(Limit limit) { return limit ? fmt::format("{}", *limit) : "None"; }

// Factors look as in the original: 1.0, 0.5.
inline std::string shown(double factor) {
  std::string s = fmt::format("{}", factor);
  if (s.find_first_of(".en") == std::string::npos) s += ".0";
  return s;
}

// ",used=3"; nothing where it says nothing. The original has no such parts.
inline std::string extra(std::string_view name, std::int64_t value) {
  return value == 0 ? std::string() : fmt::format(",{}={}", name, value);
}
inline std::string dealt(const SchedInput& input) {
  return input.dealt ? fmt::format(",dealt={}", *input.dealt) : std::string();
}

// What is left of a number that a cycle grants (RULES R1); more than granted leaves nothing, never a negative.
constexpr std::int64_t remainder(std::int64_t per_cycle, const SchedInput& input) {
  return std::max<std::int64_t>(0, per_cycle - count(input.used));
}

template <class T>
Result<std::unique_ptr<SchedStep>> make(const Options& options) {
  return std::make_unique<T>(options);
}

}  // namespace apf::sched
