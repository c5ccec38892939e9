// Monitor plug-in `log`: one line for each thing the factory tells, into a file of its own or the factory's log.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "apf/registry.h"

namespace apf {
namespace {

constexpr std::array kOptions{
    OptionSpec{.name = "file", .type = OptionType::path, .doc = "file to append to; unset: the factory's own log"},
    OptionSpec{.name = "max_size",
               .type = OptionType::size,
               .fallback = "10 MB",
               .doc = "a file of this size is renamed to FILE.1, that to FILE.2 and so on",
               .minimum = 4096},
    OptionSpec{.name = "keep",
               .type = OptionType::integer,
               .fallback = "5",
               .doc = "renamed files that are kept",
               .unit = "files",
               .minimum = 0,
               .maximum = 1000},
    OptionSpec{.name = "pilots", .type = OptionType::boolean, .fallback = "true", .doc = "tell of pilots"},
    OptionSpec{.name = "queues", .type = OptionType::boolean, .fallback = "true", .doc = "tell of decisions"},
};

bool plain(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f) return false;
  return !text.empty();
}

// logfmt: reasons come from outside, they can break neither the line nor the field.
void put(std::string& line, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  line += fmt::format(" {}=", name);
  if (plain(value)) {
    line += value;
    return;
  }
  line += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') line += '\\';
    if (c == '\n')
      line += "\\n";
    else if (static_cast<unsigned char>(c) < ' ' || c == 0x7f)
      line += fmt::format("\\x{:02x}", c);
    else
      line += c;
  }
  line += '"';
}

std::string line_of(const PilotNote& note) {
  std::string line = iso8601(note.at) + " pilot";
  put(line, "queue", note.queue);
  put(line, "id", note.batch_id);
  put(line, "state", name(note.state));
  put(line, "submission", note.submission);
  put(line, "index", std::to_string(note.index));
  put(line, "node", note.node);
  if (note.exit_code >= 0) put(line, "exit", std::to_string(note.exit_code));
  put(line, "reason", note.reason);
  put(line, "profile", note.profile);
  return line;
}

std::string line_of(const QueueNote& note) {
  std::string line = iso8601(note.at) + " queue";
  put(line, "queue", note.queue);
  put(line, "n", std::to_string(note.n));
  put(line, "decision", note.message);
  return line;
}

tl::unexpected<Error> trouble(const char* doing, const std::string& file) {
  const std::string words = std::system_category().message(errno);
  return fail(Kind::transient, "log.io", fmt::format("cannot {}: {}", doing, words), file,
              "the factory's user needs to write here, and the disk space for it");
}

class LogMonitor final : public Monitor {
 public:
  explicit LogMonitor(const Options& options)
      : file_(options.text_or("file", "")),
        max_size_(options.integer("max_size")),
        keep_(options.integer("keep")),
        pilots_(options.flag("pilots")),
        queues_(options.flag("queues")) {}

  Status tell(const FactoryIdentity& /*me*/, std::span<const PilotNote> pilots, std::span<const QueueNote> queues,
              Context& context) override {
    std::vector<std::string> lines;
    if (pilots_)
      for (const auto& note : pilots) lines.push_back(line_of(note));
    if (queues_)
      for (const auto& note : queues) lines.push_back(line_of(note));
    if (!file_.empty()) return append(lines);
    for (const auto& line : lines) context.log(Level::info, line);
    return {};
  }

 private:
  // Opened anew each time, so that others (logrotate) may rename it.
  [[nodiscard]] Status append(const std::vector<std::string>& lines) const {
    if (lines.empty()) return {};
    if (auto s = rotate(); !s) return s;
    std::string text;
    for (const auto& line : lines) text += line + "\n";
    const int fd = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) return trouble("open the file", file_);
    const ssize_t n = ::write(fd, text.data(), text.size());
    const int error = n < 0 ? errno : ENOSPC;
    ::close(fd);
    errno = error;
    if (n != static_cast<ssize_t>(text.size())) return trouble("write", file_);
    return {};
  }

  [[nodiscard]] Status rotate() const {
    struct stat info{};
    if (::stat(file_.c_str(), &info) != 0 || info.st_size < max_size_) return {};
    if (keep_ == 0) {
      if (::truncate(file_.c_str(), 0) != 0) return trouble("empty the file", file_);
      return {};
    }
    for (std::int64_t i = keep_; i > 0; --i) {
      const std::string from = i == 1 ? file_ : fmt::format("{}.{}", file_, i - 1);
      if (::rename(from.c_str(), fmt::format("{}.{}", file_, i).c_str()) != 0 && errno != ENOENT)
        return trouble("rename", from);
    }
    return {};
  }

  std::string file_;
  std::int64_t max_size_, keep_;
  bool pilots_, queues_;
};

Result<std::unique_ptr<Monitor>> make(const Options& options) { return std::make_unique<LogMonitor>(options); }

}  // namespace

void register_monitor_log(Registry& registry) {  // NOLINT(misc-use-internal-linkage): called by the generated list
  registry.add(
      Plugin<Monitor>{"log", "Writes what happens to pilots and queues into a file, a line each", kOptions, make});
}

}  // namespace apf
