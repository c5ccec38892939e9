#include "wrapper/code/code_run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "wrapper/log.h"
#include "wrapper/payload/limits.h"
#include "wrapper/payload/output.h"

namespace apf::wrapper {

Result<Watched> run_code(const Surroundings& around, const CodeRun& run) {
  GuardSettings settings{.directory = run.directory,
                         .out = around.scratch.path() + "/" + run.title + ".out",
                         .err = around.scratch.path() + "/" + run.title + ".err",
                         .scratch = around.scratch.path(),
                         .grace = run.grace,
                         .argv = run.argv};
  settings.disk.stuck = run.stuck;
  settings.disk.heartbeat = run.heartbeat;
  limit(settings, around.options.running);
  log(Level::info, fmt::format("{} begins: {}", run.title, fmt::join(run.argv, " ")));
  const auto payload = Payload::start(settings, run.environment);
  if (!payload) return fail(payload.error());
  Follower out(settings.out, run.title + ".out"), err(settings.err, run.title + ".err");
  const Watched watched = watch(**payload, [&] {
    out.look();
    err.look();
    if (run.every_second) run.every_second();
  });
  out.finish();
  err.finish();
  const Outcome& o = watched.outcome;
  log(Level::info, fmt::format("{} ended: {} reason={} cpu={:.3f}s rss={}kB left_behind={}", run.title,
                               o.signal != 0 ? fmt::format("signal={}", o.signal) : fmt::format("exit={}", o.exit_code),
                               name(o.reason), std::chrono::duration<double>(o.cpu).count(), o.rss_kb, o.left));
  return watched;
}

}  // namespace apf::wrapper
