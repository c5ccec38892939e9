#include "process/spawn.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>

namespace apf::process {
namespace {

// posix_spawn's two argument objects, freed on every way out.
struct Actions {
  posix_spawn_file_actions_t files{};
  posix_spawnattr_t attributes{};
  Actions() {
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
  }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  ~Actions() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
};

void set_attributes(posix_spawnattr_t& attributes) {
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

int set_files(posix_spawn_file_actions_t& files, const Command& command, const Stdio& stdio) {
  int e = stdio.in < 0 ? posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0)
                       : posix_spawn_file_actions_adddup2(&files, stdio.in, 0);
  if (e == 0) e = posix_spawn_file_actions_adddup2(&files, stdio.out, 1);
  if (e == 0) e = posix_spawn_file_actions_adddup2(&files, stdio.err, 2);
  // dup2 onto itself clears close-on-exec in the child (glibc 2.29).
  for (const int fd : command.inherit)
    if (e == 0 && fd > 2) e = posix_spawn_file_actions_adddup2(&files, fd, fd);
  if (e == 0 && !command.directory.empty()) e = posix_spawn_file_actions_addchdir_np(&files, command.directory.c_str());
  return e;
}

// Pointers into strings that the caller keeps; exec does not write through them.
std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> p;
  p.reserve(strings.size() + 1);
  for (const auto& s : strings) p.push_back(const_cast<char*>(s.c_str()));
  p.push_back(nullptr);
  return p;
}

std::vector<std::string> environment_with(const std::map<std::string, std::string>& additions) {
  std::vector<std::string> result;
  for (char** e = environ; e != nullptr && *e != nullptr; ++e) {
    const std::string_view entry(*e);
    if (!additions.contains(std::string(entry.substr(0, entry.find('='))))) result.emplace_back(entry);
  }
  for (const auto& [name, value] : additions) result.push_back(name + "=" + value);
  return result;
}

bool no_directory(const std::string& directory) {
  struct stat s{};
  return !directory.empty() && (::stat(directory.c_str(), &s) != 0 || !S_ISDIR(s.st_mode));
}

tl::unexpected<Error> not_started(const Command& command, int error) {
  const std::string& program = command.argv.front();
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case EACCES:
    case EPERM:
    case ELOOP:
    case ENAMETOOLONG:
    case ENOEXEC:
    case EISDIR:
      if (no_directory(command.directory))
        return fail(Kind::config, "process.not_found", "no such directory to run it in: " + command.directory, program);
      return fail(Kind::config, "process.not_found", "cannot run '" + program + "': " + std::strerror(error), program,
                  error == ENOENT ? "install it or set its path in the configuration" : "");
    case E2BIG:
      return fail(Kind::permanent, "process.spawn_failed", "the arguments are longer than the system takes", program);
    default:
      return fail(Kind::transient, "process.spawn_failed", "cannot start '" + program + "': " + std::strerror(error),
                  program, "processes, memory or open files of this host are used up");
  }
}

}  // namespace

Result<pid_t> spawn(const Command& command, const Stdio& stdio) {
  if (command.argv.empty() || command.argv.front().empty())
    return fail(Kind::config, "process.not_found", "an empty command cannot be run");
  Actions actions;
  set_attributes(actions.attributes);
  if (const int e = set_files(actions.files, command, stdio); e != 0) return not_started(command, e);
  const std::vector<std::string> environment = environment_with(command.environment);
  std::vector<char*> argv = pointers(command.argv);
  std::vector<char*> envp = pointers(environment);
  pid_t pid = -1;
  const int e = posix_spawnp(&pid, argv.front(), &actions.files, &actions.attributes, argv.data(), envp.data());
  if (e != 0) return not_started(command, e);
  return pid;
}

}  // namespace apf::process
