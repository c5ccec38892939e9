// Form-encoded bodies of reports: what is read can be written and reads back the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "protocol/form.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto fields = apf::protocol::read_form(text);
  if (!fields) return 0;
  const auto again = apf::protocol::read_form(apf::protocol::write_form(*fields));
  if (!again || *again != *fields) std::abort();
  return 0;
}
