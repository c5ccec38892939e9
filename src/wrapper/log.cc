#include "wrapper/log.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <string>

namespace apf::wrapper {
namespace {

std::atomic<Level> lowest{Level::info};

const char* name(Level level) {
  constexpr std::array<const char*, 4> names{"debug", "info", "warning", "error"};
  return names.at(static_cast<std::size_t>(level));
}

}  // namespace

void set_level(Level level) { lowest = level; }

void write_out(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(STDOUT_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // a full disk under the log must not end the pilot
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

void log(Level level, std::string_view text) {
  if (level < lowest) return;
  std::string line = iso8601(wall_now()) + " " + name(level) + " ";
  line += text;
  write_out(line + "\n");
}

}  // namespace apf::wrapper
