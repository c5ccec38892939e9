#include "wrapper/kinds/exec.h"

#include <fmt/format.h>

#include <cstring>
#include <filesystem>

#include "wrapper/code/code.h"
#include "wrapper/code/code_run.h"
#include "wrapper/exit_codes.h"
#include "wrapper/signals.h"

namespace apf::wrapper {

std::optional<Ending> Exec::prepare() {
  const CodeOptions& options = around_.options.code;
  const auto directory = around_.scratch.job_directory("work");
  if (!directory) return Ending{kNodeFault, directory.error().text()};
  directory_ = *directory;
  const bool of_node = options.code.empty() && options.types.empty() && around_.kit.types.empty();
  if (of_node && !options.program.empty()) {
    program_ = options.program;
    return std::nullopt;
  }
  const auto code = get_code(around_, options.test);
  if (!code) return code_ending(code.error());
  program_ = code->path;
  if (!code->is_directory) return std::nullopt;
  if (options.program.empty())
    return Ending{kUsage, "the pilot code is an archive or a directory: --wrapperprogram says what of it is run"};
  program_ += "/" + options.program;
  std::error_code e;
  if (!std::filesystem::is_regular_file(program_, e))
    return Ending{kUsage, fmt::format("there is no {} in pilot code {}", options.program, code->version)};
  return std::nullopt;
}

Summary Exec::run() {
  CodeRun run{.title = "program", .argv = around_.options.code.arguments, .directory = directory_};
  run.argv.insert(run.argv.begin(), program_);
  run.environment["TMPDIR"] = directory_;
  run.environment["APF_HEARTBEAT_FILE"] = directory_ + "/heartbeat";
  run.grace = around_.options.grace.value_or(run.grace);
  protocol::apfmon::Report started;
  started.payloads = 1;
  started.payload_started = true;
  around_.reporter.report(started);
  const auto watched = run_code(around_, run);
  if (!watched) return {.rc = kNodeFault, .reason = watched.error().text()};
  const Outcome& o = watched->outcome;
  Summary s{
      .reason = "program ended", .payloads = 1, .left_behind = o.left, .payload_wall = o.wall, .payload_cpu = o.cpu};
  if (o.reason != Reason::exited || o.exit_code != 0) {
    s.failed = 1;
    s.reason = o.start_error != 0 ? fmt::format("program not started: {}", std::strerror(o.start_error))
               : o.signal != 0    ? fmt::format("program ended by signal {}", o.signal)
                                  : fmt::format("program ended with exit code {}", o.exit_code);
    if (o.reason != Reason::exited) s.reason += fmt::format(" ({})", name(o.reason));
  }
  if (watched->told_by != 0) s.rc = kBySignal + watched->told_by;
  return s;
}

}  // namespace apf::wrapper
