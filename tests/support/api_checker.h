// docs/monitor-api.json, and whether an answer is as it says.
#pragma once

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

namespace apf::tests {

inline nlohmann::json api_document() {
  std::ifstream file(std::string(APF_SOURCE_DIR) + "/docs/monitor-api.json");
  return nlohmann::json::parse(file);
}

// Is `value` as `schema` says? Empty, or where it is not. The part of JSON Schema that the document uses.
class ApiChecker {
 public:
  explicit ApiChecker(const nlohmann::json& document) : document_(document) {}
  [[nodiscard]] std::string check(const nlohmann::json& value, const nlohmann::json& schema,
                                  const std::string& where) const {
    if (schema.contains("$ref")) return check(value, named(schema["$ref"].get<std::string>()), where);
    if (schema.contains("oneOf")) return one_of(value, schema["oneOf"], where);
    if (schema.contains("type") && !is_a(value, schema["type"])) return where + " is " + value.dump();
    if (schema.contains("enum") &&
        std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end())
      return where + " is " + value.dump();
    if (value.is_object()) return object(value, schema, where);
    if (!value.is_array() || !schema.contains("items")) return {};
    for (std::size_t i = 0; i < value.size(); ++i)
      if (auto wrong = check(value[i], schema["items"], where + "[" + std::to_string(i) + "]"); !wrong.empty())
        return wrong;
    return {};
  }

 private:
  [[nodiscard]] const nlohmann::json& named(const std::string& reference) const {
    return document_.at(nlohmann::json::json_pointer(reference.substr(1)));
  }
  [[nodiscard]] std::string one_of(const nlohmann::json& value, const nlohmann::json& schemas,
                                   const std::string& where) const {
    std::string wrong;
    for (const auto& schema : schemas) {
      wrong = check(value, schema, where);
      if (wrong.empty()) return {};
    }
    return wrong;
  }
  static bool is_a(const nlohmann::json& value, const nlohmann::json& types) {
    if (types.is_array())
      return std::any_of(types.begin(), types.end(), [&](const nlohmann::json& type) { return is_a(value, type); });
    const std::string type = types;
    return type == "integer" ? value.is_number_integer() : type == value.type_name();
  }
  [[nodiscard]] std::string object(const nlohmann::json& value, const nlohmann::json& schema,
                                   const std::string& where) const {
    for (const auto& name : schema.value("required", nlohmann::json::array()))
      if (!value.contains(name.get<std::string>())) return where + " has no " + name.dump();
    const nlohmann::json properties = schema.value("properties", nlohmann::json::object());
    for (const auto& [name, member] : value.items()) {
      if (!properties.contains(name)) {
        if (schema.contains("additionalProperties")) return where + " also has " + name;
        continue;
      }
      if (auto wrong = check(member, properties[name], where + "." + name); !wrong.empty()) return wrong;
    }
    return {};
  }
  const nlohmann::json& document_;
};

}  // namespace apf::tests
