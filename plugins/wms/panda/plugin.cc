#include <array>

#include "apf/registry.h"
#include "panda.h"

namespace apf {
namespace {

constexpr std::array kOptions = panda::with_connection(std::array{
    OptionSpec{.name = "split",
               .fallback = "label",
               .doc =
                   "what a queue's job_labels select: prodSourceLabel, or the global share, which is how PanDA knows "
                   "working groups",
               .choices = "label|share"},
    OptionSpec{.name = "specs_interval",
               .type = OptionType::duration,
               .fallback = "5m",
               .doc = "how often the status of sites is asked for; with apf-jobqueue: whenever it changes",
               .minimum = 1,
               .maximum = 86400},
    OptionSpec{.name = "longest_wait",
               .type = OptionType::duration,
               .fallback = "25s",
               .doc = "how long a poll waits for a change where the server can push; 0: never wait",
               .minimum = 0,
               .maximum = 300},
    OptionSpec{.name = "longest_lag",
               .type = OptionType::duration,
               .fallback = "10m",
               .doc = "answers that stay the same while jobs are ready are taken to be as old as their first, at most "
                      "this; 0: never",
               .minimum = 0,
               .maximum = 86400},
});

Result<std::unique_ptr<Wms>> make(const Options& options) {
  panda::Settings s;
  auto access = panda::access_of(options);
  if (!access) return fail(std::move(access.error()));
  s.access = std::move(*access);
  s.split = options.text("split") == "share" ? panda::Split::share : panda::Split::label;
  s.specs_interval = options.duration("specs_interval");
  s.longest_wait = options.duration("longest_wait");
  s.longest_lag = options.duration("longest_lag");
  return std::make_unique<panda::PandaWms>(s);
}

}  // namespace

void register_wms_panda(Registry& registry) {  // NOLINT(misc-use-internal-linkage): called by the generated list
  registry.add(Plugin<Wms>{.name = "panda",
                           .summary = "reads the work that waits in a PanDA server (API v1) or in apf-jobqueue",
                           .options = kOptions,
                           .make = make});
}

}  // namespace apf
