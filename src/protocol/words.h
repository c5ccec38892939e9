// Command lines as one string: how PanDA keeps a job's parameters.
//
// Quoting is that of a POSIX shell, without expansion: blanks separate, '..' is literal, ".." knows \" and \\,
// a backslash outside takes the next character as it is.
// Thread-safety: pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apf/result.h"

namespace apf::protocol {

std::string join_words(std::span<const std::string> words);
// Errors: "words.open_quote".
Result<std::vector<std::string>> split_words(std::string_view text);

}  // namespace apf::protocol
