#include "wrapper/code/lookup.h"

#include <algorithm>
#include <tuple>

#include "wrapper/code/table_text.h"
#include "wrapper/plugin.h"

namespace apf::wrapper {
namespace {

// How specific a row is; more is greater.
auto rank(const LookupRow& row) {
  std::size_t whole = 0, part = 0, letters = 0;
  std::array<int, 4> columns{};
  for (std::size_t i = 0; i < row.where.size(); ++i) {
    const std::string& word = row.where.at(i);
    const auto stars = static_cast<std::size_t>(std::count(word.begin(), word.end(), '*'));
    columns.at(i) = stars == 0 ? 2 : word.size() > stars ? 1 : 0;
    if (columns.at(i) == 2) ++whole;
    if (columns.at(i) == 1) ++part;
    letters += word.size() - stars;
  }
  return std::make_tuple(whole, part, columns, letters);
}

}  // namespace

bool matches(std::string_view pattern, std::string_view text) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (!text.starts_with(pattern.substr(0, star))) return false;
  text.remove_prefix(star);
  pattern.remove_prefix(star + 1);
  // What stands between stars is taken where it comes first; what is behind the last one must be the end.
  for (std::size_t next = pattern.find('*'); next != std::string_view::npos; next = pattern.find('*')) {
    const std::size_t found = text.find(pattern.substr(0, next));
    if (found == std::string_view::npos) return false;
    text.remove_prefix(found + next);
    pattern.remove_prefix(next + 1);
  }
  return text.ends_with(pattern);
}

Result<std::vector<LookupRow>> read_lookup(std::string_view text) {
  constexpr std::size_t kColumns = 6;
  const auto table = read_table(text, "lookup.conf", kColumns);
  if (!table) return fail(table.error());
  std::vector<LookupRow> rows;
  for (const TableRow& r : *table) {
    LookupRow row{.where = {r.words[0], r.words[1], r.words[2], r.words[3]}, .plugin = r.words[4], .line = r.where};
    if (find_plugin(row.plugin) == nullptr)
      return fail(Kind::config, "wrapper.bad_table", "there is no wrapper plug-in '" + row.plugin + "'", r.where,
                  "use one of " + plugin_names());
    if (r.words[5] != "-") row.pilot_types = split_list(r.words[5]);
    if (std::count(row.pilot_types.begin(), row.pilot_types.end(), "") > 0)
      return fail(Kind::config, "wrapper.bad_table", "'" + r.words[5] + "' is no list of pilot types", r.where,
                  "write TYPE,TYPE,... or -");
    const auto twin =
        std::find_if(rows.begin(), rows.end(), [&](const LookupRow& other) { return other.where == row.where; });
    if (twin != rows.end())
      return fail(Kind::config, "wrapper.bad_table", "the same place stands in " + twin->line + " already", r.where);
    rows.push_back(std::move(row));
  }
  return rows;
}

const LookupRow* look_up(const std::vector<LookupRow>& rows, const std::array<std::string, 4>& here) {
  const LookupRow* best = nullptr;
  for (const LookupRow& row : rows) {
    bool fits = true;
    for (std::size_t i = 0; i < here.size(); ++i) fits = fits && matches(row.where.at(i), here.at(i));
    if (fits && (best == nullptr || rank(row) > rank(*best))) best = &row;
  }
  return best;
}

}  // namespace apf::wrapper
