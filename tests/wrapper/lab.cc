#include "wrapper/lab.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

#include "process/spawn.h"
#include "process/supervisor.h"

namespace apf::lab {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

std::string program(const std::string& name) { return std::string(APF_BIN_DIR) + "/" + name; }

}  // namespace

Directory::Directory() : path_(testing::TempDir() + "apf-lab-XXXXXX") {
  if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("no temporary directory");
}
Directory::~Directory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void write_file(const std::string& path, const std::string& text) { std::ofstream(path) << text; }
std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
bool exists(const std::string& path) { return fs::exists(path); }

bool alive(pid_t pid) {
  const std::string stat = read_file("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t name_end = stat.rfind(") ");
  return name_end != std::string::npos && stat.at(name_end + 2) != 'Z' && stat.at(name_end + 2) != 'X';
}

Process::Process(std::vector<std::string> argv, std::map<std::string, std::string> environment,
                 const std::string& directory, const std::string& output, bool with_input) {
  const process::Fd out(::open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
  process::Pipe in;
  if (with_input) in = std::move(*process::make_pipe());
  Command command{.argv = std::move(argv), .environment = std::move(environment), .directory = directory};
  const auto pid = process::spawn(command, {.in = in.read.get(), .out = out.get(), .err = out.get()});
  if (!pid) throw std::runtime_error(pid.error().text());
  pid_ = *pid;
  input_ = std::move(in.write);
}
Process::Process(Process&& other) noexcept
    : pid_(other.pid_), reaped_(std::exchange(other.reaped_, true)), input_(std::move(other.input_)) {}
Process::~Process() {
  if (reaped_ || pid_ < 0) return;
  ::kill(-pid_, SIGKILL);
  wait();
}
void Process::signal(int number) const { ::kill(pid_, number); }
int Process::wait() {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  reaped_ = true;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

JobQueue::JobQueue(const std::string& lease)
    : server_({program("apf-jobqueue"), "run", "--data", directory_ / "data", "--listen", "127.0.0.1:0", "--lease",
               lease, "--grace", "1s"},
              {}, directory_.path(), directory_ / "log") {
  const std::string log = directory_ / "log";
  const bool up = eventually([&] { return read_file(log).find("listening on ") != std::string::npos; });
  if (!up) throw std::runtime_error("apf-jobqueue does not start: " + read_file(log));
  const std::string text = read_file(log);
  const std::size_t start = text.find("http://");
  url_ = text.substr(start, text.find_first_of(", \n", start) - start);
}

std::string JobQueue::run(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), program("apf-jobqueue"));
  arguments.insert(arguments.begin() + 2, {"--data", directory_ / "data"});
  const auto done = process::run({.argv = arguments}, {.deadline = mono_now() + seconds{60}});
  if (!done || done->exit_code != 0)
    throw std::runtime_error("apf-jobqueue " + arguments[1] + ": " + (done ? done->err : ""));
  return done->out;
}

