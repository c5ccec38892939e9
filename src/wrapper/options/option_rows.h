// The form of the wrapper's option tables: a row an option, with the function that checks and takes its value.
//
// Thread-safety: pure functions.
#pragma once

#include <charconv>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "apf/options.h"
#include "wrapper/options/options.h"

namespace apf::wrapper::rows {

constexpr const char* kBadOption = "wrapper.bad_option";

using Setter = Status (*)(Options&, const std::string&);
struct Row {
  std::string_view name, value, doc;
  Setter set;
};

inline tl::unexpected<Error> bad(std::string what, std::string advice = {}) {
  return fail(Kind::config, kBadOption, std::move(what), {}, std::move(advice));
}

// `Part` leads from Options to the struct that holds the member: &Options::node, or nullptr for Options itself.
template <auto Part>
auto& part_of(Options& o) {
  if constexpr (std::is_null_pointer_v<decltype(Part)>)
    return o;
  else
    return o.*Part;
}

template <auto Member, auto Part = nullptr>
Status text(Options& o, const std::string& v) {
  part_of<Part>(o).*Member = v;
  return {};
}

template <auto Member, auto Part = nullptr>
Status duration(Options& o, const std::string& v) {
  auto d = parse_duration(v);
  if (!d) return fail(std::move(d.error()));
  if (*d < Duration::zero()) return bad("'" + v + "' is negative");
  part_of<Part>(o).*Member = *d;
  return {};
}

template <auto Member, auto Part = nullptr>
Status size(Options& o, const std::string& v) {
  const auto bytes = parse_size(v);
  if (!bytes) return fail(bytes.error());
  if (*bytes < 0) return bad("'" + v + "' is negative");
  part_of<Part>(o).*Member = *bytes;
  return {};
}

template <auto Member, auto Part = nullptr>
Status yes_or_no(Options& o, const std::string& v) {
  if (v != "yes" && v != "no") return bad("'" + v + "' is neither yes nor no");
  part_of<Part>(o).*Member = v == "yes";
  return {};
}

// A whole number from 0.
inline bool read_number(std::string_view v, std::int64_t& n) {
  const auto r = std::from_chars(v.data(), v.data() + v.size(), n);
  return r.ec == std::errc{} && r.ptr == v.data() + v.size() && n >= 0;
}

template <auto Member, auto Part = nullptr>
Status number(Options& o, const std::string& v) {
  std::int64_t n = 0;
  if (!read_number(v, n)) return bad("'" + v + "' is not a whole number from 0");
  part_of<Part>(o).*Member = n;
  return {};
}

// Words between commas, without blanks around them; empty ones are left out.
inline std::vector<std::string> words(std::string_view list) {
  std::vector<std::string> result;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    std::string_view word = list.substr(0, comma);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    while (!word.empty() && word.front() == ' ') word.remove_prefix(1);
    while (!word.empty() && word.back() == ' ') word.remove_suffix(1);
    if (!word.empty()) result.emplace_back(word);
  }
  return result;
}

std::span<const Row> of_node();       // node/options.cc
std::span<const Row> of_running();    // running_options.cc
std::span<const Row> of_code();       // code_options.cc
std::span<const Row> of_bootstrap();  // bootstrap_options.cc

}  // namespace apf::wrapper::rows
