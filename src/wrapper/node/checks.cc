#include "wrapper/node/checks.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

namespace apf::wrapper::node {
namespace {

constexpr std::size_t kLongestWord = 64;

// Results by place, and how threads wait for each other.
class Board {
 public:
  explicit Board(const std::vector<Check>& checks) : checks_(checks), results_(checks.size()) {}

  // False: a check that this one comes after has failed.
  bool wait_for(const std::vector<std::size_t>& places) {
    std::unique_lock lock(mutex_);
    return std::all_of(places.begin(), places.end(), [&](std::size_t place) {
      changed_.wait(lock, [&] { return results_[place].has_value(); });
      return results_[place]->finding.state != State::failed;
    });
  }

  void put(std::size_t place, Finding finding, Duration took) {
    const std::scoped_lock lock(mutex_);
    if (finding.failure.empty()) finding.failure = checks_[place].name.substr(0, checks_[place].name.find(':'));
    if (finding.state == State::failed && checks_[place].lax) finding.state = State::warning;
    results_[place] = Checked{checks_[place].name, std::move(finding), took};
    changed_.notify_all();
  }

  std::vector<Checked> take() {
    std::vector<Checked> all;
    for (auto& result : results_) all.push_back(std::move(*result));
    return all;
  }

 private:
  const std::vector<Check>& checks_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::optional<Checked>> results_;  // guarded by mutex_
};

// Only those that stand before it in the list: so no circle can come about.
std::vector<std::size_t> places_of(const std::vector<Check>& checks, std::size_t of) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < of; ++i)
    if (std::find(checks[of].after.begin(), checks[of].after.end(), checks[i].name) != checks[of].after.end())
      places.push_back(i);
  return places;
}

void run_one(const Check& check, std::size_t place, const std::vector<std::size_t>& after, Board& board,
             const std::atomic<bool>& stop) {
  const bool may = board.wait_for(after);
  const Mono began = mono_now();
  Finding finding;
  if (stop)
    finding = skipped("the pilot was told to end");
  else
    finding = may ? check.look(began + check.deadline) : skipped("a check before it failed");
  board.put(place, std::move(finding), mono_now() - began);
}

}  // namespace

const char* name(State state) {
  constexpr std::array<const char*, 4> names{"ok", "warning", "failed", "skipped"};
  return names.at(static_cast<std::size_t>(state));
}

Finding passed(std::string text) { return {.state = State::ok, .text = std::move(text)}; }
Finding warned(std::string text) { return {.state = State::warning, .text = std::move(text)}; }
Finding failed(std::string text, int rc) { return {.state = State::failed, .text = std::move(text), .rc = rc}; }
Finding skipped(std::string text) { return {.state = State::skipped, .text = std::move(text)}; }

std::vector<Checked> run_checks(const std::vector<Check>& checks, const std::atomic<bool>& stop) {
  Board board(checks);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < checks.size(); ++i) {
    const auto run = [&, i] { run_one(checks[i], i, places_of(checks, i), board, stop); };
    try {
      threads.emplace_back(run);
    } catch (const std::system_error&) {  // no more threads on this node: those before it in the list do not need it
      run();
    }
  }
  for (std::thread& thread : threads) thread.join();
  return board.take();
}

std::string word(std::string_view text) {
  std::string result(text.substr(0, kLongestWord));
  for (char& c : result) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                       c == '_' || c == '-' || c == ':';
    if (!plain) c = '_';
  }
  return result.empty() ? "unknown" : result;
}

}  // namespace apf::wrapper::node
