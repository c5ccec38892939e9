// weightedactivated: ready jobs less pending pilots, each with a weight of its own.
#include "sched/arith.h"

namespace apf {
namespace {

constexpr std::array kOptions{
    OptionSpec{.name = "activated",
               .type = OptionType::real,
               .fallback = "1.0",
               .doc = "weight of a ready job",
               .minimum = 0,
               .maximum = 1e6},
    OptionSpec{.name = "pending",
               .type = OptionType::real,
               .fallback = "1.0",
               .doc = "weight of a pending pilot",
               .minimum = 0,
               .maximum = 1e6},
    sched::kDefault,
};

class WeightedActivated final : public SchedStep {
 public:
  explicit WeightedActivated(const Options& options)
      : activated_(options.real("activated")),
        pending_(options.real("pending")),
        default_(sched::number(options.integer("default"))) {}

  [[nodiscard]] Step apply(std::int64_t n, const SchedInput& input) const override {
    if (!input.wms) return {default_, fmt::format("comment=no wmsinfo,in={},ret={}", n, default_)};
    const std::int64_t claimed = sched::count(input.claimed);
    const std::int64_t pending = sched::number(input.pending);
    // A dealt share has the pilots of all sharers taken off; ours are put back, so that the weights mean the same.
    const std::int64_t jobs =
        input.dealt ? sched::number(*input.dealt) + pending + claimed : sched::number(input.wms->ready);
    const std::int64_t weighted_jobs = weighted(jobs, activated_);
    const std::int64_t weighted_pilots = weighted(pending + claimed, pending_);
    const std::int64_t out = sched::count(weighted_jobs - weighted_pilots);
    return {out, fmt::format("in={},activated={},weightedactivated={},pending={},weightedpending={}{}{},ret={}", n,
                             sched::number(input.wms->ready), weighted_jobs, pending, weighted_pilots,
                             sched::extra("claimed", claimed), sched::dealt(input), out)};
  }

 private:
  static std::int64_t weighted(std::int64_t n, double weight) {
    return sched::number(std::trunc(static_cast<double>(n) * weight));
  }

  double activated_, pending_;
  std::int64_t default_;
};

}  // namespace

void register_sched_weightedactivated(Registry& registry);
void register_sched_weightedactivated(Registry& registry) {
  registry.add(Plugin<SchedStep>{"weightedactivated", "Ready jobs less pending pilots, each weighted", kOptions,
                                 sched::make<WeightedActivated>});
}

}  // namespace apf
