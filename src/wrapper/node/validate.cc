#include "wrapper/node/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>

#include "apf/options.h"
#include "process/supervisor.h"
#include "wrapper/log.h"
#include "wrapper/node/lifetime.h"
#include "wrapper/node/memory.h"
#include "wrapper/node/probe.h"
#include "wrapper/node/remote.h"
#include "wrapper/node/script.h"
#include "wrapper/payload/cgroup.h"
#include "wrapper/payload/scratch.h"
#include "wrapper/signals.h"

namespace apf::wrapper::node {
namespace {

constexpr std::int64_t kLeastFiles = 1000;  // that can still be made in the scratch directory's file system
constexpr const char* kTmp = "/tmp";

std::string rounded(std::int64_t bytes) {
  return bytes >= 1'000'000 ? fmt::format("{} MB", bytes / 1'000'000) : show_size(bytes);
}

Finding space_in(const std::string& directory, std::int64_t least, std::int64_t files, Mono deadline) {
  const auto space = room_in(directory, deadline);
  if (!space) return failed(space.error().text());
  if (space->bytes < least)
    return failed(fmt::format("{} has {} free, less than {}", directory, rounded(space->bytes), rounded(least)));
  if (space->files >= 0 && space->files < files)
    return failed(fmt::format("{} has room for {} files, less than {}", directory, space->files, files));
  return passed(fmt::format("{} free in {}", rounded(space->bytes), directory));
}

Finding memory(std::int64_t least) {
  const auto left = memory_left(read_memory(), read_limits(find_cgroup()));
  if (!left) return skipped("the kernel does not tell");
  if (left->bytes >= least) return passed(fmt::format("{} can be had ({})", rounded(left->bytes), left->by));
  return failed(fmt::format("{} can be had ({}), less than {}", rounded(left->bytes), left->by, rounded(least)));
}

Finding life_of(const char* what, Wall ends, Duration least) {
  const Duration left = between(wall_now(), ends);
  if (left <= Duration::zero()) return failed(fmt::format("the {} ended at {}", what, iso8601(ends)), kCredential);
  if (left < least)
    return failed(fmt::format("the {} ends in {}, sooner than in {}", what, human(left), human(least)), kCredential);
  return passed(fmt::format("the {} ends in {}", what, human(left)));
}

std::string file_text(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Finding credential(const std::string& token, Duration least) {
  const auto token_end = token.empty() ? std::nullopt : token_ends(token);
  if (token_end)
    if (const Finding f = life_of("token", *token_end, least); f.state == State::failed) return f;
  if (const char* proxy = std::getenv("X509_USER_PROXY"); proxy != nullptr && *proxy != '\0') {
    const auto ends = proxy_ends(file_text(proxy));
    if (!ends) return failed(fmt::format("there is no certificate in the proxy {}", proxy), kCredential);
    return life_of("proxy", *ends, least);
  }
  if (token_end) return life_of("token", *token_end, least);
  return skipped(token.empty() ? "no credential was given" : "the token does not tell its end");
}

Finding repository(const std::string& directory, Mono deadline) {
  const auto entries = list(directory, deadline);
  if (!entries) return failed(entries.error().text());
  if (*entries <= 0) return failed(directory + " is empty: it is not mounted");
  return passed(fmt::format("{} entries", *entries));
}

// What the checks of WMS and clock share: one request serves both.
struct Met {
  Result<Hello> hello = fail(Kind::transient, "wrapper.unreachable", "not asked");
};

Finding reach(const std::string& url, Met& met, Mono deadline) {
  if (url.empty()) return skipped("no WMS is named");
  met.hello = hello(url, deadline);
  if (!met.hello)
    return failed(met.hello.error().text(), met.hello.error().code == "wrapper.no_curl" ? kNodeFault : kWmsFault);
  return passed(fmt::format("{} answers", url));
}

Finding clock(const Met& met, Duration tolerance) {
  if (!met.hello || !met.hello->date) return skipped("the WMS does not tell the time");
  const Duration off = ahead(*met.hello);
  const Duration size = off < Duration::zero() ? -off : off;
  const char* way = off < Duration::zero() ? "behind" : "ahead of";
  if (size > tolerance) return failed(fmt::format("{} {} the WMS's clock", human(size), way));
  return passed(size == Duration::zero() ? "as the WMS's" : fmt::format("{} {} the WMS's", human(size), way));
}

std::vector<std::string> split(const std::string& command) {
  std::istringstream in(command);
  return {std::istream_iterator<std::string>(in), {}};
}

// A command of several words as it is; a single one is asked for its version.
Finding try_program(const std::string& command, Mono deadline) {
  auto argv = split(command);
  if (argv.empty()) return failed("no program is named");
  if (argv.size() == 1) argv.emplace_back("--version");
  const auto done = process::run({.argv = argv, .output_cap = 4096}, {.deadline = deadline, .grace = seconds{1}});
  if (!done) return failed(done.error().what);
  if (done->timed_out) return failed(argv[0] + " did not end in time");
  if (done->exit_code == 0) return passed(done->out.substr(0, done->out.find('\n')));
  return failed(fmt::format("{} ended with exit code {}: {}", argv[0], done->exit_code,
                            done->err.substr(0, std::min<std::size_t>(done->err.find('\n'), 200))));
}

// One of them is enough.
Finding container(const std::vector<std::string>& commands, Mono deadline) {
  std::string problems;
  for (const std::string& command : commands) {
    auto tried = try_program(command, deadline);
    if (tried.state == State::ok) return tried;
    problems += (problems.empty() ? "" : "; ") + tried.text;
  }
  return failed(problems);
}

Finding script(const std::string& file, const std::string& base, Mono deadline) {
  auto directory = Scratch::make(base);
  if (!directory) return failed(directory.error().text());
  Finding f = run_script(file, directory->path(), deadline);
  if (f.failure.empty() && f.state != State::ok) f.failure = "script";
  return f;
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

class List {
 public:
  explicit List(const Options& options) : options_(options) {}
  [[nodiscard]] bool wanted(const std::string& kind) const {
    return std::find(options_.checks.begin(), options_.checks.end(), kind) != options_.checks.end();
  }
  // `kind` is the name without what stands behind its colon.
  void add(const std::string& kind, const std::string& more, std::function<Finding(Mono)> look,
           std::vector<std::string> after = {}) {
    Check c{.name = more.empty() ? kind : kind + ":" + word(more), .after = std::move(after)};
    const auto own = options_.deadlines.find(kind);
    c.deadline = own == options_.deadlines.end() ? options_.deadline : own->second;
    c.lax = std::find(options_.lax.begin(), options_.lax.end(), kind) != options_.lax.end();
    c.look = std::move(look);
    checks.push_back(std::move(c));
  }
  std::vector<Check> checks;

 private:
  const Options& options_;
};

void tell(const Checked& c) {
  const Level level = c.finding.state == State::failed    ? Level::error
                      : c.finding.state == State::warning ? Level::warning
                                                          : Level::info;
  log(level, fmt::format("check {}: {} ({} ms){}{}", c.name, name(c.finding.state), c.took.count() / 1'000'000,
                         c.finding.text.empty() ? "" : ": ", c.finding.text));
}

}  // namespace

std::vector<Check> checks_for(const Subject& s) {
  const Options& o = s.options.node;
  List list(o);
  const auto met = std::make_shared<Met>();
  if (list.wanted("disk"))
    list.add("disk", "", [&o, base = s.scratch](Mono d) { return space_in(base, o.least_disk, kLeastFiles, d); });
  if (list.wanted("tmp")) list.add("tmp", "", [&o](Mono d) { return space_in(kTmp, o.least_tmp, 10, d); });
  if (list.wanted("memory")) list.add("memory", "", [&o](Mono /*d*/) { return memory(o.least_memory); });
  if (list.wanted("credential"))
    list.add("credential", "", [&o, &s](Mono /*d*/) { return credential(s.token, o.credential_life); });
  if (list.wanted("wms") || list.wanted("clock"))
    list.add("wms", "", [url = s.options.wms_url, met](Mono d) { return reach(url, *met, d); });
  if (list.wanted("clock"))
    list.add("clock", "", [&o, met](Mono /*d*/) { return clock(*met, o.clock_tolerance); }, {"wms"});
  for (const std::string& name : o.cvmfs)
    list.add("cvmfs", name, [path = o.cvmfs_base + "/" + name](Mono d) { return repository(path, d); });
  if (!o.containers.empty()) list.add("container", "", [&o](Mono d) { return container(o.containers, d); });
  for (const std::string& file : o.scripts)
    list.add("script", base_name(file), [file, base = s.scratch](Mono d) { return script(file, base, d); },
             {"disk", "tmp"});
  return list.checks;
}

Validation judge(std::vector<Checked> checks, Duration took) {
  Validation v{.checks = std::move(checks), .took = took};
  for (const Checked& c : v.checks) {
    if (c.finding.state != State::failed) continue;
    const bool first = v.rc == kDone;
    if (first || (c.finding.rc == kNodeFault && v.rc != kNodeFault)) {
      v.rc = c.finding.rc;
      v.failure = c.finding.failure;
    }
    v.text += (first ? "" : "; ") + c.name + ": " + c.finding.text;
  }
  return v;
}

namespace {

// The pilot's first report is under way: how that went is the check. Nobody waits for it.
Checked monitor(Reporter& reporter) {
  Checked c{.name = "monitor", .finding = skipped("no factory to report to is named")};
  if (!reporter.has_factory()) return c;
  switch (reporter.heard(Duration::zero())) {
    case Reporter::Heard::something: c.finding = passed("the factory answers"); break;
    case Reporter::Heard::nothing: c.finding = warned("the factory can't be reached"); break;
    case Reporter::Heard::unknown:
      c.finding = skipped("the factory has not answered yet, and is not waited for");
      break;
  }
  return c;
}

}  // namespace

Validation validate(const Subject& subject, Reporter& reporter) {
  const Mono began = mono_now();
  auto checks = run_checks(checks_for(subject), signals::ending());
  const auto& wanted = subject.options.node.checks;
  if (std::find(wanted.begin(), wanted.end(), "monitor") != wanted.end()) checks.push_back(monitor(reporter));
  for (const Checked& c : checks) tell(c);
  Validation v = judge(std::move(checks), mono_now() - began);
  // Is it the WMS, or this node's network? The factory is the other one to ask; its silence alone is no fault.
  if (v.failure == "wms" && reporter.heard(seconds{8}) == Reporter::Heard::nothing) {
    v.rc = kNodeFault;
    v.failure = "network";
    v.text += "; the factory can't be reached from here, either";
  }
  return v;
}

}  // namespace apf::wrapper::node
