// The steps for sites in one status: a fixed number of pilots in each cycle while the WMS says that the site is in it;
// otherwise the number so far.
//
// Thread-safety: immutable.
#pragma once

#include "sched/arith.h"

namespace apf::sched {

class AtStatus final : public SchedStep {
 public:
  // The original's words: for the status, for what is missing while the WMS is not known, and for the result.
  struct Words {
    std::string_view status, missing, result;
  };
  AtStatus(const Options& options, Words words) : words_(words), pilots_(number(options.integer("pilots"))) {}

  [[nodiscard]] Step apply(std::int64_t n, const SchedInput& input) const override {
    if (!input.wms) return {0, fmt::format("comment=no {},in={},ret=0", words_.missing, n)};
    if (input.site != words_.status) return {n, fmt::format("comment=not {},in={},ret={}", words_.status, n, n)};
    const std::int64_t out = remainder(pilots_, input);
    return {out,
            fmt::format("comment={},in={}{},{}={}", words_.status, n, extra("used", input.used), words_.result, out)};
  }
  [[nodiscard]] bool outside_demand() const override { return true; }

 private:
  Words words_;
  std::int64_t pilots_;
};

}  // namespace apf::sched
