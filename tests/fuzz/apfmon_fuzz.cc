// The APFMon job form and path: what is accepted survives the trip.
#include <cstdlib>

#include "protocol/apfmon.h"

namespace apfmon = apf::protocol::apfmon;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto report = apfmon::read_report(text))
    if (apfmon::read_report(apfmon::write_report(*report)) != *report) std::abort();
  if (const auto id = apfmon::read_job_path(text)) (void)apfmon::job_path(*id);
  return 0;
}
