// The pages: static files of web/, embedded in the program, and plain tables for whoever runs no scripts.
#pragma once

#include "monitor/router.h"
#include "monitor/server.h"

namespace apf::monitor {

void add_pages(Router& router, Parts& parts);

// With every page: nothing runs or loads but what this server sends.
extern const char* const kContentPolicy;

}  // namespace apf::monitor
