#include "protocol/prometheus.h"

#include <gtest/gtest.h>

namespace apf::protocol {
namespace {

using Type = MetricsWriter::Type;

TEST(Prometheus, WritesFamiliesWithTheirSamples) {
  MetricsWriter w;
  w.family("apf_pilots", Type::gauge, "Pilots.");
  w.sample({{"queue", "A"}, {"state", "running"}}, 3);
  w.sample({{"queue", "B"}, {"state", "running"}}, std::size_t{4});
  w.single("apf_seconds_total", Type::counter, "Time.", 1.5);
  EXPECT_EQ(w.take(),
            "# HELP apf_pilots Pilots.\n# TYPE apf_pilots gauge\n"
            "apf_pilots{queue=\"A\",state=\"running\"} 3\napf_pilots{queue=\"B\",state=\"running\"} 4\n"
            "# HELP apf_seconds_total Time.\n# TYPE apf_seconds_total counter\napf_seconds_total 1.5\n");
}

TEST(Prometheus, NamesOfOthersCantBreakALine) {
  MetricsWriter w;
  w.family("x", Type::gauge, "X.");
  w.sample({{"queue", "a\"} 1\nb \\"}}, 1);
  EXPECT_EQ(w.take(), "# HELP x X.\n# TYPE x gauge\nx{queue=\"a\\\"} 1\\nb \\\\\"} 1\n");
}

}  // namespace
}  // namespace apf::protocol
