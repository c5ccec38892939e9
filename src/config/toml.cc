// The only file that includes toml++.
#define TOML_EXCEPTIONS 0
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>

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

}  // namespace

Result<Value> parse_toml(std::string_view text, const std::string& file, const std::string& folder) {
  if (const int line = too_deep(text))
    return fail(Kind::config, "config.syntax", "too many dots in one line", Origin{file, line}.text(),
                "no key has that many parts");
  const toml::parse_result parsed = toml::parse(text, file);
  if (!parsed) {
    const auto& error = parsed.error();
    return fail(Kind::config, "config.syntax", std::string(error.description()),
                Origin{file, static_cast<int>(error.source().begin.line)}.text(), "the file must be TOML 1.0");
  }
  const Place place{file, folder};
  Value v = convert(parsed.table(), place);
  v.origin = {file, 1};
  return v;
}

}  // namespace apf::config
