// The reading side of APFMon's REST, which its clients and old pages know:
//
//   GET /api/factories  /api/factories/<factory>
//   GET /api/labels     ?factory= limit=50 offset=0; limit 0: all     /api/labels/<factory>:<label>
//   GET /api/jobs       ?factory= label= state= limit=50 offset=0     /api/jobs/<factory>:<id>
//
// Our own API (docs/monitor-api.json) tells more.
#pragma once

#include "monitor/router.h"
#include "monitor/server.h"

namespace apf::monitor {

void add_legacy_read(Router& router, Parts& parts);

}  // namespace apf::monitor
