// activated: ready jobs less pending pilots, with minima, maxima and a mode for sites in test, all in one step: the
// compound that AutoPyFactory had before its chains.
#include "sched/arith.h"

namespace apf {
namespace {

constexpr OptionSpec pilots(const char* name, const char* doc) {
  return {.name = name, .type = OptionType::integer, .doc = doc, .unit = "pilots", .minimum = 0};
}

constexpr std::array kOptions{
    sched::kDefault,
    pilots("max_jobs_torun", "most pilots, pending and running together; unset: no limit"),
    pilots("max_pilots_per_cycle", "most pilots in one cycle; unset: no limit"),
    pilots("min_pilots_per_cycle", "least pilots in one cycle; unset: none"),
    pilots("min_pilots_pending", "pilots to keep pending; unset: none"),
    pilots("max_pilots_pending", "most pilots pending; unset: no limit"),
    OptionSpec{.name = "testmode_allowed",
               .type = OptionType::boolean,
               .fallback = "false",
               .doc = "treat a site that is test by the testmode options; else as an online one"},
    OptionSpec{.name = "testmode_pilots",
               .type = OptionType::integer,
               .fallback = "0",
               .doc = "pilots in each cycle in test mode",
               .unit = "pilots",
               .minimum = 0},
    OptionSpec{.name = "testmode_max_pending",
               .type = OptionType::integer,
               .fallback = "10",
               .doc = "with more pilots pending than this, test mode submits none",
               .unit = "pilots",
               .minimum = 0},
};

class Activated final : public SchedStep {
 public:
  explicit Activated(const Options& options)
      : default_(sched::number(options.integer("default"))),
        max_torun_(sched::limit(options, "max_jobs_torun")),
        max_cycle_(sched::limit(options, "max_pilots_per_cycle")),
        min_cycle_(sched::limit(options, "min_pilots_per_cycle")),
        min_pending_(sched::limit(options, "min_pilots_pending")),
        max_pending_(sched::limit(options, "max_pilots_pending")),
        testmode_(options.flag("testmode_allowed")),
        test_pilots_(sched::number(options.integer("testmode_pilots"))),
        test_max_pending_(sched::number(options.integer("testmode_max_pending"))) {}

  [[nodiscard]] Step apply(std::int64_t n, const SchedInput& input) const override {
    if (!input.wms) return {default_, fmt::format("comment=no wmsinfo,in={},ret={}", n, default_)};
    if (input.site == "offline") return {0, fmt::format("comment=offline,in={},ret=0", n)};
    if (input.site == "test" && testmode_) return in_test(n, input);
    const std::int64_t wanted = sched::count(demand(input));
    const std::int64_t inside = bounded(wanted, input, false);
    const std::int64_t out = bounded(wanted, input, true);
    return {out,
            fmt::format("in={},activated={},pending={},running={}{}{}{}{},ret={}", n, sched::number(input.wms->ready),
                        sched::number(input.pending), sched::number(input.running),
                        sched::extra("claimed", sched::count(input.claimed)), sched::dealt(input),
                        sched::extra("used", input.used), limits(), out),
            sched::count(out - sched::count(inside))};
  }

 private:
  static std::int64_t demand(const SchedInput& input) {
    if (input.dealt) return sched::number(*input.dealt);
    return sched::number(input.wms->ready) - sched::number(input.pending) - sched::count(input.claimed);
  }

  // Those that are set, for the message.
  [[nodiscard]] std::string limits() const {
    std::string out;
    const auto add = [&out](const char* name, const sched::Limit& limit) {
      if (limit) out += fmt::format(",{}={}", name, *limit);
    };
    add("max_jobs_torun", max_torun_);
    add("min_pilots_pending", min_pending_);
    add("max_pilots_per_cycle", max_cycle_);
    add("min_pilots_per_cycle", min_cycle_);
    add("max_pilots_pending", max_pending_);
    return out;
  }

  // The limits in their order; without the minima what is left lives on demand.
  [[nodiscard]] std::int64_t bounded(std::int64_t n, const SchedInput& input, bool minima) const {
    const std::int64_t pending = sched::number(input.pending);
    if (max_torun_) n = std::min(n, *max_torun_ - pending - sched::number(input.running));
    if (minima && min_pending_) n = std::max(n, *min_pending_ - pending);
    if (max_cycle_) n = std::min(n, sched::remainder(*max_cycle_, input));
    if (minima && min_cycle_) n = std::max(n, sched::remainder(*min_cycle_, input));
    if (max_pending_) n = std::min(n, *max_pending_ - pending);
    return sched::number(n);
  }

  [[nodiscard]] Step in_test(std::int64_t n, const SchedInput& input) const {
    const std::int64_t pending = sched::number(input.pending);
    const std::int64_t out = pending > test_max_pending_ ? 0 : sched::remainder(test_pilots_, input);
    return {out,
            fmt::format("comment=test,in={},pending={},max={}{},ret={}", n, pending, test_max_pending_,
                        sched::extra("used", input.used), out),
            sched::count(out)};
  }

  std::int64_t default_;
  sched::Limit max_torun_, max_cycle_, min_cycle_, min_pending_, max_pending_;
  bool testmode_;
  std::int64_t test_pilots_, test_max_pending_;
};

}  // namespace

void register_sched_activated(Registry& registry);
void register_sched_activated(Registry& registry) {
  registry.add(Plugin<SchedStep>{"activated", "Ready jobs less pending pilots, with limits and a test mode in one step",
                                 kOptions, sched::make<Activated>});
}

}  // namespace apf
