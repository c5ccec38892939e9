// The plug-in batch/htcondor on a real pool, whose tools are on PATH ("pool exec", see the fixture in
// tests/stages.cmake). Run by root with the tools of "pool env" on PATH, it submits as the pool's account, as a factory
// of root does. Each test has a factory id of its own, so that tests don't see each other's pilots.
//
// Thread-safety: one thread.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <thread>

#include "apf/registry.h"
#include "engine/call_context.h"

namespace apf {
void register_batch_htcondor(Registry& registry);
}

namespace apf {

namespace fs = std::filesystem;

inline std::string slurp(const fs::path& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

class HtcondorPool : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(std::system("condor_q -totals >/dev/null 2>&1"), 0) << "run this with 'pool exec', and the pool up";
    register_batch_htcondor(registry_);
    options_.set("history_since", Duration(seconds{3600}));
    options_.set("history_scan", std::int64_t{200'000});
    std::string directory = (fs::temp_directory_path() / folder_).string();
    ASSERT_NE(mkdtemp(directory.data()), nullptr);
    directory_ = directory;
    fs::permissions(directory_, fs::perms::all);  // for pilots of another account
    if (const char* user = std::getenv("APF_POOL_USER"); geteuid() == 0) {
      ASSERT_NE(user, nullptr) << "root needs the environment of 'pool env'";
      options_.set("user", std::string(user));
    }
    const std::string test = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    me_.factory_id = test + "-" + std::to_string(getpid());
    me_.instance = "i1";
    me_.run = 3;
    me_.user = "tester";
    me_.report_url = "http://127.0.0.1:1/apfmon";
    me_.log_url = "http://127.0.0.1:1/logs";
    me_.log_dir = directory_ / "log tree";
    me_.state_dir = directory_ / "state";
    queue_.name = "Q/one two";
    queue_.executable = script("#!/bin/sh\nexit 0\n");
    queue_.submit.set("rerun_evicted", false);
    queue_.submit.set("job_log", true);
    restart();
  }

  void TearDown() override {
    const std::string all = "condor_rm -constraint 'APF_FACTORY_ID =?= \"" + me_.factory_id + "\"' >/dev/null 2>&1";
    if (std::system(all.c_str()) != 0) all_gone_ = true;
    // shadows may still write logs of what is being removed
    std::error_code still_used;
    for (int i = 0; i < 100 && (i == 0 || still_used); ++i) {
      if (i > 0) std::this_thread::sleep_for(milliseconds{100});
      fs::remove_all(directory_, still_used);
    }
    EXPECT_FALSE(still_used) << still_used.message();
  }

  // A factory that starts anew: nothing is remembered but the cursor.
  void restart() {
    auto made = find(registry_.batch, "htcondor")->make(options_);
    ASSERT_TRUE(made) << made.error().text();
    batch_ = std::move(*made);
  }

  std::string script(const std::string& text) {
    const fs::path path = directory_ / ("pilot" + std::to_string(++scripts_) + ".sh");
    std::ofstream(path) << text;
    fs::permissions(path, fs::perms::owner_all | fs::perms::others_read | fs::perms::others_exec);
    return path;
  }

  // Where submissions keep their keys: not in the state directory, when that is root's.
  fs::path spool() const { return geteuid() == 0 ? me_.log_dir + "-htcondor" : me_.state_dir + "/htcondor"; }
  // Names of the submissions' directories that are there.
  std::vector<std::string> spooled() const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(spool()))
      if (entry.path().filename() != "input") out.push_back(entry.path().filename());
    return out;
  }

  std::unique_ptr<Context> context(Duration d = seconds{30}) {
    return engine::make_context("batch.test", mono_now() + d, std::make_shared<engine::Stop>());
  }

  // `to`: another batch system than the fixture's own
  Result<std::vector<std::string>> submit(const std::string& id, int n, Duration within = seconds{30},
                                          Batch* to = nullptr) {
    SubmitOrder order;
    order.queue = &queue_;
    order.me = &me_;
    order.submission = id;
    order.n = n;
    order.report_key = "key-of-" + id;
    order.when = Wall{1'795'300'000'000};
    order.avoid_nodes = avoid_;
    return (to != nullptr ? *to : *batch_).submit(order, *context(within));
  }

  // Polls until `done` holds; what ended is gathered by batch id.
  void poll_until(const std::function<bool()>& done, seconds patience = seconds{60}) {
    const Mono end = mono_now() + patience;
    do {
      auto view = batch_->poll(me_, cursor_, *context());
      ASSERT_TRUE(view) << view.error().text();
      EXPECT_TRUE(view->complete);
      cursor_ = view->cursor;
      live_.clear();
      for (auto& p : view->data.live) live_[p.batch_id] = p;
      for (auto& p : view->data.ended) ended_[p.batch_id] = p;
      if (done()) return;
      std::this_thread::sleep_for(milliseconds{200});
    } while (mono_now() < end);
    FAIL() << "not within " << patience.count() << " s; " << live_.size() << " live, " << ended_.size() << " ended";
  }
  bool live_in(const std::string& id, PilotState state) { return live_.contains(id) && live_[id].state == state; }

  std::string folder_ = "apf pool test XXXXXX";
  Registry registry_;
  Options options_;
  fs::path directory_;
  FactoryIdentity me_;
  QueueSpec queue_;
  std::unique_ptr<Batch> batch_;
  std::string cursor_;
  std::map<std::string, PilotSeen> live_, ended_;
  std::vector<std::string> avoid_;  // nodes that the next submission avoids
  int scripts_ = 0;
  bool all_gone_ = false;
};

}  // namespace apf
