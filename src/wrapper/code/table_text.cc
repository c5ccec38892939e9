#include "wrapper/code/table_text.h"

#include <algorithm>

namespace apf::wrapper {
namespace {

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  constexpr std::string_view blanks = " \t\r";
  line = line.substr(0, line.find('#'));
  for (std::size_t at = line.find_first_not_of(blanks); at != std::string_view::npos;) {
    const std::size_t end = std::min(line.find_first_of(blanks, at), line.size());
    words.emplace_back(line.substr(at, end - at));
    at = line.find_first_not_of(blanks, end);
  }
  return words;
}

}  // namespace

Result<std::vector<TableRow>> read_table(std::string_view text, const std::string& name, std::size_t columns) {
  std::vector<TableRow> rows;
  int number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    TableRow row{.where = name + ":" + std::to_string(++number), .words = words_of(line)};
    const bool is_text = std::none_of(
        line.begin(), line.end(), [](char c) { return (c >= 0 && c < 0x20 && c != '\t' && c != '\r') || c == 0x7f; });
    if (!is_text) return fail(Kind::config, "wrapper.bad_table", "the line holds bytes that are no text", row.where);
    if (row.words.empty()) continue;
    if (row.words.size() != columns)
      return fail(Kind::config, "wrapper.bad_table",
                  "the row has " + std::to_string(row.words.size()) + " columns, not " + std::to_string(columns),
                  row.where, "docs/wrapper.md shows the form");
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  if (text.empty()) return parts;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t comma = std::min(text.find(',', from), text.size());
    parts.emplace_back(text.substr(from, comma - from));
    from = comma + 1;
  }
  return parts;
}

}  // namespace apf::wrapper
