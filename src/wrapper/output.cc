#include "wrapper/output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "process/fd.h"
#include "wrapper/log.h"

namespace apf::wrapper {

std::int64_t copy_output(const std::string& file, const std::string& title, std::int64_t cap) {
  // The payload owned this name: a link or a pipe in its place is not followed.
  const process::Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat s{};
  if (!fd.open() || ::fstat(fd.get(), &s) != 0 || !S_ISREG(s.st_mode) || s.st_size == 0) return 0;
  const std::int64_t n = std::min<std::int64_t>(s.st_size, cap);
  const std::string all = std::to_string(s.st_size) + " bytes";
  write_out("----- " + title + ": " + (n < s.st_size ? "last " + std::to_string(n) + " of " + all : all) + " -----\n");
  std::vector<char> buffer(65536);
  std::int64_t done = 0;
  char last = '\n';
  while (done < n) {
    const auto want =
        static_cast<std::size_t>(std::min<std::int64_t>(n - done, static_cast<std::int64_t>(buffer.size())));
    const ssize_t got = ::pread(fd.get(), buffer.data(), want, s.st_size - n + done);
    if (got <= 0) break;
    write_out({buffer.data(), static_cast<std::size_t>(got)});
    last = buffer[static_cast<std::size_t>(got) - 1];
    done += got;
  }
  write_out(std::string(last == '\n' ? "" : "\n") + "----- end of " + title + " -----\n");
  return done;
}

}  // namespace apf::wrapper
