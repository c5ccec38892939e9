// The one thread that writes: news from all sources wait in a queue, go into the store a group a transaction, and are
// answered after the commit. Between groups pilots age, old ones go and snapshots are made for the Board.
//
// Thread-safety: take(), run(), drop() from any thread; watch() before any news comes; the rest by one thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "monitor/figures.h"
#include "monitor/store/book.h"

namespace apf::monitor {

struct WriterOptions {
  BookOptions book;
  std::size_t most_waiting = 100'000;     // news of pilots in the queue; more are refused
  std::size_t group = 4'000;              // news of pilots in a transaction
  Duration snapshot = milliseconds{300};  // at least between two
  Duration housekeeping = seconds{60};    // histories, what is past its time
  std::function<void(const std::string&)> log = [](const std::string&) {};
};

// What a commit changed. Factories, labels and nodes: see Snapshot; the next one has them.
struct Committed {
  std::uint64_t version = 0;
  Wall at;
  std::vector<PilotChange> pilots;
};

class Writer {
 public:
  static Result<std::unique_ptr<Writer>> start(const db::Place& place, const WriterOptions& options, Board& board);
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer();

  // Called on the writer's thread, after the commit: must not block.
  using Done = std::function<void(const Result<Taken>&)>;
  // False: too much waits already, or the monitor stops; `done` is not called.
  [[nodiscard]] bool take(News news, Done done);
  // A piece of work for the next transaction, of a part that keeps something of its own in the store (table note).
  [[nodiscard]] bool run(Book::Job job, std::function<void(const Status&)> done);
  // Told of each commit, on the writer's thread: must not block.
  void watch(std::function<void(const Committed&)> watcher);
  [[nodiscard]] const ReportKeys& report_keys() const { return book_->report_keys(); }
  // News that were dropped before they came here (a full queue of datagrams): counted and shown.
  void drop(std::uint64_t count) { dropped_ += count; }
  // What the store says when it takes nothing: shown by /healthz; good: it works.
  [[nodiscard]] Status health() const;
  void stop();  // takes what waits, then ends; harmless twice

 private:
  struct Waiting {
    News news;
    Done done;
  };
  struct WaitingJob {
    Book::Job job;
    std::function<void(const Status&)> done;
  };
  Writer(std::unique_ptr<Book> book, const WriterOptions& options, Board& board);
  void work();
  bool next_group(std::vector<Waiting>& group, std::vector<WaitingJob>& jobs);  // false: nothing came
  void commit(std::vector<Waiting>& group, std::vector<WaitingJob>& jobs);
  Status try_commit(std::span<Waiting> group, std::span<WaitingJob> jobs);
  void tick();
  void housekeeping(Wall now);
  void publish(std::vector<PilotChange> changes, Wall now);
  void show(Wall now, Mono t);
  void note(const Status& done);

  std::unique_ptr<Book> book_;
  WriterOptions options_;
  Board& board_;
  std::vector<std::function<void(const Committed&)>> watchers_;
  std::atomic<std::uint64_t> dropped_{0};
  std::uint64_t version_ = 0, taken_ = 0;
  bool changed_ = true;  // since the last snapshot
  Mono shown_, housekeeping_at_, ageing_at_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Waiting> queue_;       // guarded by mutex_
  std::vector<WaitingJob> jobs_;    // guarded by mutex_
  std::size_t waiting_pilots_ = 0;  // guarded by mutex_
  Status health_;                   // guarded by mutex_
  bool stopping_ = false;           // guarded by mutex_
  std::thread thread_;
};

}  // namespace apf::monitor
