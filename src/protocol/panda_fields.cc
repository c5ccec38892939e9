#include "protocol/panda_fields.h"

#include <nlohmann/json.hpp>

namespace apf::protocol::panda {

Fields::Fields(const json_value::Json& object, std::string code) : object_(object), code_(std::move(code)) {
  if (!object.is_object()) refuse(std::string("expected an object, got ") + json_value::describe(object));
}

const json_value::Json* Fields::find(std::string_view key, bool required) {
  if (!ok()) return nullptr;
  const auto& v = json_value::member(object_, key);
  if (!v.is_null()) return &v;
  if (required) refuse("'" + std::string(key) + "' is missing");
  return nullptr;
}

}  // namespace apf::protocol::panda
