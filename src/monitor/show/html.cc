#include "monitor/show/html.h"

#include <fmt/format.h>

#include "serve/html.h"

namespace apf::monitor::html {

using serve::html_escape;

Table::Table(std::string_view caption, const std::vector<std::string>& columns) {
  text_ =
      fmt::format("<div class=\"scroll\" tabindex=\"0\"><table><caption>{}</caption><thead><tr>", html_escape(caption));
  for (const auto& c : columns) text_ += "<th scope=\"col\">" + html_escape(c) + "</th>";
  text_ += "</tr></thead><tbody>\n";
}

void Table::row(const std::vector<std::string>& cells, const std::map<std::size_t, std::string>& links) {
  text_ += "<tr>";
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto link = links.find(i);
    const std::string text = html_escape(cells[i]);
    text_ += "<td>";
    text_ += link == links.end() ? text : "<a href=\"" + html_escape(link->second) + "\">" + text + "</a>";
    text_ += "</td>";
  }
  text_ += "</tr>\n";
}

std::string document(std::string_view title, std::string_view as_of, std::string_view body) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{0} - apf-monitor</title>"
      "<link rel=\"icon\" href=\"/web/icon.svg\"><link rel=\"stylesheet\" href=\"/web/style.css\"></head>\n"
      "<body><main class=\"plain\"><h1>{0}</h1><p>As of {1}. <a href=\"/plain\">All "
      "labels</a></p>\n{2}</main></body></html>\n",
      html_escape(title), html_escape(as_of), body);
}

}  // namespace apf::monitor::html
