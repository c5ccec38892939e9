// A queue's decision is a fold of its sched chain over one input: docs/sched.md.
#include <algorithm>
#include <array>

#include "core/display_name.h"
#include "core/factory.h"

namespace apf::core {
namespace {

constexpr std::array<std::string_view, 20> kShown{
    "Ready",         "Fixed",    "Null",          "Scale",        "MaxPerCycle", "MinPerCycle",   "MaxPending",
    "MinPending",    "MaxToRun", "MaxPerFactory", "KeepNRunning", "StatusTest",  "StatusOffline", "WeightedActivated",
    "Fillactivated", "Throttle", "Activated",     "NQueue",       "MaxToSubmit", "MinToSubmit"};

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
constexpr char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

bool same_name(std::string_view shown, std::string_view plugin) {
  return std::equal(shown.begin(), shown.end(), plugin.begin(), plugin.end(),
                    [](char a, char b) { return lower(a) == b; });
}

// How many pilots of `out` stand outside the demand (R10), when `outside` of `in` did and the step adds `added` itself.
std::int64_t outside_after(const SchedStep& step, std::int64_t in, std::int64_t out, std::int64_t outside,
                           std::int64_t added) {
  if (step.outside_demand() && out > in) outside += out - in;
  outside += std::clamp<std::int64_t>(added, 0, kMost);
  return std::min(outside, std::max<std::int64_t>(out, 0));
}

}  // namespace

std::string display_name(std::string_view plugin) {
  for (const auto shown : kShown)
    if (same_name(shown, plugin)) return std::string(shown);
  std::string name(plugin);
  if (!name.empty()) name.front() = upper(name.front());
  return name;
}

std::vector<StepTaken> fold(const Chain& chain, const SchedInput& input, std::int64_t* outside) {
  std::vector<StepTaken> steps;
  steps.reserve(chain.size());
  std::int64_t n = 0, apart = 0;
  for (const auto& [name, step] : chain) {
    Step taken = step->apply(n, input);
    const std::int64_t out = std::clamp(taken.out, -kMost, kMost);
    apart = outside_after(*step, n, out, apart, taken.outside);
    steps.push_back({name, n, out, std::move(taken.message)});
    n = out;
  }
  if (outside != nullptr) *outside = apart;
  return steps;
}

std::string message(const Decision& d) {
  std::string out;
  for (const auto& step : d.steps) {
    if (!out.empty()) out += ';';
    out += display_name(step.plugin);
    out += ':';
    out += step.message;
  }
  return out;
}

}  // namespace apf::core
