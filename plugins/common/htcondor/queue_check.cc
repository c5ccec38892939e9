#include "queue_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "rows.h"

namespace apf::htcondor {

Status check_queue_rows(const Tools& tools, const std::string& constraint, std::size_t rows, std::size_t before,
                        Doubt doubt, Context& context) {
  const std::size_t allowed = std::max<std::size_t>(10, before / 20);
  const bool fewer = rows + allowed < before;
  const bool more = doubt == Doubt::fewer_or_more && rows > before + allowed;
  if (!fewer && !more) return {};
  auto out = tools.query("condor_q", {"-allusers", "-constraint", constraint, "-totals"}, context);
  if (!out) return fail(out.error());
  auto total = parse_totals(*out);
  if (!total) return fail(total.error());
  const auto counted = static_cast<std::size_t>(*total);
  const std::size_t tolerance = std::max(allowed, rows / 20);  // jobs come and go between the two answers
  if ((fewer && counted > rows + allowed) || (more && rows > counted + tolerance))
    return fail(Kind::transient, "htcondor.suspect",
                fmt::format("{} jobs shown, but the schedd counts {}", rows, counted), "condor_q",
                "the view is refused");
  return {};
}

}  // namespace apf::htcondor
