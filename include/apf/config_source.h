// Interface of a config plug-in: queues that come from elsewhere than the local file (RULES R16).
//
// Thread-safety: an instance is called by one thread at a time.
#pragma once

#include <string>
#include <vector>

#include "apf/context.h"
#include "apf/view.h"

namespace apf {

// A document in TOML with [queue.NAME] sections, parsed and validated exactly like a file of queues.d.
struct RawDocument {
  std::string name;  // for messages: a file's path, a URL
  std::string text{};
  std::string folder{};  // where relative paths in it start; empty: they stay as they are
};
// All documents of a source. A queue may stand in one of them only.
using RawQueues = std::vector<RawDocument>;

class ConfigSource {
 public:
  ConfigSource() = default;
  ConfigSource(const ConfigSource&) = delete;
  ConfigSource& operator=(const ConfigSource&) = delete;
  virtual ~ConfigSource() = default;
  virtual Result<View<RawQueues>> load(Context& context) = 0;
};

}  // namespace apf
