// The follower on a log that a test writes, rotates, cuts and deletes as a schedd and its operators do.
#include "htcondor/event_log.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>
#include <vector>

namespace apf::htcondor {
namespace {

namespace fs = std::filesystem;

class FollowedLog : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string directory = (fs::temp_directory_path() / "apf-log-XXXXXX").string();
    ASSERT_NE(mkdtemp(directory.data()), nullptr);
    directory_ = directory;
  }
  void TearDown() override { fs::remove_all(directory_); }

  std::string path(int rotation = 0) const {
    const std::string name = (directory_ / "EventLog").string();
    return rotation == 0 ? name : fmt::format("{}.{}", name, rotation);
  }
  void append(const std::string& text) const { std::ofstream(path(), std::ios::app | std::ios::binary) << text; }
  static std::string object(int n) { return fmt::format("{{\n  \"n\": {},\n  \"pad\": \"{:60}\"\n}}", n, n); }
  void write(int n) const { append(object(n) + "\n"); }
  // As HTCondor does: the header of the full file is written anew, the names shift, a new file begins with its header.
  void rotate(int most = 3) const {
    fs::remove(path(most));
    for (int i = most - 1; i >= 0; --i)
      if (fs::exists(path(i))) fs::rename(path(i), path(i + 1));
    append(header());
  }
  static std::string header() { return fmt::format("{{\n  \"Info\": \"{:250}\"\n}}\n", "Global JobLog:"); }

  // Numbers of the objects that are there, and whether something was lost (-1).
  static std::vector<int> drain(EventLog& log) {
    std::vector<int> out;
    // A rotated file is looked at for a while before it is left. Looks count too, since this process may be kept
    // waiting.
    Mono quiet = mono_now() + milliseconds{120};
    for (int looks = 0; looks < 10 || mono_now() < quiet; ++looks, log.wait(milliseconds{5})) {
      const auto object = log.next();
      if (!object) ADD_FAILURE() << object.error().text();
      if (!log.take_gap().empty()) out.push_back(-1);
      if (!object || !*object) continue;
      looks = 0;
      quiet = mono_now() + milliseconds{120};
      if (const std::size_t at = (*object)->find("\"n\": "); at != std::string_view::npos)
        out.push_back(std::stoi(std::string((*object)->substr(at + 5))));
    }
    return out;
  }
  using Numbers = std::vector<int>;

  fs::path directory_;
};

TEST_F(FollowedLog, BeginsWithWhatHappensFromNowOn) {
  write(1);
  EventLog log(path());
  ASSERT_TRUE(log.open(""));
  write(2);
  EXPECT_EQ(drain(log), (Numbers{2}));
}

TEST_F(FollowedLog, BeginsInTheMiddleOfAnObjectWithoutALoss) {
  append(object(1).substr(0, 10));
  EventLog log(path());
  ASSERT_TRUE(log.open(""));
  append(object(1).substr(10) + "\n");
  write(2);
  EXPECT_EQ(drain(log), (Numbers{2}));
}

TEST_F(FollowedLog, WaitsForTheRestOfAnObject) {
  write(1);
  EventLog log(path());
  ASSERT_TRUE(log.open(""));
  append(object(2).substr(0, 10));
  EXPECT_EQ(drain(log), Numbers{});
  append(object(2).substr(10) + "\n");
  EXPECT_EQ(drain(log), (Numbers{2}));
}

TEST_F(FollowedLog, WaitsForALogThatIsNotThereYet) {
  EventLog log(path());
  ASSERT_TRUE(log.open(""));
  const std::string before = log.bookmark();
  EXPECT_EQ(drain(log), Numbers{});
  append(header());
  write(1);
  EXPECT_EQ(drain(log), (Numbers{1}));
  EventLog again(path());
  ASSERT_TRUE(again.open(before));
  EXPECT_EQ(drain(again), (Numbers{1}));
}

TEST_F(FollowedLog, WaitsForALogThatIsRotatedAsSoonAsItIsThere) {
  EventLog log(path());
  ASSERT_TRUE(log.open(""));
  write(1);
  rotate();
  write(2);
  EXPECT_EQ(drain(log), (Numbers{1, 2}));
  fs::rename(path(), path(1));
  EventLog other(path());
  ASSERT_TRUE(other.open(""));
  write(3);
  EXPECT_EQ(drain(other), (Numbers{3})) << "what was rotated before is not told again";
}

TEST_F(FollowedLog, SaysWhyALogCannotBeRead) {
  EventLog nowhere((directory_ / "no such place/EventLog").string());
  auto ok = nowhere.open("");
  ASSERT_FALSE(ok);
  EXPECT_EQ(ok.error().code, "htcondor.event_log_missing");
  EventLog directory(directory_.string());
  ok = directory.open("");
  ASSERT_FALSE(ok);
  EXPECT_EQ(ok.error().code, "htcondor.event_log_unreadable");
  append("000 (001.000.000) 2026-11-22 03:11:30 Job submitted from host: <127.0.0.1:1>\n...\n");
  EventLog text(path());
  ok = text.open("");
  ASSERT_FALSE(ok);
  EXPECT_EQ(ok.error().code, "htcondor.event_log_format");
}

