// How news come in over HTTP: APFMon's REST under /api/, and POST /api/v1/news. Answered after the commit.
#pragma once

#include "monitor/router.h"
#include "monitor/server.h"

namespace apf::monitor {

void add_ingest(Router& router, Parts& parts);

// "<factory>:<rest>" of a path, decoded; a factory's name may hold ':' if it is known. Nothing when there is no ':'.
struct Pair {
  std::string factory, rest;
};
std::optional<Pair> split(std::string_view text, const Snapshot& known);

}  // namespace apf::monitor
