#include "engine/ledger_writer.h"

#include <utility>

#include "engine/condition.h"
#include "engine/log.h"

namespace apf::engine {
namespace {

// Decisions that wait while a disk hangs; more are dropped, so that memory stays bounded.
constexpr std::size_t kMostWaiting = 100'000;

}  // namespace

struct LedgerWriter::Shared {
  struct Task {
    PassRecord record;
    std::shared_ptr<const core::Config> config;
    std::function<void()> work;
    bool flush = false;
  };

  Shared(Ports p, std::unique_ptr<Journal> j) : ports(std::move(p)), journal(std::move(j)) {}

  Ports ports;
  std::unique_ptr<Journal> journal;  // the thread's own
  std::mutex mutex;
  Condition changed;
  std::deque<Task> tasks;
  std::size_t waiting = 0;  // decisions in tasks
  bool closing = false, ended = false;
  std::string failing;  // the thread's own: why the last commit failed

  void push(Task task);
  void loop();
  void perform(Task& task);
  void commit(PassRecord& record);
};

void LedgerWriter::Shared::push(Task task) {
  const std::scoped_lock lock(mutex);
  if (waiting + task.record.decisions.size() > kMostWaiting) task.record.decisions.clear();
  waiting += task.record.decisions.size();
  tasks.push_back(std::move(task));
  changed.notify_all();
}

void LedgerWriter::Shared::loop() {
  std::unique_lock lock(mutex);
  while (true) {
    changed.wait(lock, [&] { return !tasks.empty() || closing; });
    if (tasks.empty()) break;
    Task task = std::move(tasks.front());
    tasks.pop_front();
    waiting -= task.record.decisions.size();
    lock.unlock();
    perform(task);
    task = {};  // what it holds is let go outside the mutex
    lock.lock();
  }
  lock.unlock();
  journal.reset();
  lock.lock();
  ended = true;
  changed.notify_all();
}

void LedgerWriter::Shared::perform(Task& task) {
  if (task.work) task.work();
  if (task.config && journal) journal->config(task.config, ports.wall());
  if (task.flush && journal) journal->flush(ports.wall());
  commit(task.record);
  if (!journal || task.record.decisions.empty()) return;
  journal->append(task.record.decisions, ports.wall());
  if (ports.journalled) ports.journalled(*journal);
}

void LedgerWriter::Shared::commit(PassRecord& record) {
  if (!record.batch) {
    if (record.release) record.release();
    return;
  }
  const Status done = ports.commit(*record.batch, ports.wall());
  core::CommitDone report{.pass = record.batch->pass, .error = {}};
  if (done) {
    if (record.release) record.release();
  } else {
    report.error = done.error();
  }
  // A disk stays full for hours and is tried every few seconds: once is enough.
  const std::string now_failing = done ? std::string() : done.error().text();
  if (now_failing != failing && !done)
    log(Level::error, "ledger", "pass " + std::to_string(report.pass) + " was not committed: " + now_failing);
  if (now_failing != failing && done) log(Level::info, "ledger", "commits work again");
  failing = now_failing;
  ports.report(std::move(report));
}

LedgerWriter::LedgerWriter(Ports ports, std::unique_ptr<Journal> journal)
    : shared_(std::make_shared<Shared>(std::move(ports), std::move(journal))) {
  std::thread([shared = shared_] { shared->loop(); }).detach();  // finish() waits for it
}

LedgerWriter::~LedgerWriter() { finish(seconds{3600}); }

void LedgerWriter::write(PassRecord record) { shared_->push({.record = std::move(record), .config = {}, .work = {}}); }
void LedgerWriter::config(std::shared_ptr<const core::Config> config) {
  shared_->push({.record = {}, .config = std::move(config), .work = {}});
}
void LedgerWriter::flush_journal() { shared_->push({.record = {}, .config = {}, .work = {}, .flush = true}); }
void LedgerWriter::run(std::function<void()> work) {
  shared_->push({.record = {}, .config = {}, .work = std::move(work)});
}

bool LedgerWriter::finish(Duration patience) {
  std::unique_lock lock(shared_->mutex);
  shared_->closing = true;
  shared_->changed.notify_all();
  return shared_->changed.wait_for(lock, patience, [&] { return shared_->ended; });
}

}  // namespace apf::engine
