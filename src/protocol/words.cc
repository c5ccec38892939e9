#include "protocol/words.h"

#include <algorithm>

namespace apf::protocol {
namespace {

bool plain(char c) {
  const bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return alnum || std::string_view("_-./=:,+@%").find(c) != std::string_view::npos;
}

bool blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// The state machine of split_words.
struct Splitter {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  bool escaped = false;

  void take(char c) {
    word += c;
    in_word = true;
  }
  void end_word() {
    if (in_word) words.push_back(std::move(word));
    word.clear();
    in_word = false;
  }
  void feed(char c) {
    if (escaped) {
      if (quote == '"' && c != '"' && c != '\\') take('\\');
      take(c);
      escaped = false;
    } else if (c == '\\' && quote != '\'') {
      escaped = true;
    } else if (quote != 0) {
      if (c == quote)
        quote = 0;
      else
        take(c);
    } else if (c == '\'' || c == '"') {
      quote = c;
      in_word = true;  // '' is an empty word
    } else if (blank(c)) {
      end_word();
    } else {
      take(c);
    }
  }
};

}  // namespace

std::string join_words(std::span<const std::string> words) {
  std::string out;
  for (const std::string& w : words) {
    if (!out.empty()) out += ' ';
    if (!w.empty() && std::all_of(w.begin(), w.end(), plain)) {
      out += w;
      continue;
    }
    out += '\'';
    for (const char c : w) {
      if (c == '\'')
        out += "'\\''";
      else
        out += c;
    }
    out += '\'';
  }
  return out;
}

Result<std::vector<std::string>> split_words(std::string_view text) {
  Splitter s;
  for (const char c : text) s.feed(c);
  if (s.quote != 0 || s.escaped)
    return fail(Kind::permanent, "words.open_quote",
                "a quotation is not closed in '" + std::string(text.substr(0, 80)) + "'");
  s.end_word();
  return std::move(s.words);
}

}  // namespace apf::protocol
