// minpending: at least so many pilots waiting for a slot, so that free slots are found by somebody.
#include "sched/arith.h"

namespace apf {
namespace {

constexpr std::array kOptions{
    OptionSpec{.name = "minimum",
               .type = OptionType::integer,
               .doc = "fewest pending pilots; unset: no limit",
               .unit = "pilots",
               .minimum = 0},
};

class MinPending final : public SchedStep {
 public:
  explicit MinPending(const Options& options) : minimum_(sched::limit(options, "minimum")) {}

  [[nodiscard]] Step apply(std::int64_t n, const SchedInput& input) const override {
    const std::int64_t pending = sched::number(input.pending);
    if (!minimum_) return {n, fmt::format("comment=not set,in={},pending={},ret={}", n, pending, n)};
    const std::int64_t out = std::max(n, sched::number(*minimum_ - pending));
    return {out, fmt::format("in={},minpending={},pending={},ret={}", n, *minimum_, pending, out)};
  }
  [[nodiscard]] bool outside_demand() const override { return true; }

 private:
  sched::Limit minimum_;
};

}  // namespace

void register_sched_minpending(Registry& registry);
void register_sched_minpending(Registry& registry) {
  registry.add(Plugin<SchedStep>{"minpending", "At least so many pilots pending", kOptions, sched::make<MinPending>});
}

}  // namespace apf
