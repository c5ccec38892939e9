// Values with units come from configuration files that people and other systems write.
#include <cstdint>
#include <string_view>

#include "apf/options.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto d = apf::parse_duration(text)) {
    // what is shown is read again as the same value
    const auto again = apf::parse_duration(apf::show(apf::OptionValue{*d}));
    if (!again || *again != *d) __builtin_trap();
  }
  if (const auto s = apf::parse_size(text); s && *s < 0) __builtin_trap();
  return 0;
}
