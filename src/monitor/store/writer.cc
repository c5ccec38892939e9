#include "monitor/store/writer.h"

#include <algorithm>
#include <utility>

namespace apf::monitor {
namespace {

constexpr Duration kAgeing = milliseconds{500};  // between looks at a part of the live pilots
constexpr std::size_t kAgedAtOnce = 500;
constexpr std::size_t kForgottenAtOnce = 2000;
constexpr Duration kForgetting = milliseconds{200};  // of a tick

std::size_t weight(const News& news) { return news.pilots.size() + news.labels.size() + news.submissions.size() + 1; }

}  // namespace

Writer::Writer(std::unique_ptr<Book> book, const WriterOptions& options, Board& board)
    : book_(std::move(book)), options_(options), board_(board) {}

Result<std::unique_ptr<Writer>> Writer::start(const db::Place& place, const WriterOptions& options, Board& board) {
  auto book = Book::open(place, options.book, wall_now());
  if (!book) return fail(std::move(book.error()));
  std::unique_ptr<Writer> writer(new Writer(std::move(*book), options, board));
  writer->show(wall_now(), mono_now());
  writer->housekeeping_at_ = mono_now() + options.housekeeping;
  writer->thread_ = std::thread([w = writer.get()] { w->work(); });
  return writer;
}

bool Writer::take(News news, Done done) {
  {
    const std::lock_guard guard(mutex_);
    if (stopping_ || waiting_pilots_ + weight(news) > options_.most_waiting) {
      dropped_ += news.pilots.size();
      return false;
    }
    waiting_pilots_ += weight(news);
    queue_.push_back({std::move(news), std::move(done)});
  }
  wake_.notify_one();
  return true;
}

bool Writer::run(Book::Job job, std::function<void(const Status&)> done) {
  {
    const std::lock_guard guard(mutex_);
    if (stopping_) return false;
    jobs_.push_back({std::move(job), std::move(done)});
  }
  wake_.notify_one();
  return true;
}

void Writer::watch(std::function<void(const Committed&)> watcher) {
  const std::lock_guard guard(mutex_);
  watchers_.push_back(std::move(watcher));
}

Status Writer::health() const {
  const std::lock_guard guard(mutex_);
  return health_;
}

bool Writer::next_group(std::vector<Waiting>& group, std::vector<WaitingJob>& jobs) {
  std::unique_lock lock(mutex_);
  if (queue_.empty() && jobs_.empty() && !stopping_)
    wake_.wait_for(lock, std::min<Duration>(options_.snapshot, kAgeing));
  jobs = std::exchange(jobs_, {});
  for (std::size_t pilots = 0; !queue_.empty() && (group.empty() || pilots < options_.group);) {
    pilots += weight(queue_.front().news);
    waiting_pilots_ -= weight(queue_.front().news);
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return !group.empty() || !jobs.empty();
}

void Writer::work() {
  for (;;) {
    std::vector<Waiting> group;
    std::vector<WaitingJob> jobs;
    if (next_group(group, jobs)) {
      commit(group, jobs);
    } else {
      const std::lock_guard guard(mutex_);
      if (stopping_) break;
    }
    tick();
  }
  note(book_->write_history(wall_now()));
  show(wall_now(), mono_now());
}

// One that the store refuses must not take the others of its group with it.
void Writer::commit(std::vector<Waiting>& group, std::vector<WaitingJob>& jobs) {
  const Status done = try_commit(group, jobs);
  note(done);
  if (done) return;
  if (done.error().kind == Kind::transient || group.size() + jobs.size() == 1) {
    for (Waiting& w : group) w.done(fail(done.error()));
    for (WaitingJob& j : jobs) j.done(done);
    return;
  }
  for (Waiting& w : group)
    if (auto ok = try_commit({&w, 1}, {}); !ok) w.done(fail(ok.error()));
  for (WaitingJob& j : jobs)
    if (auto ok = try_commit({}, {&j, 1}); !ok) j.done(ok);
}

Status Writer::try_commit(std::span<Waiting> group, std::span<WaitingJob> waiting_jobs) {
  const Wall now = wall_now();
  std::vector<const News*> news;
  for (const Waiting& w : group) news.push_back(&w.news);
  std::vector<Book::Job> jobs;
  for (const WaitingJob& j : waiting_jobs) jobs.push_back(j.job);
  std::vector<Taken> taken;
  std::vector<PilotChange> changes;
  if (auto ok = book_->take(news, jobs, now, taken, changes); !ok) return ok;
  for (const Waiting& w : group) taken_ += w.news.pilots.size();
  publish(std::move(changes), now);
  for (std::size_t i = 0; i < group.size(); ++i) group[i].done(taken[i]);
  for (WaitingJob& j : waiting_jobs) j.done({});
  return {};
}

void Writer::publish(std::vector<PilotChange> changes, Wall now) {
  changed_ = true;
  const Committed committed{++version_, now, std::move(changes)};
  for (const auto& watcher : watchers_) watcher(committed);
}

void Writer::tick() {
  const Mono t = mono_now();
  const Wall now = wall_now();
  if (t >= ageing_at_) {
    ageing_at_ = t + kAgeing;
    std::vector<PilotChange> changes;
    const Status done = book_->age(now, kAgedAtOnce, changes);
    if (!done) note(done);
    if (!changes.empty()) publish(std::move(changes), now);
  }
  if (t >= housekeeping_at_) {
    housekeeping_at_ = t + options_.housekeeping;
    housekeeping(now);
  }
  if (changed_ && t - shown_ >= options_.snapshot) show(now, t);
}

void Writer::housekeeping(Wall now) {
  note(book_->write_history(now));
  const Mono until = mono_now() + kForgetting;
  for (;;) {
    const auto gone = book_->forget(now, kForgottenAtOnce);
    if (!gone) return note(fail(gone.error()));
    if (*gone != 0) changed_ = true;
    if (*gone < kForgottenAtOnce) return;
    if (mono_now() >= until) {  // the rest soon: others wait
      housekeeping_at_ = mono_now() + seconds{1};
      return;
    }
  }
}

void Writer::show(Wall now, Mono t) {
  auto s = book_->tally().snapshot(now, version_);
  s->news = taken_;
  s->dropped = dropped_;
  board_.put(std::move(s));
  shown_ = t;
  changed_ = false;
}

void Writer::note(const Status& done) {
  bool news = false;
  {
    const std::lock_guard guard(mutex_);
    news = done.has_value() != health_.has_value();
    health_ = done;
  }
  if (news) options_.log(done ? "the store works again" : "the store takes nothing: " + done.error().text());
}

void Writer::stop() {
  {
    const std::lock_guard guard(mutex_);
    if (std::exchange(stopping_, true)) return;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

Writer::~Writer() { stop(); }

}  // namespace apf::monitor
