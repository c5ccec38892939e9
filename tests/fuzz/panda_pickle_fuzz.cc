// The reader of Python's pickle protocol 0: no input may crash it or make it large, and what it accepts is JSON.
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "protocol/panda.h"
#include "protocol/pickle.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace protocol = apf::protocol;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto value = protocol::read_pickle(text, "fuzz")) {
    const auto again = protocol::json_value::parse(protocol::json_value::dump(*value), "fuzz");
    if (!again) std::abort();
  }
  if (const auto sites = protocol::panda::read_legacy_site_specs(200, text))
    if (protocol::panda::read_site_specs(200, protocol::panda::write_site_specs(*sites)) != *sites) std::abort();
  return 0;
}
