#include "wrapper/payload/payload.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "process/spawn.h"
#include "wrapper/log.h"
#include "wrapper/payload/process_tree.h"

namespace apf::wrapper {

Result<std::unique_ptr<Payload>> Payload::start(const GuardSettings& settings,
                                                const std::map<std::string, std::string>& environment) {
  auto orders = process::make_pipe();
  if (!orders) return fail(orders.error());
  auto events = process::make_pipe();
  if (!events) return fail(events.error());
  // By this name the kernel finds our own file, even when it has been removed already.
  Command command{.argv = guard_arguments(settings), .environment = environment};
  command.argv.insert(command.argv.begin(), "/proc/self/exe");
  const auto pid =
      process::spawn(command, {.in = orders->read.get(), .out = events->write.get(), .err = STDERR_FILENO});
  if (!pid) return fail(pid.error());
  return std::unique_ptr<Payload>(new Payload(*pid, std::move(orders->write), std::move(events->read)));
}

Payload::Payload(pid_t guardian, process::Fd orders, process::Fd events)
    : guardian_(guardian, false), orders_(std::move(orders)), events_(std::move(events)) {}

// The guardian ends by itself when its input ends; waiting for it keeps payloads of one pilot apart.
Payload::~Payload() {
  orders_.reset();
  guardian_.reap();
}

void Payload::order(const Order& order) const {
  const std::string line = write_order(order);
  (void)!::write(orders_.get(), line.data(), line.size());  // SIGPIPE is ignored: look() finds out
}

std::optional<Outcome> Payload::look() {
  std::array<char, 4096> buffer{};
  const ssize_t n = ::read(events_.get(), buffer.data(), buffer.size());
  if (n < 0 && errno == EINTR) return std::nullopt;
  if (n <= 0) return guardian_died();
  lines_.add({buffer.data(), static_cast<std::size_t>(n)});
  while (const auto line = lines_.next()) {
    const auto event = read_event(*line);
    if (!event) continue;
    if (event->what == GuardEvent::What::ended) return event->outcome;
    if (event->what == GuardEvent::What::failed)
      return Outcome{.reason = Reason::exited, .exit_code = 127, .start_error = static_cast<int>(event->number)};
    if (event->what == GuardEvent::What::left) {
      log(Level::warning, "the payload left process " + std::to_string(event->number) + " (" + event->name +
                              (event->session != 0 ? ", in a session of its own" : "") + ") behind: killed");
      continue;
    }
    started_ = true;
  }
  return std::nullopt;
}

// Somebody killed the guardian: its payload's first process died with it, the others are our children by now.
Outcome Payload::guardian_died() {
  log(Level::error, "the payload's guardian died; everything the payload started is killed");
  sweep_children(seconds{10});
  return Outcome{.reason = Reason::guardian};
}

}  // namespace apf::wrapper
