// mintosubmit: at least so many pilots over the queue's whole life, whether there is demand or not.
#include "sched/arith.h"

namespace apf {
namespace {

constexpr std::array kOptions{
    OptionSpec{.name = "minimum",
               .type = OptionType::integer,
               .doc = "least pilots over the queue's life, restarts included; unset: no limit",
               .unit = "pilots",
               .minimum = 0},
};

class MinToSubmit final : public SchedStep {
 public:
  explicit MinToSubmit(const Options& options) : minimum_(sched::limit(options, "minimum")) {}

  [[nodiscard]] Step apply(std::int64_t n, const SchedInput& input) const override {
    if (!minimum_) return {n, fmt::format("comment=Not set,in={},ret={}", n, n)};
    const std::int64_t submitted = sched::count(input.life_submitted);
    const std::int64_t missing = sched::count(*minimum_ - submitted);
    const std::int64_t out = missing > 0 ? std::max(n, missing) : n;
    return {out, fmt::format("in={},submitted={},mintosubmit={},ret={}", n, submitted, *minimum_, out)};
  }
  [[nodiscard]] bool outside_demand() const override { return true; }

 private:
  sched::Limit minimum_;
};

}  // namespace

void register_sched_mintosubmit(Registry& registry);
void register_sched_mintosubmit(Registry& registry) {
  registry.add(Plugin<SchedStep>{"mintosubmit", "At least so many pilots over the queue's life", kOptions,
                                 sched::make<MinToSubmit>});
}

}  // namespace apf
