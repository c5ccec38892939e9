// GET /api/v1/...: what the pages read, and whoever else wants it (docs/monitor-api.json).
#pragma once

#include "monitor/router.h"
#include "monitor/server.h"

namespace apf::monitor {

void add_read(Router& router, Parts& parts);

}  // namespace apf::monitor
