// The lines of a submit description under construction, and the checks of those that users write themselves.
//
// Thread-safety: as a plain value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "apf/options.h"

namespace apf::batch_htcondor {

// Collects lines; remembers the first error, so that callers read like the description they write.
class Lines {
 public:
  void raw(std::string_view name, std::string_view value);
  void add(std::string_view name, const Result<std::string>& value);
  void line(std::string_view whole);
  void check(const Status& status);
  // The value; nothing: its error is remembered.
  std::optional<std::string> checked(Result<std::string> value);
  // All lines, or the first error.
  Result<std::string> take();

 private:
  std::string text_;
  std::optional<Error> error_;
};

// `condition`s of one expression, joined by "||" or "&&".
class Expression {
 public:
  explicit Expression(std::string_view joint) : joint_(joint) {}
  void add(std::string_view condition);
  void add_given(Lines& lines, Result<std::string> condition);  // of the user
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string_view joint_;
  std::string text_;
};

tl::unexpected<Error> bad_option(std::string what, std::string advice = "");

// A free attribute: a ClassAd name that is not the factory's own.
Status check_attribute_name(const std::string& name);

// "+<prefix>NAME = EXPRESSION" for each entry of an option of type table, if it is set.
void attribute_lines(Lines& lines, const Options& o, const char* option, std::string_view prefix);
// "command = value" of an option of type text, if it is set.
void text_line(Lines& lines, const Options& o, const char* option, std::string_view command);
std::int64_t whole_seconds(const Options& o, const char* option);

// Raw lines may set any submit command but may not queue, branch, include, or open a multi-line value.
Status check_extra(const std::string& line);

}  // namespace apf::batch_htcondor
