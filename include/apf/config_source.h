// Interface of a config plug-in: queues that come from elsewhere than the local file (RULES R16).
//
// Thread-safety: an instance is called by one thread at a time.
#pragma once

#include <map>
#include <string>

#include "apf/context.h"
#include "apf/view.h"

namespace apf {

// Raw queue sections in TOML, by queue name: parsed and validated exactly like local ones.
using RawQueues = std::map<std::string, std::string>;

class ConfigSource {
 public:
  ConfigSource() = default;
  ConfigSource(const ConfigSource&) = delete;
  ConfigSource& operator=(const ConfigSource&) = delete;
  virtual ~ConfigSource() = default;
  virtual Result<View<RawQueues>> load(Context& context) = 0;
};

}  // namespace apf
