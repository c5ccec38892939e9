// Small forms inside the values of AutoPyFactory's configuration. Thread-safety: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace apf::import {

// Without blanks and line breaks at both ends.
std::string trimmed(std::string_view text);
// The parts between separators, without blanks around them; empty ones are left out.
std::vector<std::string> split(std::string_view text, char separator);
// How the original writes that there is no value.
bool is_none(std::string_view text);
std::string lower(std::string_view text);

// Arguments as in a submit description: words between blanks; inside an argument list that is quoted as a whole, ''
// quotes and "" stands for ". What stands in double quotes afterwards stays one word, as the original's wrapper had it.
std::vector<std::string> arguments_of(std::string_view text);

// "requirements = (A && B), +Colour = "a\, b"": parts between commas, `\,` for a comma and `\\` for a backslash.
std::vector<std::string> attributes_of(std::string_view text);

}  // namespace apf::import
