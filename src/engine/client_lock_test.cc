#include "engine/client_lock.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "engine/call_context.h"

namespace apf::engine {
namespace {

namespace fs = std::filesystem;

struct Folder {
  Folder() {
    std::string name = (fs::temp_directory_path() / "apf-clients-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string path;
};

TEST(ClientLock, AClientThatRunsIsSeen) {
  const Folder dir;
  {
    const ClientLock lock(dir.path, "n-1");
    EXPECT_TRUE(ClientLock::running(dir.path, "n-1"));
    EXPECT_FALSE(ClientLock::running(dir.path, "n-2"));
  }
  EXPECT_FALSE(ClientLock::running(dir.path, "n-1"));
  EXPECT_EQ(fs::file_size(dir.path + "/clients.lock"), 0U);
}

// The factory is gone, its client is not: what it holds is the descriptor that it inherited.
TEST(ClientLock, AnOrphanKeepsItUntilItEnds) {
  const Folder dir;
  const std::string hold = dir.path + "/hold";
  const std::string begun = dir.path + "/begun";
  ASSERT_EQ(mkfifo(hold.c_str(), 0600), 0);
  {
    const ClientLock lock(dir.path, "n-1");
    const auto context = make_context("test", mono_now() + seconds{20}, std::make_shared<Stop>(), lock.fd());
    // the client ends at once and leaves an orphan with everything that it inherited, which waits at a pipe
    const std::string script = R"((: >"$2"; read line <"$1") >/dev/null 2>&1 </dev/null &
      while [ ! -e "$2" ]; do sleep 0.01; done)";
    const auto done = context->run({.argv = {"/bin/sh", "-c", script, "sh", hold, begun}});
    ASSERT_TRUE(done.has_value());
    ASSERT_EQ(done->exit_code, 0);
  }
  EXPECT_TRUE(ClientLock::running(dir.path, "n-1"));
  const int pipe = open(hold.c_str(), O_WRONLY);
  ASSERT_GE(pipe, 0);
  ASSERT_EQ(write(pipe, "\n", 1), 1);
  close(pipe);
  const Mono end = mono_now() + seconds{10};
  while (ClientLock::running(dir.path, "n-1") && mono_now() < end) std::this_thread::sleep_for(milliseconds{5});
  EXPECT_FALSE(ClientLock::running(dir.path, "n-1"));
}

TEST(ClientLock, OrphansThatHangCanBeKilled) {
  const Folder dir;
  const ClientLock other(dir.path, "n-2");
  {
    const ClientLock lock(dir.path, "n-1");
    const auto context = make_context("test", mono_now() + seconds{20}, std::make_shared<Stop>(), lock.fd());
    const auto done = context->run({.argv = {"/bin/sh", "-c", "setsid sleep 3600 >/dev/null 2>&1 </dev/null &"}});
    ASSERT_TRUE(done.has_value());
    EXPECT_TRUE(ClientLock::running(dir.path, "n-1"));
    EXPECT_EQ(ClientLock::kill_orphans(dir.path, "n-2"), 0);
  }
  EXPECT_GE(ClientLock::kill_orphans(dir.path, "n-1"), 1) << "and this process is left alone";
  const Mono end = mono_now() + seconds{60};
  while (ClientLock::running(dir.path, "n-1") && mono_now() < end) std::this_thread::sleep_for(milliseconds{5});
  EXPECT_FALSE(ClientLock::running(dir.path, "n-1"));
}

TEST(ClientLock, WithoutAPlaceForItThereIsNone) {
  const ClientLock lock("/nonexistent", "n-1");
  EXPECT_EQ(lock.fd(), -1);
  EXPECT_FALSE(ClientLock::running("/nonexistent", "n-1"));
}

}  // namespace
}  // namespace apf::engine
