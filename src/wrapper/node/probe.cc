#include "wrapper/node/probe.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>

#include "process/fd.h"
#include "process/supervisor.h"
#include "wrapper/exit_codes.h"
#include "wrapper/log.h"

namespace apf::wrapper::node {
namespace {

using process::Fd;

// ---- the child: 0 with an answer on standard output, or errno in words ----

int complain(const char* doing) {
  write_out(std::string(doing) + ": " + std::strerror(errno));
  return 1;
}

int write_there(const std::string& directory) {
  std::string name = directory + "/apf-probe-XXXXXX";
  const Fd fd(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd.open()) return complain("no file can be made in it");
  std::array<char, 4096> page{};
  page.fill('x');
  std::array<char, 4096> again{};
  const bool written = ::write(fd.get(), page.data(), page.size()) == static_cast<ssize_t>(page.size());
  const int error = errno;
  const bool read = written && ::pread(fd.get(), again.data(), again.size(), 0) == static_cast<ssize_t>(again.size());
  ::unlink(name.c_str());
  errno = written ? EIO : error;
  return read && again == page ? 0 : complain(written ? "what was written can't be read" : "it can't be written to");
}

int say_room(const std::string& directory) {
  if (const int wrong = write_there(directory); wrong != 0) return wrong;
  struct statvfs s{};
  if (::statvfs(directory.c_str(), &s) != 0) return complain("it can't be looked at");
  const auto files = s.f_files == 0 ? -1 : static_cast<std::int64_t>(s.f_favail);  // btrfs and others: no limit
  write_out(std::to_string(static_cast<std::int64_t>(s.f_bavail) * static_cast<std::int64_t>(s.f_frsize)) + " " +
            std::to_string(files));
  return 0;
}

int count_entries(const std::string& directory) {
  DIR* entries = ::opendir(directory.c_str());
  if (entries == nullptr) return complain("it can't be opened");
  std::int64_t n = -2;  // "." and ".."
  errno = 0;
  while (::readdir(entries) != nullptr) ++n;  // NOLINT(concurrency-mt-unsafe): the stream is our own
  const int error = errno;
  ::closedir(entries);
  errno = error;
  if (error != 0) return complain("it can't be read");
  write_out(std::to_string(n));
  return 0;
}

// ---- the parent ----

Result<std::string> ask(const char* what, const std::string& directory, Mono deadline) {
  const Command command{.argv = {"/proc/self/exe", kProbeOption, what, directory}, .output_cap = 4096};
  const auto done = process::run(command, {.deadline = deadline, .grace = Duration::zero()});
  const auto wrong = [&](Kind kind, std::string text) {
    return fail(kind, "wrapper.probe", std::move(text), directory);
  };
  if (!done) return wrong(done.error().kind, done.error().what);
  if (done->timed_out) return wrong(Kind::transient, "it does not answer");
  if (done->exit_code != 0) return wrong(Kind::permanent, done->out.empty() ? "the look at it failed" : done->out);
  return done->out;
}

}  // namespace

Result<Space> room_in(const std::string& directory, Mono deadline) {
  const auto said = ask("room", directory, deadline);
  if (!said) return fail(said.error());
  Space space;
  std::istringstream in(*said);
  if (!(in >> space.bytes >> space.files)) return fail(Kind::bug, "wrapper.probe", "no numbers came back", directory);
  return space;
}

Result<std::int64_t> list(const std::string& directory, Mono deadline) {
  const auto said = ask("list", directory, deadline);
  if (!said) return fail(said.error());
  std::int64_t n = -1;
  std::istringstream in(*said);
  if (!(in >> n)) return fail(Kind::bug, "wrapper.probe", "no number came back", directory);
  return n;
}

int probe(std::span<const std::string> arguments) {
  if (arguments.size() != 3) return kUsage;
  const std::string& what = arguments[1];
  if (what == "room") return say_room(arguments[2]);
  if (what == "list") return count_entries(arguments[2]);
  return kUsage;
}

}  // namespace apf::wrapper::node