TEST_F(FollowedLog, ReadsARotatedFileToItsEnd) {
  append(header());
  EventLog log(path());
  ASSERT_TRUE(log.open(""));
  write(1);
  write(2);
  rotate();
  write(3);
  rotate();
  write(4);
  EXPECT_EQ(drain(log), (Numbers{1, 2, 3, 4}));
}

TEST_F(FollowedLog, FollowsALogOfOneRotationThatIsCalledOld) {
  write(1);
  EventLog log(path());
  ASSERT_TRUE(log.open(""));
  write(2);
  fs::rename(path(), path() + ".old");
  write(3);
  EXPECT_EQ(drain(log), (Numbers{2, 3}));
}

TEST_F(FollowedLog, ReadsWhatALateWriterPutsIntoTheRotatedFile) {
  append(header());
  EventLog log(path());
  ASSERT_TRUE(log.open(""));
  std::ofstream late(path(), std::ios::app | std::ios::binary);
  rotate();
  const auto nothing = log.next();  // the rotation is noticed
  ASSERT_TRUE(nothing);
  EXPECT_FALSE(*nothing);
  write(2);
  late << object(1) << "\n" << std::flush;
  EXPECT_EQ(drain(log), (Numbers{1, 2}));
}

TEST_F(FollowedLog, ReadsWhatAWriterAddsLongAfterTheRotationWasFollowed) {
  append(header());
  auto log = std::make_unique<EventLog>(path());
  ASSERT_TRUE(log->open(""));
  std::ofstream late(path(), std::ios::app | std::ios::binary);
  late << object(1).substr(0, 30) << std::flush;
  rotate();
  write(2);
  EXPECT_EQ(drain(*log), (Numbers{2}));
  late << object(1).substr(30) << "\n" << std::flush;
  const auto object_1 = log->next();
  ASSERT_TRUE(object_1 && *object_1);
  const std::string before = log->bookmark_before(), after = log->bookmark();
  late << object(3) << "\n" << std::flush;
  log = std::make_unique<EventLog>(path());
  ASSERT_TRUE(log->open(after));
  EXPECT_EQ(drain(*log), (Numbers{3}));
  log = std::make_unique<EventLog>(path());
  ASSERT_TRUE(log->open(before));
  EXPECT_EQ(drain(*log), (Numbers{1, 3}));
}

TEST_F(FollowedLog, TellsAnObjectThatWasNeverEndedInARotatedFile) {
  append(header());
  EventLog log(path(), milliseconds{1});
  ASSERT_TRUE(log.open(""));
  append(object(1).substr(0, 30));
  rotate();
  write(2);
  EXPECT_EQ(drain(log), (Numbers{2, -1}));
}

TEST_F(FollowedLog, TellsThatFilesWereRotatedAwayUnread) {
  append(header());
  EventLog log(path());
  ASSERT_TRUE(log.open(""));
  write(1);
  for (int i = 2; i < 9; ++i) {
    rotate(2);
    write(i);
  }
  const Numbers got = drain(log);
  ASSERT_GE(got.size(), 3U);
  EXPECT_EQ((Numbers{got[0], got[1]}), (Numbers{1, -1})) << "the file it has open is still read to its end";
  EXPECT_EQ(got.back(), 8);
}

TEST_F(FollowedLog, TellsThatTheLogWasCutOrReplacedOrDeleted) {
  for (int i = 0; i < 40; ++i) write(i);
  EventLog log(path());
  ASSERT_TRUE(log.open(""));
  fs::resize_file(path(), 0);
  write(1);
  EXPECT_EQ(drain(log), (Numbers{-1, 1}));
  fs::resize_file(path(), 0);
  for (int i = 100; i < 150; ++i) write(i);  // longer than it was
  EXPECT_EQ(drain(log).front(), -1);
  std::ofstream(directory_ / "new") << object(7) << "\n";
  fs::rename(directory_ / "new", path());
  EXPECT_EQ(drain(log), (Numbers{-1, 7}));
  fs::remove(path());
  EXPECT_EQ(drain(log), Numbers{}) << "nothing happens until the schedd makes a new one";
  write(8);
  EXPECT_EQ(drain(log), (Numbers{-1, 8}));
}

TEST_F(FollowedLog, GoesOnBehindADeletedFileWithAllThatIsNewer) {
  append(header());
  rotate();
  write(1);
  EventLog log(path());
  ASSERT_TRUE(log.open(""));
  fs::remove(path());
  std::this_thread::sleep_for(milliseconds{20});  // files are told apart by the time of their birth
  write(2);
  rotate();
  write(3);
  EXPECT_EQ(drain(log), (Numbers{-1, 2, 3})) << "older files are not told again";
}

