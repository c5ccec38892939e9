// throttle: when too many of the queue's pilots are short, only a trickle is submitted.
//
// Short pilots are what a black hole makes: a node that ruins each pilot at once and takes the next. The factory also
// watches single nodes (docs/operating.md, "Nodes and queues that ruin pilots"); this step looks at the queue's ratio
// alone, as AutoPyFactory's did.
#include "sched/arith.h"

namespace apf {
namespace {

constexpr std::array kOptions{
    OptionSpec{.name = "interval",
               .type = OptionType::duration,
               .fallback = "1h",
               .doc = "pilots that started within this time are looked at",
               .minimum = 1,
               .maximum = 3600},
    OptionSpec{.name = "maxtime",
               .type = OptionType::duration,
               .fallback = "10s",
               .doc = "a pilot that ran for less than this is short",
               .minimum = 0,
               .maximum = 3600},
    OptionSpec{.name = "ratio",
               .type = OptionType::real,
               .fallback = "0.5",
               .doc = "share of short pilots, among those that have ended, above which the queue is throttled",
               .minimum = 0,
               .maximum = 1},
    OptionSpec{.name = "submit",
               .type = OptionType::integer,
               .fallback = "1",
               .doc = "most pilots in each cycle while throttled",
               .unit = "pilots",
               .minimum = 0},
};

class Throttle final : public SchedStep {
 public:
  explicit Throttle(const Options& options)
      : interval_(options.duration("interval")),
        maxtime_(options.duration("maxtime")),
        ratio_(options.real("ratio")),
        submit_(sched::number(options.integer("submit"))) {}

  [[nodiscard]] Step apply(std::int64_t n, const SchedInput& input) const override {
    const SchedEnds* told = answer(input);
    if (told == nullptr) return {n, fmt::format("comment=no answer about ended pilots,in={},ret={}", n, n)};
    const std::int64_t ended = sched::count(told->ended);
    const std::int64_t brief = std::min(sched::count(told->brief), ended);
    const bool throttled = static_cast<double>(brief) > ratio_ * static_cast<double>(ended);
    const std::int64_t out = throttled ? std::min(n, sched::remainder(submit_, input)) : n;
    return {out, fmt::format("in={},ended={},short={},ratio={}{}{},ret={}", n, ended, brief, sched::shown(ratio_),
                             sched::extra("submit", throttled ? submit_ : 0),
                             sched::extra("used", throttled ? input.used : 0), out)};
  }
  [[nodiscard]] std::optional<SchedEnds> asks() const override { return SchedEnds{interval_, maxtime_, 0, 0}; }

 private:
  [[nodiscard]] const SchedEnds* answer(const SchedInput& input) const {
    const auto at = std::find_if(input.ends.begin(), input.ends.end(),
                                 [this](const SchedEnds& e) { return e.within == interval_ && e.below == maxtime_; });
    return at == input.ends.end() ? nullptr : &*at;
  }

  Duration interval_, maxtime_;
  double ratio_;
  std::int64_t submit_;
};

}  // namespace

void register_sched_throttle(Registry& registry);
void register_sched_throttle(Registry& registry) {
  registry.add(Plugin<SchedStep>{"throttle", "A trickle while too many of the queue's pilots are short", kOptions,
                                 sched::make<Throttle>});
}

}  // namespace apf
