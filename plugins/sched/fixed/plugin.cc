// fixed: a fixed number of pilots in each cycle, whatever came before.
#include "sched/arith.h"

namespace apf {
namespace {

constexpr std::array kOptions{
    OptionSpec{.name = "pilotspercycle",
               .type = OptionType::integer,
               .doc = "pilots in each cycle; unset or 0: none",
               .unit = "pilots",
               .minimum = 0},
};

class Fixed final : public SchedStep {
 public:
  explicit Fixed(const Options& options) : per_cycle_(sched::limit(options, "pilotspercycle").value_or(0)) {}

  [[nodiscard]] Step apply(std::int64_t n, const SchedInput& input) const override {
    if (per_cycle_ == 0) return {0, fmt::format("comment=nosetup,in={},ret=0", n)};
    const std::int64_t out = sched::remainder(per_cycle_, input);
    return {out, fmt::format("in={}{},ret={}", n, sched::extra("used", input.used), out)};
  }
  [[nodiscard]] bool outside_demand() const override { return true; }

 private:
  std::int64_t per_cycle_;
};

}  // namespace

void register_sched_fixed(Registry& registry);
void register_sched_fixed(Registry& registry) {
  registry.add(Plugin<SchedStep>{"fixed", "A fixed number of pilots in each cycle", kOptions, sched::make<Fixed>});
}

}  // namespace apf
