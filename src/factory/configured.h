// A queue as the configuration has it, for commands that ask no daemon. Thread-safety: reads files.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>

#include "config/load.h"
#include "factory/client.h"

namespace apf::factory {

// Says what is wrong and gives nothing when the configuration can't be read.
std::optional<config::Loaded> configuration(const Target& target, const Registry& registry, std::ostream& err);

struct Configured {
  config::Loaded loaded;
  std::shared_ptr<const QueueSpec> queue;
};

// Likewise; also when it has no such queue.
std::optional<Configured> configured_queue(const Target& target, const std::string& queue, const Registry& registry,
                                           std::ostream& out, std::ostream& err);

}  // namespace apf::factory