void JobQueue::submit(const std::string& script, const std::vector<std::string>& options) const {
  std::vector<std::string> arguments{"submit", "--queue", "Q"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  arguments.insert(arguments.end(), {"--", "/bin/sh", "-c", script});
  (void)run(arguments);
}
Json JobQueue::jobs() const { return Json::parse(run({"list", "--json", "--limit", "1000"})); }
Json JobQueue::job(int id) const { return Json::parse(run({"status", std::to_string(id), "--json"})).at(0); }
void JobQueue::cancel(int id) const { (void)run({"cancel", std::to_string(id)}); }

FaultyWms::FaultyWms(const Json& script)
    : server_((write_file(directory_ / "script.json", script.dump()),
               std::vector<std::string>{"python3", APF_SOURCE_DIR "/tests/wrapper/fake_wms.py",
                                        directory_ / "script.json", directory_ / "requests"}),
              {}, directory_.path(), directory_ / "port", true) {
  const std::string port = directory_ / "port";
  if (!eventually([&] { return read_file(port).find('\n') != std::string::npos; }))
    throw std::runtime_error("fake_wms.py does not start");
  url_ = "http://127.0.0.1:" + std::to_string(std::stoi(read_file(port)));
}

std::vector<Json> FaultyWms::requests(const std::string& kind) const {
  std::istringstream lines(read_file(directory_ / "requests"));
  std::vector<Json> result;
  for (std::string line; std::getline(lines, line);)
    if (auto j = Json::parse(line, nullptr, false); j.is_object() && j["kind"] == kind) result.push_back(std::move(j));
  return result;
}
std::vector<Json> FaultyWms::updates() const {
  std::vector<Json> result;
  for (const Json& request : requests("update"))
    result.push_back(Json::parse(request.at("body").get_ref<const std::string&>()));
  return result;
}

FileServer::FileServer()
    : server_({"python3", APF_SOURCE_DIR "/tests/wrapper/fake_files.py", directory_.path(), own_ / "requests"}, {},
              directory_.path(), own_ / "port", true) {
  const std::string port = own_ / "port";
  if (!eventually([&] { return read_file(port).find('\n') != std::string::npos; }))
    throw std::runtime_error("fake_files.py does not start");
  url_ = "http://127.0.0.1:" + std::to_string(std::stoi(read_file(port)));
}

std::vector<std::string> FileServer::requests() const {
  std::istringstream lines(read_file(own_ / "requests"));
  std::vector<std::string> result;
  for (std::string line; std::getline(lines, line);) result.push_back(line);
  return result;
}

std::string sha256(const std::string& file) {
  const auto done = process::run({.argv = {"sha256sum", file}}, {.deadline = mono_now() + seconds{60}});
  return done ? done->out.substr(0, 64) : "";
}

Json fake_job(int id, const std::string& script, int lease_s) {
  Json job = {{"PandaID", id},
              {"jobName", "job" + std::to_string(id)},
              {"transformation", "/bin/sh"},
              {"apf_argv", {"/bin/sh", "-c", script}},
              {"attemptNr", 1},
              {"apf_attempt_key", "key" + std::to_string(id)}};
  if (lease_s > 0) job["apf_lease_s"] = lease_s;
  return job;
}

Pilot& Pilot::option(const std::string& name, const std::string& value) {
  options_.insert(options_.end(), {"--wrapper" + name, value});
  return *this;
}
Pilot& Pilot::environment(const std::string& name, const std::string& value) {
  environment_[name] = value;
  return *this;
}
Pilot& Pilot::token(const std::string& file) {
  fs::copy_file(file, directory_ / "wms.token");
  return option("tokenfile", "wms.token");
}
Pilot& Pilot::report_to(const std::string& url) {
  write_file(directory_ / "apf-report.key", "report-secret\n");
  environment("APFMON", url + "/apfmon").environment("APFFID", "factory-1").environment("APFCID", "12.0");
  environment("APF_SUBMISSION", "s-1").environment("APF_INDEX", "0").environment("APF_PROTOCOL", "1");
  return environment("APF_REPORT_KEY_FILE", "apf-report.key");
}
Pilot& Pilot::below(const std::string& program) {
  below_ = program;
  return *this;
}
void Pilot::start() {
  std::vector<std::string> argv{program("apf-wrapper"), "--wrapperwmsurl", url_, "--wrapperwmsqueue", "Q"};
  argv.insert(argv.end(), options_.begin(), options_.end());
  if (!below_.empty()) argv.insert(argv.begin(), below_);
  environment("TMPDIR", directory_.path());
  process_ = std::make_unique<Process>(argv, environment_, directory_.path(), directory_ / "log");
}
int Pilot::run() {
  start();
  return wait();
}
Json Pilot::summary() const {
  std::string text = log();
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return Json::parse(text.substr(text.rfind('\n') + 1));
}
bool Pilot::clean() const {
  for (const auto& entry : fs::directory_iterator(directory_.path()))
    if (entry.is_directory()) return false;
  return true;
}

}  // namespace apf::lab
