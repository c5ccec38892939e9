// HTML tables from texts that may be hostile: every cell is escaped.
//
// Thread-safety: pure functions; a Table belongs to one thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace apf::monitor::html {

class Table {
 public:
  Table(std::string_view caption, const std::vector<std::string>& columns);
  // `links`: column -> address.
  void row(const std::vector<std::string>& cells, const std::map<std::size_t, std::string>& links = {});
  [[nodiscard]] std::string text() const { return text_ + "</tbody></table></div>\n"; }

 private:
  std::string text_;
};

std::string document(std::string_view title, std::string_view as_of, std::string_view body);  // `body` is HTML

}  // namespace apf::monitor::html
