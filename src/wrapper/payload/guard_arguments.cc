#include <charconv>

#include "wrapper/payload/guardian.h"

namespace apf::wrapper {
namespace {

constexpr std::size_t kFixed = 14;  // words after --guard, before the payload's own

Result<std::int64_t> number(const std::string& text) {
  std::int64_t n = 0;
  const char* end = text.data() + text.size();
  const auto r = std::from_chars(text.data(), end, n);
  if (r.ec != std::errc{} || r.ptr != end || n < 0) return fail(Kind::bug, "wrapper.guard", "not a number: " + text);
  return n;
}

}  // namespace

std::vector<std::string> guard_arguments(const GuardSettings& s) {
  std::vector<std::string> a{kGuardOption,
                             s.directory,
                             s.out,
                             s.err,
                             s.scratch,
                             std::to_string(s.wall.count()),
                             std::to_string(s.cpu.count()),
                             std::to_string(s.memory_kb),
                             std::to_string(s.dead_by.ns),
                             std::to_string(s.grace.count()),
                             std::to_string(s.disk.most_output),
                             std::to_string(s.disk.most_scratch),
                             std::to_string(s.disk.least_free),
                             std::to_string(s.disk.stuck.count()),
                             s.disk.heartbeat};
  a.insert(a.end(), s.argv.begin(), s.argv.end());
  return a;
}

Result<GuardSettings> read_guard_arguments(std::span<const std::string> arguments) {
  if (arguments.size() < kFixed + 2 || arguments[0] != kGuardOption)
    return fail(Kind::bug, "wrapper.guard", "the guardian is started by apf-wrapper only");
  GuardSettings s{.directory = arguments[1], .out = arguments[2], .err = arguments[3], .scratch = arguments[4]};
  std::vector<std::int64_t> n;
  for (const std::string& text : arguments.subspan(5, 9)) {
    const auto value = number(text);
    if (!value) return fail(value.error());
    n.push_back(*value);
  }
  s.wall = Duration(n[0]);
  s.cpu = Duration(n[1]);
  s.memory_kb = n[2];
  s.dead_by = Mono{n[3]};
  s.grace = Duration(n[4]);
  s.disk = {.most_output = n[5],
            .most_scratch = n[6],
            .least_free = n[7],
            .stuck = Duration(n[8]),
            .heartbeat = arguments[kFixed]};
  s.argv.assign(arguments.begin() + kFixed + 1, arguments.end());
  return s;
}

}  // namespace apf::wrapper