TEST_F(FollowedLog, TellsDamageAndGoesOnBehindIt) {
  append(header());
  EventLog log(path());
  ASSERT_TRUE(log.open(""));
  write(1);
  append("{\n  \"half\": \"of an obj");
  append("\n");
  write(2);
  EXPECT_EQ(drain(log), (Numbers{1, -1, 2}));
}

TEST_F(FollowedLog, GoesOnFromABookmarkThroughRotations) {
  append(header());
  for (int i = 0; i < 20; ++i) write(i);
  std::string bookmark;
  {
    EventLog log(path());
    ASSERT_TRUE(log.open(""));
    write(20);
    write(21);
    EXPECT_EQ(drain(log), (Numbers{20, 21}));
    bookmark = log.bookmark();
  }
  write(22);
  rotate();
  write(23);
  rotate();
  {
    EventLog log(path());
    ASSERT_TRUE(log.open(bookmark));
    EXPECT_EQ(drain(log), (Numbers{22, 23}));
    const auto more = log.next();
    ASSERT_TRUE(more);
  }
  for (int i = 0; i < 3; ++i) rotate();
  EventLog log(path());
  ASSERT_TRUE(log.open(bookmark));
  write(30);
  EXPECT_EQ(drain(log), (Numbers{-1, 30})) << "the bookmark's file is gone";
}

TEST_F(FollowedLog, ABookmarkOfAnotherTextIsALoss) {
  append(header());
  for (int i = 0; i < 20; ++i) write(i);
  EventLog log(path());
  ASSERT_TRUE(log.open(""));
  const std::string bookmark = log.bookmark();
  fs::resize_file(path(), 0);
  append(header());
  for (int i = 100; i < 150; ++i) write(i);
  for (const std::string& mark : {bookmark, std::string("nonsense"), std::string("1 2 3")}) {
    EventLog again(path());
    ASSERT_TRUE(again.open(mark));
    EXPECT_EQ(drain(again), (Numbers{-1})) << mark;
  }
}

// Whatever the moments of writing, rotating, looking and starting anew: each object once, nothing lost, in order but
// for writers that missed a rotation.
TEST_F(FollowedLog, GivesTheSameWheneverItLooks) {
  constexpr int kLate = 1'000'000;
  for (unsigned seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);  // NOLINT(*-msc51-cpp,cert-msc32-c): the same in each run
    for (const auto& entry : fs::directory_iterator(directory_)) fs::remove(entry.path());
    append(header());
    auto log = std::make_unique<EventLog>(path());
    ASSERT_TRUE(log->open(""));
    int written = 0;
    std::string open_object;
    Numbers got, wanted, late_wanted;
    std::ofstream late;
    for (int step = 0; step < 150; ++step) {
      switch (random() % 9) {
        case 0:
          if (!open_object.empty()) break;
          late = std::ofstream(path(), std::ios::app | std::ios::binary);
          rotate(500);
          break;
        case 8:
          if (!late.is_open()) break;
          late_wanted.push_back(kLate + step);
          late << object(late_wanted.back()) << "\n" << std::flush;
          break;
        case 1: {  // starts anew where it was
          const std::string bookmark = log->bookmark();
          log = std::make_unique<EventLog>(path());
          ASSERT_TRUE(log->open(bookmark));
          break;
        }
        case 2:
        case 3: {
          const auto found = log->next();
          ASSERT_TRUE(found);
          EXPECT_EQ(log->take_gap(), "");
          if (!*found) break;
          if (const std::size_t at = (*found)->find("\"n\": "); at != std::string_view::npos)
            got.push_back(std::stoi(std::string((*found)->substr(at + 5))));
          break;
        }
        default: {  // writes a piece of an object
          if (open_object.empty()) {
            wanted.push_back(written);
            open_object = object(written++) + "\n";
          }
          const std::size_t n = std::min<std::size_t>(open_object.size(), 1 + random() % 120);
          append(open_object.substr(0, n));
          open_object.erase(0, n);
        }
      }
    }
    append(open_object);
    for (const int n : drain(*log)) got.push_back(n);
    const auto first_late = std::stable_partition(got.begin(), got.end(), [](int n) { return n < kLate; });
    EXPECT_EQ(Numbers(got.begin(), first_late), wanted);
    EXPECT_EQ(Numbers(first_late, got.end()), late_wanted);
  }
}

TEST_F(FollowedLog, WaitingEndsWhenSomethingIsWritten) {
  write(1);
  LogFile log(path());
  ASSERT_TRUE(log.open(""));
  ASSERT_TRUE(log.skip());
  log.wait(milliseconds{250});  // the first only sets the watch
  std::thread writer([&] { write(2); });
  bool any = false;
  for (const Mono end = mono_now() + seconds{20}; !any && mono_now() < end; log.wait(milliseconds{250})) {
    const auto more = log.skip();
    ASSERT_TRUE(more);
    any = *more;
  }
  writer.join();
  EXPECT_TRUE(any);
}

}  // namespace
}  // namespace apf::htcondor
