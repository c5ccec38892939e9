// GET /healthz: 200 while the monitor takes news and serves pages.
#pragma once

#include "monitor/router.h"
#include "monitor/server.h"

namespace apf::monitor {

void add_health(Router& router, Parts& parts);

}  // namespace apf::monitor
