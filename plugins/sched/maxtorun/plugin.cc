// maxtorun: no more than so many pilots of the queue, pending and running together.
#include "sched/arith.h"

namespace apf {
namespace {

constexpr std::array kOptions{
    OptionSpec{.name = "maximum",
               .type = OptionType::integer,
               .doc = "most pilots of this queue, pending and running together; unset: no limit",
               .unit = "pilots",
               .minimum = 0},
};

class MaxToRun final : public SchedStep {
 public:
  explicit MaxToRun(const Options& options) : maximum_(sched::limit(options, "maximum")) {}

  [[nodiscard]] Step apply(std::int64_t n, const SchedInput& input) const override {
    if (!maximum_) return {n, fmt::format("comment=Not set,in={},ret={}", n, n)};
    const std::int64_t pending = sched::number(input.pending);
    const std::int64_t running = sched::number(input.running);
    const std::int64_t out = std::min(n, sched::number(*maximum_ - (pending + running)));
    return {out, fmt::format("in={},maxtorun={},pending={},running={},ret={}", n, *maximum_, pending, running, out)};
  }

 private:
  sched::Limit maximum_;
};

}  // namespace

void register_sched_maxtorun(Registry& registry);
void register_sched_maxtorun(Registry& registry) {
  registry.add(Plugin<SchedStep>{"maxtorun", "At most so many pilots of this queue, pending and running together",
                                 kOptions, sched::make<MaxToRun>});
}

}  // namespace apf
