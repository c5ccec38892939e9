// "did you mean ...?"
//
// Thread-safety: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace apf::config {

// Damerau-Levenshtein distance (optimal string alignment): insertions, deletions, changes and swapped neighbours.
std::size_t distance(std::string_view a, std::string_view b);

// "did you mean 'interval'?", when one of `known` is near enough to `word`; else "known: a, b, c" when they are few;
// else empty. Case does not count.
std::string suggest(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace apf::config
