#include "config/value.h"

#include <algorithm>
#include <array>

namespace apf::config {

const Value* Value::find(std::string_view key) const {
  const Members* members = table();
  if (members == nullptr) return nullptr;
  const auto it = std::find_if(members->begin(), members->end(), [&](const Member& m) { return m.key == key; });
  return it == members->end() ? nullptr : &it->value;
}

const char* Value::kind() const {
  constexpr std::array<const char*, 6> names{"a boolean", "an integer", "a real number", "a text", "a list", "a table"};
  if (const auto* other = std::get_if<Other>(&data)) return other->kind.c_str();
  return names.at(data.index());
}

Value merge(Value base, const Value& over) {
  auto* below = std::get_if<Value::Members>(&base.data);
  const auto* above = over.table();
  if (below == nullptr || above == nullptr) return over;
  for (const Member& m : *above) {
    const auto it = std::find_if(below->begin(), below->end(), [&](const Member& b) { return b.key == m.key; });
    if (it == below->end()) {
      below->push_back(m);
      continue;
    }
    it->origin = m.origin;
    it->value = merge(std::move(it->value), m.value);
  }
  base.origin = over.origin;
  base.folder = over.folder;
  base.inherited = over.inherited;
  return base;
}

}  // namespace apf::config
