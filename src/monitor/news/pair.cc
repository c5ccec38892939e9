#include "monitor/news/pair.h"

#include "monitor/news/forms.h"

namespace apf::monitor {

std::optional<Pair> split(std::string_view text, const Snapshot& known) {
  std::optional<Pair> found;
  for (std::size_t at = text.find(':'); at != std::string_view::npos; at = text.find(':', at + 1)) {
    const std::string_view factory = text.substr(0, at), rest = text.substr(at + 1);
    if (!good_name(factory) || !good_name(rest)) continue;
    if (found && known.factory(factory) == nullptr) continue;
    found = Pair{std::string(factory), std::string(rest)};
  }
  return found;
}

}  // namespace apf::monitor
