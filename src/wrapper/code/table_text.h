// Tables as people write them (lookup.conf, pilots.conf): a row a line, words between blanks, '#' begins a comment.
//
// Thread-safety: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apf/result.h"

namespace apf::wrapper {

struct TableRow {
  std::string where;  // "lookup.conf:3"
  std::vector<std::string> words;
};
// Error: Kind::config "wrapper.bad_table": a row has not `columns` words, or bytes that are no text.
Result<std::vector<TableRow>> read_table(std::string_view text, const std::string& name, std::size_t columns);

// "a,b" in its parts; an empty part is kept, "" has none.
std::vector<std::string> split_list(std::string_view text);

}  // namespace apf::wrapper
