// statusoffline: a fixed number of pilots in each cycle while the WMS says that the site is offline; otherwise the
// number so far.
#include "sched/at_status.h"

namespace apf {
namespace {

constexpr std::array kOptions{
    OptionSpec{.name = "pilots",
               .type = OptionType::integer,
               .fallback = "0",
               .doc = "pilots in each cycle while the site is offline",
               .unit = "pilots",
               .minimum = 0},
};

Result<std::unique_ptr<SchedStep>> make(const Options& options) {
  return std::make_unique<sched::AtStatus>(options, sched::AtStatus::Words{"offline", "wms/site/batchinfo", "ret"});
}

}  // namespace

void register_sched_statusoffline(Registry& registry);
void register_sched_statusoffline(Registry& registry) {
  registry.add(Plugin<SchedStep>{"statusoffline", "A fixed number of pilots in each cycle while the site is offline",
                                 kOptions, make});
}

}  // namespace apf
