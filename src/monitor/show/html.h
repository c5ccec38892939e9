// HTML tables from texts that may be hostile: everything is escaped here and nowhere else.
//
// Thread-safety: pure functions; a Table belongs to one thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace apf::monitor::html {

std::string escaped(std::string_view text);  // for text and for attributes in double quotes
std::string in_url(std::string_view text);   // as the value of a query

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
