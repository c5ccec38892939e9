// Everything that a configuration names, made from the registry: plug-in instances and sched chains. All or nothing:
// a configuration that can't be assembled changes nothing.
//
// Thread-safety: an Assembly is immutable; its plug-ins are called on their lanes only (see apf/wms.h, apf/batch.h).
#pragma once

#include <map>
#include <memory>
#include <string>

#include "apf/registry.h"
#include "core/event.h"

namespace apf::engine {

template <class Spec, class Interface>
struct Source {
  Spec spec;
  std::unique_ptr<Interface> plugin;
};
using WmsInstance = Source<core::WmsSource, Wms>;
using BatchInstance = Source<core::BatchSource, Batch>;
using MonitorInstance = Source<core::MonitorTarget, Monitor>;

struct Assembly {
  core::ActiveConfig active;
  std::shared_ptr<const FactoryIdentity> me;
  std::string pilots_report_to;  // name of the monitor; empty: to the factory
  std::map<std::string, std::shared_ptr<WmsInstance>, std::less<>> wms;
  std::map<std::string, std::shared_ptr<BatchInstance>, std::less<>> batch;
  std::map<std::string, std::shared_ptr<MonitorInstance>, std::less<>> monitors;
};

// Sources whose section did not change keep their instance (and what it has learnt) from `before`. Monitors add to the
// identity what concerns them (Monitor::introduce).
// Errors: Kind::config of the plug-ins; "monitor.two_for_pilots".
Result<std::shared_ptr<const Assembly>> assemble(std::shared_ptr<const core::Config> config, const FactoryIdentity& me,
                                                 const Registry& registry, const Assembly* before);

}  // namespace apf::engine
