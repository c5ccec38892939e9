#include "import/words.h"

#include <cctype>

namespace apf::import {
namespace {

bool blank(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

// Words between blanks; double quotes keep blanks together, and where `single` says so, single ones do too.
std::vector<std::string> words(std::string_view text, bool single) {
  std::vector<std::string> out;
  std::string word;
  bool any = false;
  char quote = 0;
  for (const char c : text) {
    if (quote == 0 && blank(c)) {
      if (any) out.push_back(std::move(word));
      word.clear();
      any = false;
      continue;
    }
    any = true;
    if (c == quote)
      quote = 0;
    else if (quote == 0 && (c == '"' || (single && c == '\'')))
      quote = c;
    else
      word += c;
  }
  if (any) out.push_back(std::move(word));
  return out;
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  for (auto at = text.find(from); at != std::string_view::npos; at = text.find(from)) {
    out += text.substr(0, at);
    out += to;
    text.remove_prefix(at + from.size());
  }
  return out.append(text);
}

}  // namespace

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto end = text.find(separator);
    if (auto part = trimmed(text.substr(0, end)); !part.empty()) out.push_back(std::move(part));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return out;
}

bool is_none(std::string_view text) { return text.empty() || text == "None" || text == "none"; }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::vector<std::string> arguments_of(std::string_view text) {
  const std::string all = trimmed(text);
  if (all.size() >= 2 && all.front() == '"' && all.back() == '"')
    return words(replaced(std::string_view(all).substr(1, all.size() - 2), "\"\"", "\""), true);
  return words(replaced(all, "\\\"", "\""), false);
}

std::vector<std::string> attributes_of(std::string_view text) {
  std::vector<std::string> out;
  std::string part;
  const auto end_part = [&] {
    if (auto whole = trimmed(part); !whole.empty()) out.push_back(std::move(whole));
    part.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escaped = text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == ',' || text[i + 1] == '\\');
    if (escaped)
      part += text[++i];
    else if (text[i] == ',')
      end_part();
    else
      part += text[i];
  }
  end_part();
  return out;
}

}  // namespace apf::import
