// maxperfactory: no more than so many pilots of the whole factory.
#include "sched/arith.h"

namespace apf {
namespace {

constexpr std::array kOptions{
    OptionSpec{.name = "maximum",
               .type = OptionType::integer,
               .doc = "most pilots of all queues of this factory, pending and running together; unset: no limit",
               .unit = "pilots",
               .minimum = 0},
};

class MaxPerFactory final : public SchedStep {
 public:
  explicit MaxPerFactory(const Options& options) : maximum_(sched::limit(options, "maximum")) {}

  [[nodiscard]] Step apply(std::int64_t n, const SchedInput& input) const override {
    const std::int64_t total = sched::number(input.factory_total);
    std::int64_t out = n;
    // A factory that is over its limit neither adds nor, from this step, retires: 0 even for a negative n.
    if (maximum_) out = total > *maximum_ ? 0 : std::min(n, sched::number(*maximum_ - total));
    return {out, fmt::format("in={},total={},maxperfactory={},ret={}", n, total, sched::shown(maximum_), out)};
  }

 private:
  sched::Limit maximum_;
};

}  // namespace

void register_sched_maxperfactory(Registry& registry);
void register_sched_maxperfactory(Registry& registry) {
  registry.add(Plugin<SchedStep>{"maxperfactory", "At most so many pilots of the whole factory", kOptions,
                                 sched::make<MaxPerFactory>});
}

}  // namespace apf
