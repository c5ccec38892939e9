// The only file that includes toml++.
//
// toml++ 3.3 asserts what some input breaks: the header "[ = 1]" would end the program, and with NDEBUG be undefined
// behaviour. Found by the fuzz target. Its assertions throw here, whatever the build.
#undef NDEBUG

namespace apf::config {
[[noreturn]] void toml_gives_up();
}
#define TOML_ASSERT(condition) ((condition) ? static_cast<void>(0) : apf::config::toml_gives_up())
#include <toml++/toml.h>

#include <algorithm>
#include <stdexcept>

#include "config/value.h"

namespace apf::config {
namespace {

// toml++ follows dotted keys without a limit, and destroys the nested tables by recursion.
constexpr int kMostDots = 200;

struct Place {
  const std::string& file;
  const std::string& folder;
};

Origin origin_of(const Place& place, const toml::source_region& at) {
  return {place.file, static_cast<int>(at.begin.line)};
}

Value convert(const toml::node& node, const Place& place);

Value::Members members_of(const toml::table& table, const Place& place) {
  struct Keyed {
    toml::source_position at;
    Member member;
  };
  std::vector<Keyed> keyed;  // toml++ sorts by name; people expect the order of the file
  for (const auto& [key, node] : table)
    keyed.push_back(
        {key.source().begin, {std::string(key.str()), convert(node, place), origin_of(place, key.source())}});
  std::stable_sort(keyed.begin(), keyed.end(), [](const Keyed& a, const Keyed& b) { return a.at < b.at; });
  Value::Members members;
  members.reserve(keyed.size());
  for (auto& k : keyed) members.push_back(std::move(k.member));
  return members;
}

Value convert(const toml::node& node, const Place& place) {
  Value v;
  v.origin = origin_of(place, node.source());
  v.folder = place.folder;
  if (const auto* table = node.as_table()) {
    v.data = members_of(*table, place);
  } else if (const auto* array = node.as_array()) {
    Value::List list;
    for (const auto& item : *array) list.push_back(convert(item, place));
    v.data = std::move(list);
  } else if (const auto* text = node.as_string()) {
    v.data = text->get();
  } else if (const auto* whole = node.as_integer()) {
    v.data = whole->get();
  } else if (const auto* real = node.as_floating_point()) {
    v.data = real->get();
  } else if (const auto* flag = node.as_boolean()) {
    v.data = flag->get();
  } else {
    v.data = Other{"a date or time"};
  }
  return v;
}

// The line that nests too deeply; 0: none. Dots within quotes do not nest.
int too_deep(std::string_view text) {
  int line = 1, dots = 0;
  char quote = '\0';
  for (const char c : text) {
    if (c == '\n') {
      ++line;
      dots = 0;
      quote = '\0';
    } else if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '.' && ++dots > kMostDots) {
      return line;
    }
  }
  return 0;
}

class GivesUp : public std::runtime_error {
 public:
  GivesUp() : std::runtime_error("toml++ gives up") {}
};

// The first header without a key, which is what toml++ gives up on; 0: none.
int headless_line(std::string_view text) {
  int line = 1;
  for (std::size_t at = 0; at < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view rest = text.substr(at, end - at);
    at = end + 1;
    const auto skip = [&rest](std::string_view what) {
      rest.remove_prefix(std::min(rest.find_first_not_of(what), rest.size()));
    };
    skip(" \t");
    if (rest.empty() || rest.front() != '[') continue;
    skip("[ \t");
    const char first = rest.empty() ? ']' : rest.front();
    const bool key = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') ||
                     (first >= '0' && first <= '9') || first == '_' || first == '-' || first == '"' || first == '\'';
    if (!key) return line;
  }
  return 0;
}

tl::unexpected<Error> syntax_error(std::string what, const std::string& file, int line) {
  return fail(Kind::config, "config.syntax", std::move(what), Origin{file, line}.text(), "the file must be TOML 1.0");
}

}  // namespace

void toml_gives_up() { throw GivesUp(); }

Result<Value> parse_toml(std::string_view text, const std::string& file, const std::string& folder) {
  if (const int line = too_deep(text)) return syntax_error("too many dots in one line", file, line);
  try {
    const toml::table table = toml::parse(text, file);
    const Place place{file, folder};
    Value v = convert(table, place);
    v.origin = {file, 1};
    return v;
  } catch (const toml::parse_error& e) {
    return syntax_error(std::string(e.description()), file, static_cast<int>(e.source().begin.line));
  } catch (const GivesUp&) {
    return syntax_error("a section's name is expected after '['", file, headless_line(text));
  }
}

}  // namespace apf::config
