#include "process/usage.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>

namespace apf::process {
namespace {

std::int64_t resident_bytes() {
  std::int64_t size = 0, resident = 0;
  if (std::FILE* f = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(f, "%ld %ld", &size, &resident) != 2) resident = 0;  // NOLINT(cert-err34-c): the kernel's numbers
    (void)std::fclose(f);
  }
  return resident * ::sysconf(_SC_PAGESIZE);
}

double seconds_of(const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; }

}  // namespace

Usage own_usage() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return {seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime), resident_bytes()};
}

}  // namespace apf::process
