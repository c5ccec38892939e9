#include "factory/surroundings.h"

#include <pwd.h>
#include <unistd.h>

#include <array>

namespace apf::factory {

std::string user_name() {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> space{};
  getpwuid_r(geteuid(), &entry, space.data(), space.size(), &found);
  return found == nullptr ? std::to_string(geteuid()) : std::string(found->pw_name);
}

std::string beside_program(const char* name) {
  std::array<char, 4096> path{};
  const ssize_t n = readlink("/proc/self/exe", path.data(), path.size());
  if (n <= 0 || n == static_cast<ssize_t>(path.size())) return {};
  const std::string program(path.data(), static_cast<std::size_t>(n));
  const std::string file = program.substr(0, program.rfind('/') + 1) + name;
  return access(file.c_str(), R_OK) == 0 ? file : std::string();
}

}  // namespace apf::factory
