#include "wrapper/payload/output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "process/fd.h"
#include "wrapper/log.h"

namespace apf::wrapper {
namespace {

// What a payload wrote into a file of its own; it owned the name: a link or a pipe in its place is not followed.
class Written {
 public:
  explicit Written(const std::string& file)
      : fd_(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) {
    struct stat s{};
    if (fd_.open() && ::fstat(fd_.get(), &s) == 0 && S_ISREG(s.st_mode)) {
      size_ = s.st_size;
      on_disk_ = static_cast<std::int64_t>(s.st_blocks) * 512;
    }
  }
  [[nodiscard]] std::int64_t size() const { return size_; }
  // The guardian kept only start and end of a stream that was too long (disk_watch.h).
  [[nodiscard]] bool holed() const { return on_disk_ < size_ - 65536; }
  // Copies [from, until) into the log; returns where it stopped. `last` becomes the last byte.
  std::int64_t copy(std::int64_t from, std::int64_t until, char& last) const {
    std::vector<char> buffer(65536);
    while (from < until) {
      const auto want =
          static_cast<std::size_t>(std::min<std::int64_t>(until - from, static_cast<std::int64_t>(buffer.size())));
      const ssize_t got = ::pread(fd_.get(), buffer.data(), want, from);
      if (got <= 0) break;
      write_out({buffer.data(), static_cast<std::size_t>(got)});
      last = buffer[static_cast<std::size_t>(got) - 1];
      from += got;
    }
    return from;
  }

 private:
  process::Fd fd_;
  std::int64_t size_ = 0, on_disk_ = 0;
};

}  // namespace

std::int64_t copy_output(const std::string& file, const std::string& title, std::int64_t cap) {
  const Written written(file);
  if (written.size() == 0) return 0;
  const std::int64_t n = std::min<std::int64_t>(written.size(), cap);
  const std::string all =
      std::to_string(written.size()) + " bytes" + (written.holed() ? ", the middle was not kept" : "");
  write_out("----- " + title + ": " + (n < written.size() ? "last " + std::to_string(n) + " of " + all : all) +
            " -----\n");
  char last = '\n';
  const std::int64_t from = written.size() - n;
  const std::int64_t done = written.copy(from, written.size(), last) - from;
  write_out(std::string(last == '\n' ? "" : "\n") + "----- end of " + title + " -----\n");
  return done;
}

void Follower::look() {
  constexpr std::int64_t first = kOutputCap / 2;
  if (done_ >= first) return;
  const Written written(file_);
  char last = '\n';
  done_ = written.copy(done_, std::min(written.size(), first), last);
}

void Follower::finish() {
  look();
  const Written written(file_);
  char last = '\n';
  const std::int64_t from = std::max(done_, written.size() - kOutputCap / 2);
  if (from > done_)
    write_out("\n----- " + title_ + ": " + std::to_string(from - done_) + " bytes are left out here -----\n");
  done_ = written.copy(from, written.size(), last);
  if (last != '\n') write_out("\n");
}

}  // namespace apf::wrapper
