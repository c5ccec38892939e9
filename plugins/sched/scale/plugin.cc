// scale: a fraction or a multiple of the number so far, rounded up.
#include "sched/arith.h"

namespace apf {
namespace {

constexpr std::array kOptions{
    OptionSpec{.name = "factor",
               .type = OptionType::real,
               .fallback = "1.0",
               .doc = "what the number so far is multiplied by; the result is rounded up",
               .minimum = 0,
               .maximum = 1e6},
};

class Scale final : public SchedStep {
 public:
  explicit Scale(const Options& options) : factor_(options.real("factor")) {}

  [[nodiscard]] Step apply(std::int64_t n, const SchedInput& /*input*/) const override {
    const std::int64_t out = sched::number(std::ceil(static_cast<double>(sched::number(n)) * factor_));
    return {out, fmt::format("in={},factor={},ret={}", n, sched::shown(factor_), out)};
  }

 private:
  double factor_;
};

}  // namespace

void register_sched_scale(Registry& registry);
void register_sched_scale(Registry& registry) {
  registry.add(
      Plugin<SchedStep>{"scale", "The number so far times a factor, rounded up", kOptions, sched::make<Scale>});
}

}  // namespace apf
