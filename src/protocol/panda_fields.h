// Reads the fields of one JSON object into a struct; the first failure is kept and later reads do nothing, so that a
// reader is one line a field. Private to the panda codec and to servers that speak it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/json_value.h"

namespace apf::protocol::panda {

class Fields {
 public:
  Fields(const json_value::Json& object, std::string code);  // keeps a reference to the object

  void text(std::string_view key, std::string& to, std::size_t longest, bool required = false) {
    const auto* v = find(key, required);
    if (v != nullptr) store(json_value::text(*v, key, code_, longest), to);
    if (required && ok() && to.empty()) refuse("'" + std::string(key) + "' must not be empty");
  }
  template <class Int>
  void integer(std::string_view key, Int& to, std::int64_t least, std::int64_t most, bool required = false) {
    const auto* v = find(key, required);
    if (v == nullptr) return;
    auto n = json_value::integer(*v, key, code_, least, most);
    if (n)
      to = static_cast<Int>(*n);
    else
      failed_ = std::move(n.error());
  }
  void integer(std::string_view key, std::optional<std::int64_t>& to, std::int64_t least, std::int64_t most) {
    if (const auto* v = find(key, false)) store(json_value::integer(*v, key, code_, least, most), to);
  }
  void real(std::string_view key, std::optional<double>& to) {
    const auto* v = find(key, false);
    if (v == nullptr) return;
    store(json_value::real(*v, key, code_), to);
    if (ok() && (*to < 0 || *to > 1e12)) refuse("'" + std::string(key) + "' is out of range");
  }

  // The member, or nullptr when it is missing, null or "NULL".
  const json_value::Json* find(std::string_view key, bool required);
  void refuse(std::string what) {
    if (ok()) failed_ = Error{Kind::permanent, code_, std::move(what), {}, {}};
  }
  void refuse(Error error) {
    if (ok()) failed_ = Error{Kind::permanent, code_, std::move(error.what), {}, {}};
  }
  [[nodiscard]] bool ok() const { return !failed_; }
  [[nodiscard]] const Error& error() const { return *failed_; }

 private:
  template <class From, class To>
  void store(Result<From> value, To& to) {
    if (value)
      to = std::move(*value);
    else
      failed_ = std::move(value.error());
  }

  const json_value::Json& object_;
  std::string code_;
  std::optional<Error> failed_;
};

}  // namespace apf::protocol::panda
