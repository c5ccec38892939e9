#include "event_json.h"

#include <nlohmann/json.hpp>

namespace apf::htcondor {
namespace {

using Json = nlohmann::json;

// Keeps what stands in the outermost object while it is read: hundreds of events a second are not worth a tree each.
class Outermost final : public nlohmann::json_sax<Json> {
 public:
  EventAttributes attributes;

  bool boolean(bool v) override { return keep(v); }
  bool number_integer(Json::number_integer_t v) override { return keep(std::int64_t{v}); }
  bool number_unsigned(Json::number_unsigned_t v) override {
    return v > INT64_MAX || keep(static_cast<std::int64_t>(v));
  }
  bool string(Json::string_t& v) override { return keep(std::move(v)); }
  bool null() override { return true; }
  bool number_float(Json::number_float_t /*v*/, const Json::string_t& /*text*/) override { return true; }
  bool binary(Json::binary_t& /*v*/) override { return true; }

  bool key(Json::string_t& name) override {
    if (depth_ == 1) name_ = std::move(name);
    return true;
  }
  bool start_object(std::size_t /*size*/) override { return ++depth_ > 0; }
  bool end_object() override { return --depth_ >= 0; }
  bool start_array(std::size_t /*size*/) override { return depth_++ > 0; }
  bool end_array() override { return --depth_ >= 0; }
  bool parse_error(std::size_t /*at*/, const std::string& /*token*/, const Json::exception& /*e*/) override {
    return false;
  }

 private:
  template <class T>
  bool keep(T value) {
    if (depth_ == 1) attributes.insert_or_assign(std::move(name_), EventValue(std::move(value)));
    return depth_ > 0;
  }

  std::string name_;
  int depth_ = 0;
};

}  // namespace

EventAttributes attributes_of_json(std::string_view object) {
  Outermost reader;
  if (!Json::sax_parse(object, &reader)) return {};
  return std::move(reader.attributes);
}

}  // namespace apf::htcondor
