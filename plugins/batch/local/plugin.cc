// Batch plug-in `local`: options and registration. See README.md.
#include <sched.h>
#include <unistd.h>

#include <array>

#include "apf/registry.h"
#include "local.h"

namespace apf {
namespace {

constexpr std::array<OptionSpec, 6> kOptions{{
    {.name = "slots",
     .type = OptionType::integer,
     .doc = "pilots that run at the same time; unset: one for each core this process may use",
     .unit = "pilots",
     .minimum = 0,
     .maximum = 100'000},
    {.name = "directory",
     .type = OptionType::path,
     .doc = "where orders and records are kept, on a local disk, of this batch section alone; unset: local in the "
            "factory's state directory"},
    {.name = "keeper",
     .type = OptionType::path,
     .doc = "path of the program apf-keeper; unset: beside the running program"},
    {.name = "grace",
     .type = OptionType::duration,
     .fallback = "10s",
     .doc = "time between SIGTERM and SIGKILL when a running pilot is removed",
     .minimum = 0},
    {.name = "keep_ended",
     .type = OptionType::duration,
     .fallback = "1d",
     .doc = "how long records of ended pilots are kept after they were first told",
     .minimum = 3600},
    {.name = "nice",
     .type = OptionType::integer,
     .fallback = "0",
     .doc = "how much the priority of pilots is lowered",
     .minimum = 0,
     .maximum = 19},
}};

std::int64_t cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  return ::sysconf(_SC_NPROCESSORS_ONLN);
}

std::string beside_this_program() {
  std::array<char, 4096> path{};
  const ssize_t n = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
  return n > 0 ? local::parent(std::string(path.data(), static_cast<std::size_t>(n))) + "/apf-keeper" : "apf-keeper";
}

std::int64_t milliseconds_of(Duration d) { return d.count() / 1'000'000; }

Result<std::unique_ptr<Batch>> make(const Options& options) {
  local::Settings s;
  s.slots = options.integer_or("slots", cores());
  s.directory = options.text_or("directory", "");
  s.keeper = options.text_or("keeper", beside_this_program());
  s.grace_ms = milliseconds_of(options.duration("grace"));
  s.keep_ended_ms = milliseconds_of(options.duration("keep_ended"));
  s.nice = options.integer("nice");
  return std::make_unique<local::LocalBatch>(std::move(s));
}

}  // namespace

void register_batch_local(Registry& registry) {  // NOLINT(misc-use-internal-linkage): called by the generated list
  registry.add(Plugin<Batch>{.name = "local",
                             .summary = "runs pilots in slots on this machine; needs no batch system",
                             .options = kOptions,
                             .make = make});
}

}  // namespace apf
