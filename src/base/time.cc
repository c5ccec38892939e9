#include "apf/time.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

namespace apf {
namespace {

std::int64_t read_clock(clockid_t id) {
  timespec t{};
  clock_gettime(id, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

}  // namespace

Mono mono_now() { return Mono{read_clock(CLOCK_BOOTTIME)}; }
Wall wall_now() { return Wall{read_clock(CLOCK_REALTIME) / 1'000'000}; }

Duration between(Wall from, Wall to) {
  constexpr std::int64_t kCentury = 3'155'760'000'000;
  return milliseconds{std::clamp(to.ms - from.ms, -kCentury, kCentury)};
}

std::string iso8601(Wall t) {
  if (t.ms == 0) return "-";
  const std::time_t s = t.ms / 1000;
  std::tm tm{};
  gmtime_r(&s, &tm);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
                     tm.tm_min, tm.tm_sec);
}

std::string human(Duration d) {
  struct Unit {
    std::int64_t ms;
    const char* name;
  };
  constexpr std::array<Unit, 5> units{{{86'400'000, "d"}, {3'600'000, "h"}, {60'000, "min"}, {1000, "s"}, {1, "ms"}}};
  std::int64_t ms = d.count() / 1'000'000;
  if (ms < 0) return "-" + human(-d);
  std::string out;
  int parts = 0;
  for (const auto& u : units) {
    const bool tiny = u.ms == 1 && parts > 0;  // milliseconds beside seconds are noise
    if (ms < u.ms || tiny || parts == 2) continue;
    out += fmt::format("{}{} {}", out.empty() ? "" : " ", ms / u.ms, u.name);
    ms %= u.ms;
    ++parts;
  }
  return out.empty() ? "0 s" : out;
}

}  // namespace apf
