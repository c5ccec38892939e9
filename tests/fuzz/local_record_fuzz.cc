// Records of batch/local lie on disks that lie: any text is read or refused, and what is read is written as it was.
#include <cstdint>
#include <string_view>

#include "batch/local/keeper/spool.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const char separator : {'\n', '\t'}) {
    const auto record = apf::local::Record::decode(text, separator);
    if (!record) continue;
    if (apf::local::Record::decode(record->encode(separator), separator) != record) __builtin_trap();
    (void)apf::local::Taken::from(*record);
    (void)apf::local::End::from(*record);
    if (const auto order = apf::local::Order::from(*record)) {
      const auto again = apf::local::Order::from(order->record());
      if (!again || again->record() != order->record()) __builtin_trap();
    }
  }
  return 0;
}
