// minpercycle: at least so many pilots in each cycle. A negative minimum bounds how many a cycle lets go.
#include "sched/arith.h"

namespace apf {
namespace {

constexpr std::array kOptions{
    OptionSpec{.name = "minimum",
               .type = OptionType::integer,
               .doc = "fewest pilots in one cycle, may be negative; unset: no limit",
               .unit = "pilots"},
};

class MinPerCycle final : public SchedStep {
 public:
  explicit MinPerCycle(const Options& options) : minimum_(sched::limit(options, "minimum")) {}

  [[nodiscard]] Step apply(std::int64_t n, const SchedInput& input) const override {
    if (!minimum_) return {n, fmt::format("comment=Not set,in={}", n)};
    // Pilots of this cycle have served the minimum already; they never turn it into leave to retire some.
    const std::int64_t least = *minimum_ > 0 ? sched::remainder(*minimum_, input) : *minimum_;
    const std::int64_t out = std::max(n, least);
    return {out, fmt::format("in={},minpercycle={}{},ret={}", n, *minimum_, sched::extra("used", input.used), out)};
  }
  [[nodiscard]] bool outside_demand() const override { return true; }

 private:
  sched::Limit minimum_;
};

}  // namespace

void register_sched_minpercycle(Registry& registry);
void register_sched_minpercycle(Registry& registry) {
  registry.add(
      Plugin<SchedStep>{"minpercycle", "At least so many pilots in each cycle", kOptions, sched::make<MinPerCycle>});
}

}  // namespace apf
