// keepnrunning: as many pilots as are missing to a number that is to be kept, pending and running together.
#include "sched/arith.h"

namespace apf {
namespace {

constexpr std::array kOptions{
    OptionSpec{.name = "keep_running",
               .type = OptionType::integer,
               .doc = "pilots to keep, pending and running together; unset: the number so far",
               .unit = "pilots",
               .minimum = 0},
};

class KeepNRunning final : public SchedStep {
 public:
  explicit KeepNRunning(const Options& options) : keep_(sched::limit(options, "keep_running")) {}

  [[nodiscard]] Step apply(std::int64_t n, const SchedInput& input) const override {
    const std::int64_t pending = sched::count(input.pending);
    const std::int64_t running = sched::count(input.running);
    const std::int64_t out = sched::number(keep_.value_or(sched::number(n)) - (running + pending));
    return {out, fmt::format("in={},keep={},running={},pending={},retiring={},ret={}", n, sched::shown(keep_), running,
                             pending, sched::count(input.retiring), out)};
  }
  [[nodiscard]] bool outside_demand() const override { return true; }

 private:
  sched::Limit keep_;
};

}  // namespace

void register_sched_keepnrunning(Registry& registry);
void register_sched_keepnrunning(Registry& registry) {
  registry.add(Plugin<SchedStep>{"keepnrunning", "Keeps a number of pilots pending and running", kOptions,
                                 sched::make<KeepNRunning>});
}

}  // namespace apf
