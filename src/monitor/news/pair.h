// "<factory>:<label>" and "<factory>:<id>" of paths.
//
// Thread-safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "monitor/figures.h"

namespace apf::monitor {

struct Pair {
  std::string factory, rest;
};
// Of a decoded text: the first ':' parts, unless a longer name is a factory that is known. Nothing without a ':' or
// when either is no good name (forms.h).
std::optional<Pair> split(std::string_view text, const Snapshot& known);

}  // namespace apf::monitor
