#include "wrapper/kinds/panda.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "wrapper/code/code.h"
#include "wrapper/code/code_run.h"
#include "wrapper/code/download.h"
#include "wrapper/exit_codes.h"
#include "wrapper/log.h"
#include "wrapper/signals.h"

namespace apf::wrapper {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUsual = "file:///cvmfs/atlas.cern.ch/repo/sw/PandaPilot/tar/pilot3.tar.gz";
constexpr Duration kStuck = seconds{3600};  // as today's pilot-wrapper, which looks at the same file
constexpr Duration kGrace = seconds{180};   // pilot3 tells its server how the jobs end

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string content(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool on_path(const std::string& program) {
  if (program.find('/') != std::string::npos) return ::access(program.c_str(), X_OK) == 0;
  std::string path = from_environment("PATH");
  while (!path.empty()) {
    const std::size_t colon = std::min(path.find(':'), path.size());
    if (::access((path.substr(0, colon) + "/" + program).c_str(), X_OK) == 0) return true;
    path.erase(0, colon + 1);
  }
  return false;
}

// pilot.py itself, in the directory or one below, as archives of it are made.
std::string find_pilot(const std::string& directory) {
  std::error_code e;
  for (const char* place : {"/pilot3/pilot.py", "/pilot.py"})
    if (fs::is_regular_file(directory + place, e)) return directory + place;
  for (const auto& entry : fs::directory_iterator(directory, e))
    if (fs::is_regular_file(entry.path() / "pilot.py", e)) return entry.path() / "pilot.py";
  return {};
}

std::string with_queue(std::string url, const std::string& queue) {
  constexpr std::string_view mark = "{queue}";
  if (const std::size_t at = url.find(mark); at != std::string::npos) url.replace(at, mark.size(), queue);
  return url;
}

bool copy(const std::string& from, const std::string& to) {
  std::error_code e;
  return fs::copy_file(from, to, fs::copy_options::overwrite_existing, e) && ::chmod(to.c_str(), 0600) == 0;
}

}  // namespace

std::optional<Ending> Panda::prepare() {
  if (!on_path(around_.options.code.python))
    return Ending{kNodeFault, "this node has no " + around_.options.code.python + ", which pilot3 needs"};
  test_ = around_.options.code.test;
  if (auto ending = queue_data()) return ending;
  if (auto ending = pilot_code()) return ending;
  // The proxy that came with the pilot lies beside us, not where pilot3 runs.
  if (const std::string proxy = from_environment("X509_USER_PROXY"); !proxy.empty() && !proxy.starts_with('/'))
    environment_["X509_USER_PROXY"] = fs::absolute(proxy).string();
  for (const char* name : {"queuedata.json", "pandaJobData.out"}) {
    const std::string fetched = around_.scratch.path() + "/" + name;
    copy(::access(fetched.c_str(), R_OK) == 0 ? fetched : name, directory_ + "/" + name);
  }
  name_worker();
  return token();
}

// By these pilot3 says whose it is, and PanDA links its jobs with what the factory tells of its pilots.
void Panda::name_worker() {
  const std::string harvester = from_environment("APF_HARVESTER");
  const auto worker = worker_id(from_environment("APF_FIRST_WORKER"), from_environment("APF_INDEX"));
  if (harvester.empty() || !worker || !from_environment("HARVESTER_ID").empty()) return;
  environment_["HARVESTER_ID"] = harvester;
  environment_["HARVESTER_WORKER_ID"] = std::to_string(*worker);
}

// The queue's data decide on development versions; pilot3 finds the same file in its directory.
std::optional<Ending> Panda::queue_data() {
  std::string file = "queuedata.json";
  if (const std::string& url = around_.options.code.queuedata; !url.empty() && ::access(file.c_str(), R_OK) != 0) {
    file = around_.scratch.path() + "/" + file;
    const auto got = download({.url = with_queue(url, around_.options.wms_queue),
                               .file = file,
                               .proxy = around_.options.code.proxy,
                               .stop = &signals::ending()});
    if (!got)
      return code_ending(fail(Kind::transient, "wrapper.no_code", "no queue data: " + got.error().text()).value());
  }
  if (::access(file.c_str(), R_OK) != 0) return std::nullopt;
  const auto data = read_queue_data(content(file));
  if (!data) return Ending{kWmsFault, "the queue's data can't be used: " + data.error().text()};
  environment_ = data->environ;
  if (data->status == "test") test_ = true;
  log(Level::info, fmt::format("queue {} is {}", around_.options.wms_queue, data->status.empty() ? "?" : data->status));
  return std::nullopt;
}

std::optional<Ending> Panda::pilot_code() {
  Options options = around_.options;
  if (options.code.code.empty() && options.code.types.empty() && around_.kit.types.empty()) options.code.code = kUsual;
  const Surroundings around{.options = options,
                            .token = around_.token,
                            .node = around_.node,
                            .reporter = around_.reporter,
                            .scratch = around_.scratch,
                            .kit = around_.kit};
  const auto code = get_code(around, test_);
  if (!code) return code_ending(code.error());
  development_ = code->development;
  if (code->is_directory) pilot_ = find_pilot(code->path);
  if (pilot_.empty()) return Ending{kNodeFault, "there is no pilot.py in pilot code " + code->version};
  // As today's pilot-wrapper does, pilot3 runs where it was unpacked; what is not ours is no place to run in.
  directory_ = code->path;
  if (code->path.starts_with(around_.scratch.path() + "/")) return std::nullopt;
  const auto directory = around_.scratch.job_directory("work");
  if (!directory) return Ending{kNodeFault, directory.error().text()};
  directory_ = *directory;
  return std::nullopt;
}

// pilot3 reads its token from a file, and stumbles over a line break in it.
std::optional<Ending> Panda::token() {
  const std::string file = directory_ + "/panda.token";
  const std::string named = from_environment("PANDA_AUTH_TOKEN");
  std::string text = around_.token;
  if (text.empty() && !named.empty()) {
    text = content(named);
    text.erase(text.find_last_not_of(" \t\r\n") + 1);
  }
  if (text.empty()) return std::nullopt;
  const mode_t before = ::umask(077);
  std::ofstream out(file, std::ios::binary);
  out << text;
  out.close();
  ::umask(before);
  if (!out) return Ending{kNodeFault, "the token can't be written into " + directory_};
  environment_["PANDA_AUTH_TOKEN"] = file;
  return std::nullopt;
}

Summary Panda::run() {
  const Options& options = around_.options;
  CodeRun run{.title = "pilot", .argv = panda_arguments(options, development_), .directory = directory_};
  run.argv.insert(run.argv.begin(), {options.code.python, pilot_});
  run.environment = environment_;
  run.environment.emplace("TMPDIR", directory_);
  // pilot3 kills what it takes for orphans among all processes of its user; the guardian knows better what is its own.
  if (from_environment("PILOT_NOKILL").empty()) run.environment.emplace("PILOT_NOKILL", "1");
  run.grace = options.grace.value_or(kGrace);
  run.stuck = kStuck;
  run.heartbeat = directory_ + "/pilotlog.txt";
  run.every_second = [this] { tell_first_payload(); };
  const auto watched = run_code(around_, run);
  if (!watched) return {.rc = kNodeFault, .reason = watched.error().text()};
  const Outcome& o = watched->outcome;
  Summary s{
      .rc = panda_exit(o.exit_code, o.signal), .left_behind = o.left, .payload_wall = o.wall, .payload_cpu = o.cpu};
  s.reason = o.signal != 0 ? fmt::format("the pilot was ended by signal {}", o.signal)
                           : fmt::format("the pilot ended with exit code {}", o.exit_code);
  if (o.reason != Reason::exited) {
    s.reason += fmt::format(" ({})", name(o.reason));
    const bool limited = o.reason != Reason::told && o.reason != Reason::guardian && o.reason != Reason::orphaned;
    if (limited)
      s.rc = kPayloadFault;
    else if (s.rc == kDone)
      s.rc = kFault;
  }
  if (watched->told_by != 0) s.rc = kBySignal + watched->told_by;
  return s;
}

void Panda::finish(Summary& summary) {
  if (directory_.empty()) return;
  summary.ids = payload_ids();
  summary.payloads = static_cast<std::int64_t>(summary.ids.size());
  if (summary.payloads > 0) tell_first_payload();
  if (summary.payloads == 0 && summary.rc == kDone && !around_.options.dry) summary.reason = kReasonNoWork;
  log(Level::info,
      fmt::format("payloads: {}", summary.payloads == 0 ? "none" : fmt::format("{}", fmt::join(summary.ids, " "))));
  if (summary.ids.size() > kMostIds) summary.ids.resize(kMostIds);
}

void Panda::tell_first_payload() {
  if (told_payload_ || payload_ids().empty()) return;
  told_payload_ = true;
  protocol::apfmon::Report started;
  started.payloads = 1;
  started.payload_started = true;
  around_.reporter.report(started);
}

// pilot3 writes the jobs' numbers into a file, a line a job.
std::vector<std::int64_t> Panda::payload_ids() const {
  const std::string beside = fs::path(pilot_).parent_path().string();
  for (const std::string& directory : {directory_, beside}) {
    std::ifstream in(directory + "/pandaIDs.out");
    std::vector<std::int64_t> ids;
    for (std::int64_t id = 0; in >> id;) ids.push_back(id);
    if (!ids.empty()) return ids;
  }
  return {};
}

}  // namespace apf::wrapper
