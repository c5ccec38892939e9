// Operators' orders and the API's questions. The first byte picks.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "engine/api_orders.h"
#include "engine/api_query.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  const apf::Wall now{1'790'000'000'000};
  if (data[0] % 4 == 0) {
    const auto verbs = apf::engine::read_verb(text, "anna", now);
    if (verbs && (verbs->empty() || verbs->front().hold.scope.empty())) std::abort();
  } else if (data[0] % 4 == 1) {
    const auto order = apf::engine::read_remove(text, "anna");
    if (order && order->pilots.empty()) std::abort();
  } else if (data[0] % 4 == 2) {
    (void)apf::engine::read_accept_view(text, "anna");
  } else {
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) return 0;
    const apf::engine::Query query{{std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))}};
    const auto question = apf::engine::read_pilot_question(query);
    if (question && question->filter.most < 1) std::abort();
  }
  return 0;
}
