// Configurations come from people, from other programs and, through config plug-ins, from other machines.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "config/load.h"
#include "config/test_registry.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace apf::config;
  static const apf::Registry registry = testing::registry();
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto nothing = [](const std::string&, apf::ConfigSource&) -> apf::Result<apf::RawQueues> {
    return apf::RawQueues{{"far", "[queue.Far]\nweight = 2"}};
  };
  const Text first{"a.toml", "/etc/apf", text};
  const auto loaded = assemble({&first, 1}, registry, {.fetch = nothing});
  if (!loaded) {
    // every error says where it is, has a code, and is one line
    for (const auto& e : loaded.error())
      if (e.code.empty() || e.what.empty() || e.where.empty() || e.text().find('\n') != std::string::npos)
        __builtin_trap();
    return 0;
  }
  // what is in force loads again as the same
  const Text second{"b.toml", "/elsewhere", show(loaded->sections, {.origins = size % 2 == 0, .plain = true})};
  const auto again = assemble({&second, 1}, registry, {.fetch = nothing});
  if (!again || again->sha256 != loaded->sha256 || !diff(*loaded, *again).empty()) __builtin_trap();
  if (!activate(loaded->config, registry)) __builtin_trap();
  return 0;
}
