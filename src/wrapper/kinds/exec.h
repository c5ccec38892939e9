// A pilot that is any program or script of the VO: fetched as pilot code, or found on the node, and run once with the
// given arguments, under the same guardian and limits as a payload. It counts as one payload: its exit code is no
// fault of the pilot.
//
// Thread-safety: one thread.
#pragma once

#include "wrapper/plugin.h"

namespace apf::wrapper {

class Exec final : public Plugin {
 public:
  explicit Exec(const Surroundings& around) : around_(around) {}
  std::optional<Ending> prepare() override;
  Summary run() override;

 private:
  Surroundings around_;
  std::string program_, directory_;
};

}  // namespace apf::wrapper
