// The three kinds of time the factory knows. They are distinct types so that they can't be mixed.
//
//   Mono  ages, deadlines, intervals: CLOCK_BOOTTIME, nanoseconds; never steps, counts suspend.
//   Wall  UTC for people and for storage, milliseconds since 1970; may step at any moment.
//   Seq   the ledger's order of facts (RULES R4): the only order that reconciling knows.
//
// Thread-safety: plain values; the clock functions may be called from any thread.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>

namespace apf {

using Duration = std::chrono::nanoseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct Mono {
  std::int64_t ns = 0;
  auto operator<=>(const Mono&) const = default;
};
inline Mono operator+(Mono t, Duration d) { return Mono{t.ns + d.count()}; }
inline Mono operator-(Mono t, Duration d) { return Mono{t.ns - d.count()}; }
inline Duration operator-(Mono a, Mono b) { return Duration{a.ns - b.ns}; }

struct Wall {
  std::int64_t ms = 0;  // 0: unknown
  auto operator<=>(const Wall&) const = default;
};

struct Seq {
  std::uint64_t v = 0;
  auto operator<=>(const Seq&) const = default;
};

Mono mono_now();
Wall wall_now();

// to - from, at most a century either way: a Wall may be of any year (many certificates end in 9999), a Duration holds
// 292.
Duration between(Wall from, Wall to);

// "2026-11-21T23:50:14Z"; "-" for an unknown time.
std::string iso8601(Wall t);
// "1 d 3 h", "4 min 10 s", "850 ms": at most two units, for people.
std::string human(Duration d);

}  // namespace apf
