// fillactivated: ready jobs less pending pilots, with a number for the time that the WMS is not known.
#include "sched/arith.h"

namespace apf {
namespace {

constexpr std::array kOptions{
    sched::kDefault,
};

class FillActivated final : public SchedStep {
 public:
  explicit FillActivated(const Options& options) : default_(sched::number(options.integer("default"))) {}

  [[nodiscard]] Step apply(std::int64_t n, const SchedInput& input) const override {
    if (!input.wms) return {default_, fmt::format("comment=Invalid wmsinfo,in={},ret={}", n, default_)};
    const std::int64_t activated = sched::number(input.wms->ready);
    const std::int64_t pending = sched::number(input.pending);
    const std::int64_t claimed = sched::count(input.claimed);
    const std::int64_t out = sched::count(input.dealt ? *input.dealt : activated - pending - claimed);  // RULES R10, R2
    return {out, fmt::format("in={},activated={},pending={},running={}{}{},ret={}", n, activated, pending,
                             sched::number(input.running), sched::extra("claimed", claimed), sched::dealt(input), out)};
  }

 private:
  std::int64_t default_;
};

}  // namespace

void register_sched_fillactivated(Registry& registry);
void register_sched_fillactivated(Registry& registry) {
  registry.add(
      Plugin<SchedStep>{"fillactivated", "Ready jobs less pending pilots", kOptions, sched::make<FillActivated>});
}

}  // namespace apf
