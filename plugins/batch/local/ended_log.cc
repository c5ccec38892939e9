#include "ended_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>

#include "keeper/files.h"

namespace apf::local {
namespace {

struct Cursor {
  std::int64_t segment = 0, offset = 0;
};

// "12:3456"; anything else means the beginning: repeats are harmless.
Cursor parse(const std::string& text) {
  Cursor c;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, c.segment);
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != ':') return {};
  const auto second = std::from_chars(first.ptr + 1, end, c.offset);
  if (second.ec != std::errc{} || second.ptr != end || c.segment < 0 || c.offset < 0) return {};
  return c;
}

std::string text(const Cursor& c) { return std::to_string(c.segment) + ":" + std::to_string(c.offset); }

Result<std::string> read_from(const std::string& path, std::int64_t offset) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return io_error("open", path);
  std::string content;
  char buffer[65536];
  for (;;) {
    const ssize_t n = ::pread(fd.get(), buffer, sizeof buffer, offset + static_cast<std::int64_t>(content.size()));
    if (n < 0) return io_error("read", path);
    if (n == 0) return content;
    content.append(buffer, static_cast<std::size_t>(n));
  }
}

// Returns the bytes of all whole lines; half a line at the end waits for its rest.
std::size_t each_line(std::string_view content, const std::function<void(const Record&)>& each) {
  std::size_t done = 0;
  for (std::size_t end = 0; (end = content.find('\n', done)) != std::string_view::npos; done = end + 1)
    if (const auto record = Record::decode(content.substr(done, end - done), '\t')) each(*record);
  return done;
}

}  // namespace

std::string EndedLog::path(std::int64_t segment) const {
  std::string number = std::to_string(segment);
  if (number.size() < 10) number.insert(0, 10 - number.size(), '0');
  return directory_ + "/" + number + ".log";
}

Result<std::vector<std::int64_t>> EndedLog::segments() const {
  const auto names = list(directory_);
  if (!names) return fail(names.error());
  std::vector<std::int64_t> numbers;
  for (const auto& name : *names) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc{} && std::string_view(end) == ".log") numbers.push_back(number);
  }
  return numbers;
}

Status EndedLog::append(std::span<const Record> records) const {
  if (records.empty()) return {};
  const auto numbers = segments();
  if (!numbers) return fail(numbers.error());
  std::int64_t number = numbers->empty() ? 1 : numbers->back();
  struct stat info{};
  if (::stat(path(number).c_str(), &info) == 0 && info.st_size >= segment_bytes_) ++number;

  const std::string file = path(number);
  const bool is_new = ::access(file.c_str(), F_OK) != 0;
  const Fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!fd) return io_error("open", file);
  // A line that somebody could not finish must not swallow ours: each batch begins on a line of its own.
  std::string lines = is_new ? "" : "\n";
  for (const Record& r : records) lines += r.encode('\t') + "\n";
  at_step("append");
  for (std::string_view rest = lines; !rest.empty();) {
    const ssize_t n = ::write(fd.get(), rest.data(), rest.size());
    if (n <= 0) return io_error("write", file);
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  at_step("sync log");
  if (::fsync(fd.get()) != 0) return io_error("sync", file);
  return is_new ? sync_directory(directory_) : Status{};
}

Result<std::string> EndedLog::read(const std::string& cursor, const std::function<void(const Record&)>& each) const {
  Cursor at = parse(cursor);
  const auto numbers = segments();
  if (!numbers) return fail(numbers.error());
  // A cursor beyond what is there is of another time (a restored directory): begin anew.
  if (!numbers->empty() && at.segment > numbers->back()) at = {};
  for (const std::int64_t number : *numbers) {
    if (number < at.segment) continue;
    if (number > at.segment) at = {number, 0};
    const auto content = read_from(path(number), at.offset);
    if (!content) return fail(content.error());
    at.offset += static_cast<std::int64_t>(each_line(*content, each));
  }
  return text(at);
}

Status EndedLog::clean(std::int64_t before_ms) const {
  const auto numbers = segments();
  if (!numbers) return fail(numbers.error());
  for (std::size_t i = 0; i + 1 < numbers->size(); ++i) {
    struct stat info{};
    const std::string file = path((*numbers)[i]);
    if (::stat(file.c_str(), &info) != 0) continue;
    if (std::int64_t{info.st_mtim.tv_sec} * 1000 >= before_ms) break;  // the later ones are younger
    if (::unlink(file.c_str()) != 0) return io_error("remove", file);
  }
  return {};
}

}  // namespace apf::local
