#include "factory/table.h"

#include <algorithm>
#include <ostream>
#include <utility>

namespace apf::factory {
namespace {

// What a terminal shows of UTF-8: continuation bytes take no place.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

Table::Table(const std::vector<std::string>& columns) {
  std::vector<std::string> head;
  for (const auto& c : columns) {
    right_.push_back(c.ends_with('>'));
    head.push_back(right_.back() ? c.substr(0, c.size() - 1) : c);
  }
  rows_.push_back(std::move(head));
}

void Table::add(std::vector<std::string> row) {
  row.resize(right_.size());
  rows_.push_back(std::move(row));
}

void Table::print(std::ostream& out) const {
  std::vector<std::size_t> widths(right_.size());
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string space(widths[i] - width(row[i]), ' ');
      line += (i > 0 ? "  " : "") + (right_[i] ? space + row[i] : row[i] + space);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << '\n';
  }
}

}  // namespace apf::factory
