// How news come in over HTTP: APFMon's REST under /api/, and POST /api/v1/news. Answered after the commit.
#pragma once

#include "monitor/router.h"
#include "monitor/server.h"

namespace apf::monitor {

void add_ingest(Router& router, Parts& parts);

}  // namespace apf::monitor
