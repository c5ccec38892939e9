// ready: as many pilots as jobs wait, less those that are already on their way to them.
#include "sched/arith.h"

namespace apf {
namespace {

constexpr std::array kOptions{
    OptionSpec{.name = "offset",
               .type = OptionType::integer,
               .fallback = "0",
               .doc = "waiting jobs that get no pilot",
               .unit = "jobs"},
};

class Ready final : public SchedStep {
 public:
  explicit Ready(const Options& options) : offset_(sched::number(options.integer("offset"))) {}

  [[nodiscard]] Step apply(std::int64_t n, const SchedInput& input) const override {
    if (!input.wms) return {0, "comment=Invalid wmsinfo or batchinfo"};
    const std::int64_t activated = sched::number(input.wms->ready);
    const std::int64_t pending = sched::number(input.pending);
    const std::int64_t claimed = sched::count(input.claimed);
    // What was dealt has the pilots of all queues that share the demand taken off already (RULES R10).
    const std::int64_t wanted =
        input.dealt ? sched::number(*input.dealt) - offset_ : activated - offset_ - pending - claimed;  // RULES R2
    const std::int64_t out = sched::count(wanted);
    return {out, fmt::format("in={},activated={},offset={},pending={}{}{},ret={}", n, activated, offset_, pending,
                             sched::extra("claimed", claimed), sched::dealt(input), out)};
  }

 private:
  std::int64_t offset_;
};

}  // namespace

void register_sched_ready(Registry& registry);
void register_sched_ready(Registry& registry) {
  registry.add(Plugin<SchedStep>{"ready", "As many pilots as jobs are ready, less the pilots already pending", kOptions,
                                 sched::make<Ready>});
}

}  // namespace apf
