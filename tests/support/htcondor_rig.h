// What the tests of the plug-in share: a Context on which outputs of the real tools are data in cases/.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "apf/registry.h"

namespace apf {
void register_batch_htcondor(Registry& registry);
}

namespace apf::batch_htcondor {

namespace fs = std::filesystem;

// Blocks of "## title" and their lines.
struct Case {
  std::string title;
  std::vector<std::string> lines;
};
inline std::vector<Case> cases(const std::string& file) {
  std::ifstream in(std::string(APF_SOURCE_DIR) + "/plugins/batch/htcondor/cases/" + file);
  std::vector<Case> out;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("## "))
      out.push_back({line.substr(3), {}});
    else if (!out.empty() && !line.empty())
      out.back().lines.push_back(line);
  }
  return out;
}
// The rest of the lines that begin with `word`.
inline std::string text_of(const Case& c, const std::string& word) {
  std::string out;
  for (const auto& line : c.lines)
    if (line.starts_with(word + " ")) out += line.substr(word.size() + 1) + "\n";
  return out;
}

inline Finished ended_with(int exit_code, std::string out, std::string err = "") {
  Finished f;
  f.exit_code = exit_code;
  f.out = std::move(out);
  f.err = std::move(err);
  return f;
}

// Answers commands by a function; keeps what was asked.
class ToolContext final : public Context {
 public:
  std::function<Finished(const Command&)> answer = [](const Command&) { return ended_with(0, ""); };
  std::vector<std::vector<std::string>> asked;
  std::vector<std::string> logged;

  [[nodiscard]] Mono deadline() const override { return mono_now() + seconds{10}; }
  [[nodiscard]] bool stopping() const override { return false; }
  void log(Level /*level*/, std::string_view message) override { logged.emplace_back(message); }
  Result<Finished> run(const Command& command) override {
    asked.push_back(command.argv);
    return answer(command);
  }
  Result<HttpReply> http(const HttpRequest& /*request*/) override { return fail(Kind::bug, "test", "no http"); }
  Result<std::string> credential(std::string_view /*file*/) override { return fail(Kind::bug, "test", "no secrets"); }
  void sleep(Duration /*d*/) override {}
};

inline std::string row(int cluster, int proc, int status) {
  std::ostringstream out;
  out << cluster << '\t' << proc << '\t' << status << "\t0\t1795306512\tundefined\t1795306512\t3\t" << proc
      << "\tfalse\t\"s-" << cluster << "\"\t\"i1\"\t\"Q\"\t" << (status == 4 ? "0" : "undefined")
      << "\tfalse\tundefined\tundefined\tundefined\tundefined";
  return out.str();
}

inline std::string live_row(int cluster, int proc, int status = 1) { return row(cluster, proc, status) + "\n"; }
inline std::string past_row(int cluster, int proc) { return row(cluster, proc, 4) + "\t1.0\t0.5\t0.5\n"; }

class HtcondorPlugin : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string directory = (fs::temp_directory_path() / "apf-htcondor-XXXXXX").string();
    ASSERT_NE(mkdtemp(directory.data()), nullptr);
    directory_ = directory;
    me_.factory_id = "factory-1";
    me_.instance = "i1";
    me_.run = 3;
    me_.log_dir = directory_ / "logs";
    me_.state_dir = directory_ / "state";
    me_.log_url = "http://h/logs";
    queue_.name = "Q";
    queue_.executable = "/bin/pilot";
    queue_.submit.set("rerun_evicted", false);
    queue_.submit.set("job_log", true);
    make();
  }
  void TearDown() override { fs::remove_all(directory_); }

  void make() {
    Registry registry;
    register_batch_htcondor(registry);
    options_.set("history_since", Duration(seconds{3600}));
    options_.set("history_scan", std::int64_t{5000});
    options_.set("event_log", std::string("none"));
    auto made = registry.batch.at(0).make(options_);
    ASSERT_TRUE(made) << made.error().text();
    batch_ = std::move(*made);
  }
  SubmitOrder order(int n = 3) {
    SubmitOrder o;
    o.queue = &queue_;
    o.me = &me_;
    o.submission = "s-1";
    o.n = n;
    o.report_key = "secret";
    o.when = Wall{1'795'300'000'000};
    return o;
  }
  // condor_q and condor_history answer with these texts; condor_q -totals with a number.
  void answers(const std::string& live, const std::string& past, int total = 0) {
    context_.answer = [=](const Command& c) {
      const bool totals = c.argv.back() == "-totals";
      const std::string count = "\nTotal for query: " + std::to_string(total) + " jobs; 0 completed\n";
      const std::string& out = totals ? count : c.argv[0].ends_with("condor_q") ? live : past;
      return ended_with(0, out);
    };
  }
  // How often the tools for views were asked.
  std::size_t looks() const {
    return static_cast<std::size_t>(std::count_if(context_.asked.begin(), context_.asked.end(), [](const auto& argv) {
      return argv[0].ends_with("condor_q") || argv[0].ends_with("condor_history");
    }));
  }
  fs::path spool() const { return fs::path(me_.state_dir) / "htcondor"; }

  fs::path directory_;
  Options options_;
  FactoryIdentity me_;
  QueueSpec queue_;
  ToolContext context_;
  std::unique_ptr<Batch> batch_;
};

}  // namespace apf::batch_htcondor
