// maxpending: no more than so many pilots waiting for a slot.
#include "sched/arith.h"

namespace apf {
namespace {

constexpr std::array kOptions{
    OptionSpec{.name = "maximum",
               .type = OptionType::integer,
               .doc = "most pending pilots; unset: no limit",
               .unit = "pilots",
               .minimum = 0},
    OptionSpec{.name = "allow_negative",
               .type = OptionType::boolean,
               .fallback = "true",
               .doc =
                   "whether too many pending pilots give a negative number (which retires some where the queue allows "
                   "it)"},
};

class MaxPending final : public SchedStep {
 public:
  explicit MaxPending(const Options& options)
      : maximum_(sched::limit(options, "maximum")), allow_negative_(options.flag("allow_negative")) {}

  [[nodiscard]] Step apply(std::int64_t n, const SchedInput& input) const override {
    const std::int64_t pending = sched::number(input.pending);
    std::int64_t out = n;
    if (maximum_) {
      std::int64_t room = sched::number(*maximum_ - pending);  // also at 0 pending, unlike the original
      if (!allow_negative_) room = std::max<std::int64_t>(0, room);
      out = std::min(n, room);
    }
    return {out, fmt::format("in={},pending={},maxpending={},ret={}", n, pending, sched::shown(maximum_), out)};
  }

 private:
  sched::Limit maximum_;
  bool allow_negative_;
};

}  // namespace

void register_sched_maxpending(Registry& registry);
void register_sched_maxpending(Registry& registry) {
  registry.add(Plugin<SchedStep>{"maxpending", "At most so many pilots pending", kOptions, sched::make<MaxPending>});
}

}  // namespace apf
