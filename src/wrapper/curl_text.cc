#include "wrapper/curl_text.h"

namespace apf::wrapper::curl {

std::string quoted(std::string_view text) {
  std::string s = "\"";
  for (const char c : text) {
    switch (c) {
      case '\\': s += "\\\\"; break;
      case '"': s += "\\\""; break;
      case '\n': s += "\\n"; break;
      case '\r': s += "\\r"; break;
      case '\t': s += "\\t"; break;
      default: s += c;
    }
  }
  return s + "\"";
}

std::string whole_seconds(Duration d) { return std::to_string((d.count() + 999'999'999) / 1'000'000'000); }

std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of('\n');
  if (end == std::string::npos) return "no message";
  const std::size_t start = text.rfind('\n', end);
  return text.substr(start == std::string::npos ? 0 : start + 1,
                     end - (start == std::string::npos ? 0 : start + 1) + 1);
}

}  // namespace apf::wrapper::curl
