// maxtosubmit: no more than so many pilots over the queue's whole life.
#include "sched/arith.h"

namespace apf {
namespace {

constexpr std::array kOptions{
    OptionSpec{.name = "maximum",
               .type = OptionType::integer,
               .doc = "most pilots over the queue's life, restarts included; unset: no limit",
               .unit = "pilots",
               .minimum = 0},
};

class MaxToSubmit final : public SchedStep {
 public:
  explicit MaxToSubmit(const Options& options) : maximum_(sched::limit(options, "maximum")) {}

  [[nodiscard]] Step apply(std::int64_t n, const SchedInput& input) const override {
    if (!maximum_) return {n, fmt::format("comment=Not set,in={},ret={}", n, n)};
    const std::int64_t submitted = sched::count(input.life_submitted);
    const std::int64_t out = std::min(n, sched::count(*maximum_ - submitted));
    return {out, fmt::format("in={},submitted={},maxtosubmit={},ret={}", n, submitted, *maximum_, out)};
  }

 private:
  sched::Limit maximum_;
};

}  // namespace

void register_sched_maxtosubmit(Registry& registry);
void register_sched_maxtosubmit(Registry& registry) {
  registry.add(Plugin<SchedStep>{"maxtosubmit", "At most so many pilots over the queue's life", kOptions,
                                 sched::make<MaxToSubmit>});
}

}  // namespace apf
