// Configuration files of AutoPyFactory: whatever they hold, reading ends, and what is made of them is TOML.
// The part before the first NUL is the factory's file, the rest that of the queues.
#include <cstdlib>

#include "config/value.h"
#include "import/import.h"
#include "import/words.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const apf::Registry registry = [] {
    apf::Registry all;
    apf::register_all(all);
    return all;
  }();
  const auto middle = std::min(text.find('\0'), size);
  apf::import::OldFiles old;
  apf::config::Errors errors;
  apf::import::Ini first;
  apf::import::read_ini(text.substr(0, middle), "factory", first, errors);
  first.spread_defaults();
  if (const auto* factory = first.find("Factory")) old.factory = *factory;
  apf::import::read_ini(text.substr(std::min(middle + 1, size)), "queues", old.queues, errors);
  old.queues.spread_defaults();
  for (const auto& e : errors)
    if (e.where.empty() || e.what.empty()) std::abort();
  const auto made = apf::import::import_files(old, registry);
  if (made && !apf::config::parse_toml(made->toml, "made", "/")) std::abort();
  return 0;
}
