// A laboratory for apf-wrapper: the real apf-jobqueue, a WMS with faults on order (fake_wms.py, only for what the
// real one can't be made to show), and pilots as child processes.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "process/fd.h"

namespace apf::lab {

// A fresh directory below the test's temporary one; removed at the end.
class Directory {
 public:
  Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory();
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

void write_file(const std::string& path, const std::string& text);
std::string read_file(const std::string& path);  // "" when there is none
bool exists(const std::string& path);
bool alive(pid_t pid);  // neither gone nor a zombie

// Polls a condition that other processes bring about; false after 30 s.
template <class F>
bool eventually(F condition) {
  for (int i = 0; i < 3000; ++i) {
    if (condition()) return true;
    ::usleep(10'000);
  }
  return condition();
}

// A child process in a group of its own; killed with its group at the end.
class Process {
 public:
  Process() = default;
  Process(std::vector<std::string> argv, std::map<std::string, std::string> environment, const std::string& directory,
          const std::string& output, bool with_input = false);
  Process(Process&& other) noexcept;
  Process& operator=(Process&&) = delete;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number) const;
  int wait();  // exit code, or 128 + signal

 private:
  pid_t pid_ = -1;
  bool reaped_ = false;
  process::Fd input_;
};

// apf-jobqueue on a free port.
class JobQueue {
 public:
  explicit JobQueue(const std::string& lease = "2h");
  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] std::string pilot_token() const { return directory_ / "data/tokens/pilot.token"; }
  // Submits `script` for /bin/sh to queue Q; `options` go to apf-jobqueue submit.
  void submit(const std::string& script, const std::vector<std::string>& options = {}) const;
  [[nodiscard]] nlohmann::json jobs() const;
  [[nodiscard]] nlohmann::json job(int id) const;
  void cancel(int id) const;
  void signal(int number) const { server_.signal(number); }

 private:
  [[nodiscard]] std::string run(std::vector<std::string> arguments) const;
  Directory directory_;
  Process server_;
  std::string url_;
};

// fake_wms.py with a script (see there).
class FaultyWms {
 public:
  explicit FaultyWms(const nlohmann::json& script);
  [[nodiscard]] const std::string& url() const { return url_; }
  // Requests so far: kind ("acquire", "update", "report"), path, body, authorization.
  [[nodiscard]] std::vector<nlohmann::json> requests(const std::string& kind) const;
  [[nodiscard]] std::vector<nlohmann::json> updates() const;  // bodies of update_job

 private:
  Directory directory_;
  Process server_;
  std::string url_;
};

// fake_files.py: files of directory() with faults in front of them (see there).
class FileServer {
 public:
  FileServer();
  [[nodiscard]] const Directory& directory() const { return directory_; }
  [[nodiscard]] std::string url(const std::string& path) const { return url_ + "/" + path; }  // "ok/NAME"
  [[nodiscard]] std::vector<std::string> requests() const;

 private:
  Directory directory_, own_;
  Process server_;
  std::string url_;
};

std::string sha256(const std::string& file);  // in hex

nlohmann::json fake_job(int id, const std::string& script, int lease_s = 60);

// A pilot in a directory of its own, as a batch system starts it.
class Pilot {
 public:
  explicit Pilot(const std::string& wms_url) : url_(wms_url) {}
  Pilot& option(const std::string& name, const std::string& value);
  Pilot& environment(const std::string& name, const std::string& value);
  Pilot& token(const std::string& file);  // copies it into the working directory as wms.token
  Pilot& report_to(const std::string& url);
  Pilot& below(const std::string& program);  // that program starts the wrapper
  void start();
  int wait() { return process_->wait(); }
  int run();
  [[nodiscard]] Process& process() { return *process_; }
  [[nodiscard]] std::string log() const { return read_file(directory_ / "log"); }
  [[nodiscard]] nlohmann::json summary() const;  // the log's last line
  [[nodiscard]] const Directory& directory() const { return directory_; }
  // The work of the pilot is swept: no apf-* scratch directory is left.
  [[nodiscard]] bool clean() const;

 private:
  std::string url_;
  Directory directory_;
  std::string below_;
  std::vector<std::string> options_;
  std::map<std::string, std::string> environment_;
  std::unique_ptr<Process> process_;
};

}  // namespace apf::lab
