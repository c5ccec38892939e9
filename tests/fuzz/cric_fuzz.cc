// Answers of a CRIC: whatever they hold, what is selected is TOML with as many queues as it says.
#include <cstdlib>

#include "config/cric/cric.h"
#include "config/value.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto selected = apf::cric::select(text, {{}, {}, {}, {}, {}, {}, {}});
  if (!selected) return selected.error().what.empty() ? std::abort(), 0 : 0;
  const auto made = apf::config::parse_toml(selected->toml, "made", "/");
  if (!made) std::abort();
  const auto* queues = made->find("queue");
  const auto* table = queues == nullptr ? nullptr : queues->table();
  if ((table == nullptr ? 0 : table->size()) != selected->queues) std::abort();
  return 0;
}
