// nqueue: keep some pilots pending, more of them while many jobs wait: the one algorithm of AutoPyFactory 1.x.
#include "sched/arith.h"

namespace apf {
namespace {

constexpr std::array kOptions{
    OptionSpec{.name = "nqueue",
               .type = OptionType::integer,
               .fallback = "20",
               .doc = "pilots to keep pending; also the most in one cycle",
               .unit = "pilots",
               .minimum = 0},
    OptionSpec{.name = "depthboost",
               .type = OptionType::integer,
               .fallback = "2",
               .doc = "while more jobs are ready than pilots pend, up to nqueue times this may pend",
               .minimum = 1,
               .maximum = 1000},
    OptionSpec{.name = "pilotlimit",
               .type = OptionType::integer,
               .doc = "at this many pilots, pending and running, nothing is submitted; unset: no limit",
               .unit = "pilots",
               .minimum = 0},
    OptionSpec{.name = "idlepilotsuppression",
               .type = OptionType::integer,
               .fallback = "1",
               .doc = "without ready jobs, one pilot is submitted in every such cycle: 1 each, 10 each tenth",
               .unit = "cycles",
               .minimum = 1,
               .maximum = 1e6},
};

class NQueue final : public SchedStep {
 public:
  explicit NQueue(const Options& options)
      : nqueue_(sched::number(options.integer("nqueue"))),
        boost_(std::clamp<std::int64_t>(options.integer("depthboost"), 1, 1000)),
        suppression_(std::clamp<std::int64_t>(options.integer("idlepilotsuppression"), 1, kMost)),
        limit_(sched::limit(options, "pilotlimit")) {}

  [[nodiscard]] Step apply(std::int64_t n, const SchedInput& input) const override {
    if (!input.wms) return {0, fmt::format("comment=no wmsinfo,in={},ret=0", n)};
    const std::int64_t ready = sched::count(input.wms->ready);
    const std::int64_t pending = sched::count(input.pending);
    const std::int64_t total = sched::count(pending + sched::count(input.running));
    const auto [why, granted] = rule(input, ready, pending, total);
    const std::int64_t out = sched::remainder(granted, input);
    const std::int64_t inside =
        sched::count(input.dealt ? sched::number(*input.dealt) : ready - pending - sched::count(input.claimed));
    return {out,
            fmt::format("comment={},in={},activated={},pending={},total={},nqueue={}{},ret={}", why, n, ready, pending,
                        total, nqueue_, sched::extra("used", input.used), out),
            sched::count(out - inside)};
  }

 private:
  struct Granted {
    const char* why;
    std::int64_t n;
  };
  [[nodiscard]] Granted rule(const SchedInput& input, std::int64_t ready, std::int64_t pending,
                             std::int64_t total) const {
    if (input.site == "offline") return {"offline", 0};
    if (limit_ && total >= *limit_) return {"pilotlimit", 0};
    if (input.site == "test") return {"test", pending == 0 && total <= nqueue_ ? 1 : 0};
    const bool few = pending < nqueue_;
    if (ready > 0)
      return {"activated", few || (ready > pending && pending < sched::count(nqueue_) * boost_) ? nqueue_ : 0};
    return {"idle", few && input.cycle % suppression_ == 0 ? 1 : 0};
  }

  std::int64_t nqueue_, boost_, suppression_;
  sched::Limit limit_;
};

}  // namespace

void register_sched_nqueue(Registry& registry);
void register_sched_nqueue(Registry& registry) {
  registry.add(Plugin<SchedStep>{"nqueue", "Keeps some pilots pending, more while many jobs wait (AutoPyFactory 1.x)",
                                 kOptions, sched::make<NQueue>});
}

}  // namespace apf
