// A running payload, seen from the pilot: its guardian and the two pipes to it.
//
// Thread-safety: order() from any thread; the rest from the one that started it.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "process/child.h"
#include "process/fd.h"
#include "wrapper/payload/guard_protocol.h"
#include "wrapper/payload/guardian.h"

namespace apf::wrapper {

class Payload {
 public:
  // Starts this program anew as guardian. The environment is added to our own. Errors: those of process::spawn.
  static Result<std::unique_ptr<Payload>> start(const GuardSettings& settings,
                                                const std::map<std::string, std::string>& environment);
  Payload(const Payload&) = delete;
  Payload& operator=(const Payload&) = delete;
  ~Payload();

  void order(const Order& order) const;
  [[nodiscard]] int fd() const { return events_.get(); }  // readable: call look()
  // Reads what the guardian said; the outcome once the payload and all it started are gone.
  std::optional<Outcome> look();
  [[nodiscard]] bool started() const { return started_; }

 private:
  Payload(pid_t guardian, process::Fd orders, process::Fd events);
  Outcome guardian_died();

  process::Child guardian_;
  process::Fd orders_, events_;
  Lines lines_;
  bool started_ = false;
};

}  // namespace apf::wrapper
