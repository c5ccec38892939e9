// null: no pilots; ends a chain for a queue that is only watched.
#include "sched/arith.h"

namespace apf {
namespace {

class Null final : public SchedStep {
 public:
  explicit Null(const Options& /*options*/) {}
  [[nodiscard]] Step apply(std::int64_t n, const SchedInput& /*input*/) const override {
    return {0, fmt::format("in={},out=0", n)};
  }
};

}  // namespace

void register_sched_null(Registry& registry);
void register_sched_null(Registry& registry) {
  registry.add(Plugin<SchedStep>{"null", "No pilots", {}, sched::make<Null>});
}

}  // namespace apf
