// statustest: a fixed number of pilots in each cycle while the WMS says that the site is test; otherwise the number so
// far.
#include "sched/arith.h"

namespace apf {
namespace {

constexpr std::array kOptions{
    OptionSpec{.name = "pilots",
               .type = OptionType::integer,
               .fallback = "0",
               .doc = "pilots in each cycle while the site is test",
               .unit = "pilots",
               .minimum = 0},
};

class StatusTest final : public SchedStep {
 public:
  explicit StatusTest(const Options& options) : pilots_(sched::number(options.integer("pilots"))) {}

  [[nodiscard]] Step apply(std::int64_t n, const SchedInput& input) const override {
    if (!input.wms) return {0, fmt::format("comment=no wms/batch/siteinfo,in={},ret=0", n)};
    if (input.site != "test") return {n, fmt::format("comment=not test,in={},ret={}", n, n)};
    const std::int64_t out = sched::remainder(pilots_, input);
    return {out, fmt::format("comment=test,in={}{},out={}", n, sched::extra("used", input.used), out)};
  }
  [[nodiscard]] bool outside_demand() const override { return true; }

 private:
  std::int64_t pilots_;
};

}  // namespace

void register_sched_statustest(Registry& registry);
void register_sched_statustest(Registry& registry) {
  registry.add(Plugin<SchedStep>{"statustest", "A fixed number of pilots in each cycle while the site is test",
                                 kOptions, sched::make<StatusTest>});
}

}  // namespace apf
