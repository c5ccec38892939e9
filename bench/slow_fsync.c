/* A disk that needs 10 ms more for each fsync: preloaded into the factory by bench/events_measure. */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int slow(int fd) {
  const struct timespec ten_ms = {0, 10 * 1000 * 1000};
  nanosleep(&ten_ms, 0);
  return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd) { return slow(fd); }
int fdatasync(int fd) { return slow(fd); }
