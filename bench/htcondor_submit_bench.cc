// CPU of one submission of 1000 pilots through the plug-in, and of one bare condor_submit of the very same description,
// in turns, against a real pool: eval "$(./dev pool env)" first. Without a pool there is nothing to measure.
#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "apf/registry.h"
#include "engine/call_context.h"

namespace apf {
void register_batch_htcondor(Registry& registry);
}

namespace apf::batch_htcondor {
namespace {

namespace fs = std::filesystem;

double cpu_ms() {  // of this process and the children it waited for
  double ms = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage u{};
    getrusage(who, &u);
    for (const timeval t : {u.ru_utime, u.ru_stime})
      ms += static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_usec) / 1e3;
  }
  return ms;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

std::unique_ptr<Context> context() {
  return engine::make_context("bench", mono_now() + seconds{60}, std::make_shared<engine::Stop>());
}

struct Site {
  Site() {
    Registry registry;
    register_batch_htcondor(registry);
    Options options;
    options.set("history_since", Duration(seconds{60}));
    options.set("history_scan", std::int64_t{5000});
    options.set("event_log", std::string("none"));
    const char* user = std::getenv("APF_POOL_USER");
    if (user != nullptr && *user != 0) options.set("user", std::string(user));
    batch = std::move(*registry.batch.at(0).make(options));
    std::string name = (fs::temp_directory_path() / "apf-bench-XXXXXX").string();
    directory = mkdtemp(name.data());
    fs::permissions(directory, fs::perms::all);
    me.factory_id = "bench-" + std::to_string(getpid());
    me.instance = "i1";
    me.log_dir = directory / "logs";
    me.state_dir = directory;
    queue.name = "BENCH";
    queue.executable = "/bin/true";
    queue.submit.set("rerun_evicted", false);
    queue.submit.set("job_log", true);
    queue.submit.set("requirements", std::string("false"));
  }
  ~Site() {
    const std::string all = "condor_rm -constraint 'APF_FACTORY_ID =?= \"" + me.factory_id + "\"' >/dev/null 2>&1";
    if (std::system(all.c_str()) == 0) fs::remove_all(directory);
  }
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;

  Result<std::vector<std::string>> submit(int round) {
    SubmitOrder order;
    order.queue = &queue;
    order.me = &me;
    order.submission = "b-" + std::to_string(round);
    order.n = 1000;
    order.report_key = "key";
    order.when = wall_now();
    return batch->submit(order, *context());
  }
  [[nodiscard]] std::string description(int round) const {
    const std::string root = getuid() == 0 ? me.log_dir + "-htcondor" : me.state_dir + "/htcondor";
    return root + "/b-" + std::to_string(round) + ".1000/submit.sub";
  }

  fs::path directory;
  FactoryIdentity me;
  QueueSpec queue;
  std::unique_ptr<Batch> batch;
};

void Submit1000(benchmark::State& state) {
  if (std::getenv("APF_POOL_DIR") == nullptr) {
    state.SkipWithError("no pool: eval \"$(./dev pool env)\"");
    return;
  }
  Site site;
  std::vector<double> through, bare, extra;
  int round = 0;
  for ([[maybe_unused]] auto _ : state) {
    const double t0 = cpu_ms();
    const auto ids = site.submit(++round);
    const double t1 = cpu_ms();
    const auto alone = context()->run({.argv = {"condor_submit", "-terse", site.description(round)}});
    const double t2 = cpu_ms();
    if (!ids || !alone || alone->exit_code != 0) state.SkipWithError("a submission failed");
    through.push_back(t1 - t0);
    bare.push_back(t2 - t1);
    extra.push_back(through.back() - bare.back());
  }
  state.counters["plugin_ms"] = median(through);
  state.counters["bare_ms"] = median(bare);
  state.counters["extra_ms"] = median(extra);
}
BENCHMARK(Submit1000)->Iterations(7)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace apf::batch_htcondor
