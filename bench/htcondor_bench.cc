// What a condor_q of 100 000 pilots costs us to read (the tool itself apart).
#include <benchmark/benchmark.h>

#include "batch/htcondor/view.h"

namespace apf::batch_htcondor {
namespace {

std::string condor_q_output(int pilots) {
  std::string out;
  for (int i = 0; i < pilots; ++i) {
    const std::string cluster = std::to_string(1000 + i / 100), proc = std::to_string(i % 100);
    const bool running = i % 2 == 0;
    out += cluster + "\t" + proc + (running ? "\t2\t1" : "\t1\t0") + "\t1795306512\t";
    out += running ? "1795306513" : "undefined";
    out += "\t1795306513\t3\t" + proc + "\tfalse\t\"s-" + cluster + "-abcdef\"\t\"instance1\"\t\"QUEUE_NUMBER_" +
           std::to_string(i % 1000) + "\"\tundefined\tfalse\tundefined\tundefined\t";
    out += running ? "\"slot1_" + proc + "@worker" + std::to_string(i % 5000) + ".site.example.org\"" : "undefined";
    out += "\tundefined\n";
  }
  return out;
}

void ReadCondorQ(benchmark::State& state) {
  const std::string out = condor_q_output(static_cast<int>(state.range(0)));
  for ([[maybe_unused]] auto _ : state) {
    auto pilots = read(out, Listing::queue, "instance1");
    benchmark::DoNotOptimize(pilots);
    if (!pilots || pilots->size() != static_cast<std::size_t>(state.range(0))) state.SkipWithError("not all rows");
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(ReadCondorQ)->Arg(1'000)->Arg(100'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace apf::batch_htcondor
