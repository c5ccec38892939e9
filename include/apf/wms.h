// Interface of a WMS plug-in: where work waits.
//
// Thread-safety: an instance is called by one thread at a time (concurrency 1 a source).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "apf/context.h"
#include "apf/queue.h"
#include "apf/view.h"

namespace apf {

// Jobs of one cell (WMS queue, job label, resource type), RULES R10. Units: jobs. A WMS that does not tell labels or
// resource types apart leaves them empty, and says so in DemandData.
struct Demand {
  std::string wms_queue, job_label, resource_type;
  std::int64_t notready = 0, ready = 0, running = 0, done = 0, failed = 0;
};

// What one poll of a WMS says. A WMS queue that is in `sites` but has no row in `cells` has no work;
// one that is in neither is not known to the WMS (RULES R6).
struct DemandData {
  std::vector<Demand> cells;
  std::vector<std::pair<std::string, std::string>> sites;  // WMS queue -> online|test|offline|brokeroff|...
  // How old the source's own tables may be (R2); PanDA: 60 s. The view is taken as true at the start of its query minus
  // lag; a long poll that says how long it waited before it computed its answer (job queue: header X-APF-Waited, ms)
  // makes that negative.
  Duration lag{};
  bool tells_labels = true, tells_types = true;  // else a queue that selects by them is held
};

class Wms {
 public:
  Wms() = default;
  Wms(const Wms&) = delete;
  Wms& operator=(const Wms&) = delete;
  virtual ~Wms() = default;

  // The demand of all queues. With a cursor of an earlier view it may wait (long poll) until something has changed
  // or the deadline is near, and then return that view's data anew.
  virtual Result<View<DemandData>> poll(std::span<const std::string> wms_queues, const std::string& cursor,
                                        Context& context) = 0;
  // True when poll() with a cursor waits for a change: the factory then polls again at once.
  [[nodiscard]] virtual bool pushes() const { return false; }
};

}  // namespace apf
