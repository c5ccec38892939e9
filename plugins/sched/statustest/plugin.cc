// statustest: a fixed number of pilots in each cycle while the WMS says that the site is test; otherwise the number so
// far.
#include "sched/at_status.h"

namespace apf {
namespace {

constexpr std::array kOptions{
    OptionSpec{.name = "pilots",
               .type = OptionType::integer,
               .fallback = "0",
               .doc = "pilots in each cycle while the site is test",
               .unit = "pilots",
               .minimum = 0},
};

Result<std::unique_ptr<SchedStep>> make(const Options& options) {
  return std::make_unique<sched::AtStatus>(options, sched::AtStatus::Words{"test", "wms/batch/siteinfo", "out"});
}

}  // namespace

void register_sched_statustest(Registry& registry);
void register_sched_statustest(Registry& registry) {
  registry.add(
      Plugin<SchedStep>{"statustest", "A fixed number of pilots in each cycle while the site is test", kOptions, make});
}

}  // namespace apf
