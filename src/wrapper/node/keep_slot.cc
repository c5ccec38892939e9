#include "wrapper/node/keep_slot.h"

#include <poll.h>

#include <algorithm>
#include <random>

#include "wrapper/signals.h"

namespace apf::wrapper::node {

Duration jittered(Duration keep, double random) {
  return Duration(static_cast<std::int64_t>(static_cast<double>(keep.count()) * (0.75 + random / 2)));
}

double random_share() {
  std::random_device device;
  return std::uniform_real_distribution<double>(0, 1)(device);
}

bool keep_slot(Duration keep) {
  const Mono end = mono_now() + keep;
  constexpr std::int64_t longest = 60'000;  // poll's clock stands still while the host is suspended
  for (Duration left = keep; left > Duration::zero(); left = end - mono_now()) {
    if (signals::ending()) return false;
    pollfd fd{signals::fd(), POLLIN, 0};
    ::poll(&fd, 1, static_cast<int>(std::min<std::int64_t>(left.count() / 1'000'000 + 1, longest)));
    if (fd.revents != 0) signals::pending();
  }
  return true;
}

}  // namespace apf::wrapper::node
