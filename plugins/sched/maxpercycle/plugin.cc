// maxpercycle: no more than so many pilots in one cycle.
#include "sched/arith.h"

namespace apf {
namespace {

constexpr std::array kOptions{
    OptionSpec{.name = "maximum",
               .type = OptionType::integer,
               .doc = "most pilots in one cycle; unset: no limit",
               .unit = "pilots",
               .minimum = 0},
};

class MaxPerCycle final : public SchedStep {
 public:
  explicit MaxPerCycle(const Options& options) : maximum_(sched::limit(options, "maximum")) {}

  [[nodiscard]] Step apply(std::int64_t n, const SchedInput& input) const override {
    if (!maximum_) return {n, fmt::format("comment=Not set,in={}", n)};
    const std::int64_t out = std::min(n, sched::remainder(*maximum_, input));
    return {out, fmt::format("in={},maxpercycle={}{},ret={}", n, *maximum_, sched::extra("used", input.used), out)};
  }

 private:
  sched::Limit maximum_;
};

}  // namespace

void register_sched_maxpercycle(Registry& registry);
void register_sched_maxpercycle(Registry& registry) {
  registry.add(
      Plugin<SchedStep>{"maxpercycle", "At most so many pilots in one cycle", kOptions, sched::make<MaxPerCycle>});
}

}  // namespace apf
