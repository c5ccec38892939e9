#include "rows.h"

#include <fmt/format.h>

#include <charconv>
#include <system_error>

namespace apf::htcondor {
namespace {

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::string shortened(std::string_view line) {
  std::string s(line.substr(0, line.find('\n')).substr(0, 120));
  for (char& c : s)
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  return s;
}

tl::unexpected<Error> garbled(std::string_view tool, std::string what) {
  return fail(Kind::transient, "htcondor.garbled", std::move(what), std::string(tool),
              "the view is refused; look at what the tool prints by hand");
}

// Position of the quote that ends the string whose text begins at `from`; npos when it does not end on its line.
std::size_t closing_quote(std::string_view text, std::size_t from) {
  for (std::size_t i = from; i < text.size(); ++i) {
    if (text[i] == '\n') break;
    if (text[i] == '"' && text[i - 1] != '\\') return i;
    if (text[i] == '"' && i == from) return i;  // an empty string
  }
  return std::string_view::npos;
}

// Takes one value off `rest`; what follows it (tab or line break) stays.
bool take(std::string_view& rest, Field& field) {
  if (!rest.empty() && rest.front() == '"') {
    const std::size_t end = closing_quote(rest, 1);
    if (end == std::string_view::npos) return false;
    field = {rest.substr(1, end - 1), true};
    rest.remove_prefix(end + 1);
    return true;
  }
  const std::size_t end = rest.find_first_of("\t\n");
  field = {rest.substr(0, end), false};
  rest.remove_prefix(field.text.size());
  return !field.text.empty();
}

}  // namespace

std::optional<std::int64_t> Field::integer() const { return quoted ? std::nullopt : number<std::int64_t>(text); }
std::optional<double> Field::real() const { return quoted ? std::nullopt : number<double>(text); }

std::optional<bool> Field::boolean() const {
  if (quoted || (text != "true" && text != "false")) return std::nullopt;
  return text == "true";
}

std::string Field::string() const {
  if (!quoted) return {};
  std::string out(text);
  for (std::size_t at = out.find("\\\""); at != std::string::npos; at = out.find("\\\"", at + 1)) out.erase(at, 1);
  return out;
}

Result<bool> RowReader::next(std::span<Field> fields) {
  if (rest_.empty()) return false;
  const std::string_view line = rest_;
  ++rows_;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const char after = i + 1 < fields.size() ? '\t' : '\n';
    if (!take(rest_, fields[i]) || rest_.empty() || rest_.front() != after)
      return garbled(tool_, fmt::format("row {} is garbled in column {}: '{}'", rows_, i + 1, shortened(line)));
    rest_.remove_prefix(1);
  }
  return true;
}

Result<Submitted> parse_submitted(std::string_view out) {
  const auto wrong = [&] { return garbled("condor_submit", fmt::format("unexpected answer '{}'", shortened(out))); };
  std::string_view line = out;
  if (!line.empty() && line.back() == '\n') line.remove_suffix(1);
  const std::size_t dash = line.find(" - ");
  const std::size_t dot1 = line.find('.'), dot2 = line.rfind('.');
  if (dash == std::string_view::npos || dot1 >= dash || dot2 <= dash + 3) return wrong();
  const auto cluster = number<std::int64_t>(line.substr(0, dot1));
  const auto first = number<std::int32_t>(line.substr(dot1 + 1, dash - dot1 - 1));
  const auto again = number<std::int64_t>(line.substr(dash + 3, dot2 - dash - 3));
  const auto last = number<std::int32_t>(line.substr(dot2 + 1));
  if (!cluster || !first || !last || cluster != again || *cluster < 1 || *first < 0 || *last < *first) return wrong();
  return Submitted{*cluster, *first, *last};
}

Result<std::int64_t> parse_totals(std::string_view out) {
  constexpr std::string_view kBegin = "Total for query: ";
  const std::size_t at = out.find(kBegin);
  if (at != std::string_view::npos) {
    const std::string_view rest = out.substr(at + kBegin.size());
    if (const auto n = number<std::int64_t>(rest.substr(0, rest.find(' '))); n && *n >= 0) return *n;
  }
  return garbled("condor_q -totals", fmt::format("no line with totals in '{}'", shortened(out)));
}

}  // namespace apf::htcondor
