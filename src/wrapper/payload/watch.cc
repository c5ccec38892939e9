#include "wrapper/payload/watch.h"

#include <fmt/format.h>
#include <poll.h>

#include <array>

#include "wrapper/log.h"
#include "wrapper/signals.h"

namespace apf::wrapper {

Watched watch(Payload& payload, const std::function<void()>& every_second) {
  Watched watched;
  Mono next = mono_now() + seconds{1};
  for (;;) {
    std::array<pollfd, 2> fds{{{payload.fd(), POLLIN, 0}, {signals::fd(), POLLIN, 0}}};
    ::poll(fds.data(), fds.size(), every_second ? 1000 : -1);
    if (every_second && mono_now() >= next) {
      every_second();
      next = mono_now() + seconds{1};
    }
    if (fds[1].revents != 0)
      for (const int n : signals::pending()) {
        log(Level::info, fmt::format("{} is passed on to the payload", signals::name(n)));
        const bool ends = signals::ends_pilot(n);
        if (ends) watched.told_by = n;
        payload.order({.verb = ends ? Order::Verb::end : Order::Verb::signal, .value = n});
      }
    if (fds[0].revents == 0) continue;
    if (const auto outcome = payload.look()) {
      watched.outcome = *outcome;
      return watched;
    }
  }
}

}  // namespace apf::wrapper
