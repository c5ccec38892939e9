// The core alone, and with ledger and journal, at full size.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "engine/journal.h"
#include "engine/ledger.h"
#include "site.h"

namespace apf::core {
namespace {

void EventsOfOnePercent(benchmark::State& bench) {
  Site site;
  std::size_t round = 0;
  for ([[maybe_unused]] auto _ : bench) {
    site.now = site.now + seconds{1};
    site.report_one_percent(round++);
    site.pass();
  }
}
BENCHMARK(EventsOfOnePercent)->Unit(benchmark::kMillisecond)->Iterations(90);

// The same until every decision is journalled and committed: what the shell adds is these two calls.
void EventBatch(benchmark::State& bench) {
  Site site;
  std::string directory = (std::filesystem::temp_directory_path() / "apf-bench-XXXXXX").string();
  if (mkdtemp(directory.data()) == nullptr) return bench.SkipWithError("no directory");
  {
    auto ledger =
        engine::Ledger::open({.state_dir = directory, .factory_id = "bench", .now = site.shown, .machine = ""});
    if (!ledger) return bench.SkipWithError(ledger.error().text().c_str());
    engine::Journal journal({.directory = directory + "/journal"});
    journal.config(site.state->active.config, site.shown);
    std::size_t round = 0;
    for ([[maybe_unused]] auto _ : bench) {
      site.now = site.now + seconds{1};
      site.report_one_percent(round++);
      std::vector<Decision> decisions;
      for (const auto& e : site.pass()) {
        if (const auto* c = std::get_if<Commit>(&e))
          if (!ledger->commit(*c->batch, site.shown)) bench.SkipWithError("commit failed");
        if (const auto* j = std::get_if<Journal>(&e)) decisions.push_back(j->decision);
      }
      if (decisions.size() < kQueues) bench.SkipWithError("not all queues decided");
      journal.append(decisions, site.shown);
    }
  }
  std::filesystem::remove_all(directory);
}
BENCHMARK(EventBatch)->Unit(benchmark::kMillisecond)->Iterations(90);

// A complete view in which nothing changed: what a poll costs.
void ReconcileAll(benchmark::State& bench) {
  Site site;
  for ([[maybe_unused]] auto _ : bench) {
    site.now = site.now + seconds{30};
    on(*site.state, BatchSeen{"b", site.state->next_seq(), site.now, site.view}, site.now, site.shown);
    site.pass();
  }
}
BENCHMARK(ReconcileAll)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace apf::core
