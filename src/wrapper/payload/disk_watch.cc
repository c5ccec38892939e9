#include "wrapper/payload/disk_watch.h"

#include <fcntl.h>
#include <fts.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "process/fd.h"

namespace apf::wrapper {
namespace {

constexpr Duration kLook = seconds{1};
constexpr Duration kQuickLook = milliseconds{10};
constexpr Duration kWalk = seconds{5};  // between two walks through the directory, and 100 times as long as one takes
constexpr std::int64_t kPage = 4096;

std::int64_t on_disk(const struct stat& s) { return static_cast<std::int64_t>(s.st_blocks) * 512; }

// What changes when a payload shows life.
struct Life {
  std::int64_t out = 0, err = 0, beat_size = 0;
  timespec beat{};
  bool operator==(const Life& o) const {
    return out == o.out && err == o.err && beat_size == o.beat_size && beat.tv_sec == o.beat.tv_sec &&
           beat.tv_nsec == o.beat.tv_nsec;
  }
};

}  // namespace

bool keep_ends(int fd, std::int64_t most) {
  struct stat s{};
  if (::fstat(fd, &s) != 0 || on_disk(s) <= most) return true;
  const std::int64_t from = most / 4 / kPage * kPage;
  const std::int64_t to = (s.st_size - most / 2) / kPage * kPage;
  if (to <= from) return true;
  if (::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, to - from) == 0) return true;
  return errno == EINTR;
}

std::int64_t disk_use(const std::string& directory) {
  std::string path = directory;
  std::array<char*, 2> roots{path.data(), nullptr};
  FTS* tree = ::fts_open(roots.data(), FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, nullptr);
  if (tree == nullptr) return 0;
  std::int64_t bytes = 0;
  while (const FTSENT* entry = ::fts_read(tree)) {
    const bool counts = entry->fts_info == FTS_F || entry->fts_info == FTS_D || entry->fts_info == FTS_DEFAULT;
    if (!counts) continue;
    // A file of several names counts at each of them by its share.
    const auto names = static_cast<std::int64_t>(entry->fts_info == FTS_D ? 1 : entry->fts_statp->st_nlink);
    bytes += on_disk(*entry->fts_statp) / std::max<std::int64_t>(names, 1);
  }
  ::fts_close(tree);
  return bytes;
}

struct DiskWatch::Shared {
  DiskLimits limits;
  std::string directory;
  process::Fd out, err;
  std::atomic<Reason> verdict{Reason::exited};
  std::mutex mutex;
  std::condition_variable changed;
  bool stopping = false, done = false;  // guarded by mutex

  // Only of the thread:
  Life life;
  Mono walked, looked;
  Duration still{};  // since it last showed life
  Duration between_walks = kWalk;
  std::int64_t written = 0;

  void run() {
    looked = mono_now();
    for (Duration wait = kLook;;) {
      {
        std::unique_lock lock(mutex);
        if (changed.wait_for(lock, wait, [this] { return stopping; })) break;
      }
      wait = look();
    }
    const std::scoped_lock lock(mutex);
    done = true;
    changed.notify_all();
  }

  // Time until the next look.
  Duration look() {
    const Mono now = mono_now();
    const Life seen = see();
    // While the host was suspended, or all of us stopped, the payload could not show life, either.
    still = seen == life ? still + std::min<Duration>(now - looked, 2 * kLook) : Duration::zero();
    life = seen;
    if (limits.stuck > Duration::zero() && still >= limits.stuck) say(Reason::stuck);
    if (limits.most_output > 0 &&
        !(keep_ends(out.get(), limits.most_output) && keep_ends(err.get(), limits.most_output)))
      say(Reason::output);
    look_at_disk(now);
    const Duration next = pace(now);
    looked = now;
    return next;
  }

  Life see() const {
    Life seen;
    struct stat s{};
    if (::fstat(out.get(), &s) == 0) seen.out = s.st_size;
    if (::fstat(err.get(), &s) == 0) seen.err = s.st_size;
    if (!limits.heartbeat.empty() && ::stat(limits.heartbeat.c_str(), &s) == 0) {
      seen.beat_size = s.st_size;
      seen.beat = s.st_mtim;
    }
    return seen;
  }

  // Output that comes fast is looked at again before it can take another eighth of what it may.
  Duration pace(Mono now) {
    const std::int64_t grown = std::max<std::int64_t>(life.out + life.err - written, 0);
    written = life.out + life.err;
    if (limits.most_output <= 0 || grown == 0) return kLook;
    const double seconds_gone = std::max(std::chrono::duration<double>(now - looked).count(), 1e-3);
    const double room = static_cast<double>(limits.most_output) / 8;
    const Duration full =
        Duration(static_cast<std::int64_t>(std::min(room * seconds_gone / static_cast<double>(grown), 1.0) * 1e9));
    return std::clamp<Duration>(full, kQuickLook, kLook);
  }

  void look_at_disk(Mono now) {
    struct statvfs s{};
    const bool full = limits.least_free > 0 && ::statvfs(directory.c_str(), &s) == 0 &&
                      static_cast<std::int64_t>(s.f_bavail) * static_cast<std::int64_t>(s.f_frsize) < limits.least_free;
    const bool due = now - walked >= between_walks;
    const bool asked = limits.most_scratch > 0 && due;
    const bool soon = walked.ns != 0 && now - walked < kLook;
    if (!asked && (!full || soon)) return;
    const std::int64_t used = disk_use(directory);
    walked = mono_now();
    between_walks = std::max<Duration>(kWalk, (walked - now) * 100);
    if (limits.most_scratch > 0 && used > limits.most_scratch) say(Reason::scratch);
    // A disk that others filled is not this payload's fault: it ends when it has taken more than what is missing.
    if (full && used >= limits.least_free) say(Reason::disk);
  }

  void say(Reason reason) {
    Reason none = Reason::exited;
    verdict.compare_exchange_strong(none, reason);
  }
};

DiskWatch::DiskWatch(DiskLimits limits, std::string directory, int out, int err) : shared_(std::make_shared<Shared>()) {
  shared_->limits = std::move(limits);
  shared_->directory = std::move(directory);
  shared_->out = process::Fd(::fcntl(out, F_DUPFD_CLOEXEC, 3));
  shared_->err = process::Fd(::fcntl(err, F_DUPFD_CLOEXEC, 3));
  std::thread([shared = shared_] { shared->run(); }).detach();
}

DiskWatch::~DiskWatch() {
  std::unique_lock lock(shared_->mutex);
  shared_->stopping = true;
  shared_->changed.notify_all();
  shared_->changed.wait_for(lock, seconds{2}, [this] { return shared_->done; });
}

Reason DiskWatch::verdict() const { return shared_->verdict; }

}  // namespace apf::wrapper
