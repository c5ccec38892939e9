/* Runs a program as on a Linux 3.10: system calls that came later give ENOSYS.
 *
 *   old_kernel PROGRAM [ARGUMENT...]
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* The numbers are those of all architectures from 424 on; below, of x86-64 only. */
static const unsigned young[] = {
#ifdef __x86_64__
    314, /* sched_setattr */
    315, /* sched_getattr */
    316, /* renameat2 */
    317, /* seccomp */
    318, /* getrandom */
    319, /* memfd_create */
    322, /* execveat */
    326, /* copy_file_range */
    332, /* statx */
    334, /* rseq */
#endif
    424, /* pidfd_send_signal */
    434, /* pidfd_open */
    435, /* clone3 */
    436, /* close_range */
    437, /* openat2 */
    438, /* pidfd_getfd */
    439, /* faccessat2 */
    441, /* epoll_pwait2 */
};
enum { kYoung = sizeof young / sizeof *young };

int main(int argc, char** argv) {
  struct sock_filter filter[2 * kYoung + 2];
  unsigned n = 0;
  filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (unsigned i = 0; i < kYoung; ++i) {
    filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, young[i], 0, 1);
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
  }
  filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  struct sock_fprog program = {(unsigned short)n, filter};
  if (argc < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    fprintf(stderr, "old_kernel: %s\n", argc < 2 ? "no program" : strerror(errno));
    return 125;
  }
  execv(argv[1], argv + 1);
  fprintf(stderr, "old_kernel: %s: %s\n", argv[1], strerror(errno));
  return 127;
}
