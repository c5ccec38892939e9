#include "text.h"

#include <fmt/format.h>

#include <algorithm>

namespace apf::htcondor {
namespace {

tl::unexpected<Error> bad(std::string_view label, std::string_view why, std::string_view advice = "") {
  return fail(Kind::config, "htcondor.bad_text", fmt::format("{} {}", label, why), "", std::string(advice));
}

bool control(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }
bool stand_in(char c) { return c == kPilotId[0] || c == kIndex[0]; }
bool blank(char c) { return c == ' ' || c == '\t'; }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool digit(char c) { return c >= '0' && c <= '9'; }

// "$(X)", "$ENV(X)", "$RANDOM(...)" expand at submission: $(DOLLAR) keeps a dollar literal. "$$(X)" expands when a
// slot is found, and nothing keeps that literal.
Result<std::string> without_macros(std::string_view value, std::string_view label) {
  if (value.find("$$") != std::string_view::npos)
    return bad(label, "holds '$$', which HTCondor would expand when a slot is found", "write it another way");
  std::string out;
  out.reserve(value.size() + 16);
  for (const char c : value) {
    if (c == kPilotId[0])
      out += "$(Cluster).$(Process)";
    else if (c == kIndex[0])
      out += "$(Process)";
    else if (c == '$')
      out += "$(DOLLAR)";
    else
      out += c;
  }
  return out;
}

Status check_line(std::string_view value, std::string_view label) {
  for (const char c : value)
    if (control(c) && !stand_in(c)) return bad(label, "holds a line break or another control character");
  return {};
}

Status check_ends(std::string_view value, std::string_view label) {
  if (value.empty()) return bad(label, "is empty");
  if (blank(value.front()) || blank(value.back())) return bad(label, "begins or ends with a blank");
  if (value.back() == '\\') return bad(label, "ends with a backslash, which would join it to the next line");
  return {};
}

Status check_balance(std::string_view value, std::string_view label) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (c == '"' && (!quoted || value[i - 1] != '\\')) quoted = !quoted;
    if (quoted) continue;
    if (c == '(') ++depth;
    if (c == ')' && --depth < 0) return bad(label, "closes a parenthesis that it did not open");
  }
  if (quoted) return bad(label, "opens a string that it does not close");
  if (depth != 0) return bad(label, "opens a parenthesis that it does not close");
  return {};
}

// Inside the outer double quotes of the new syntax: each item in single quotes, both kinds of quotes doubled.
void append_quoted(std::string& out, std::string_view text) {
  out += '\'';
  for (const char c : text) {
    out += c;
    if (c == '\'' || c == '"') out += c;
  }
  out += '\'';
}

}  // namespace

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool is_word(std::string_view text, std::string_view also) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return letter(c) || digit(c) || also.find(c) != std::string_view::npos;
  });
}

bool is_attribute(std::string_view text) { return is_word(text, "_") && !digit(text.front()); }

Status check_plain(std::string_view value, std::string_view label) {
  if (std::any_of(value.begin(), value.end(), control))
    return bad(label, "holds a line break or another control character");
  return {};
}

Result<std::string> submit_text(std::string_view value, std::string_view label) {
  if (auto ok = check_line(value, label); !ok) return fail(ok.error());
  if (auto ok = check_ends(value, label); !ok) return fail(ok.error());
  return without_macros(value, label);
}

Result<std::string> submit_expression(std::string_view value, std::string_view label) {
  if (auto ok = check_balance(value, label); !ok) return fail(ok.error());
  return submit_text(value, label);
}

Result<std::string> submit_string(std::string_view value, std::string_view label) {
  if (auto ok = check_line(value, label); !ok) return fail(ok.error());
  std::string quoted = "\"";
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\\' && (i + 1 == value.size() || value[i + 1] == '"'))
      return bad(label, "holds a backslash before a quote or at its end, which ClassAds can't express");
    if (value[i] == '"') quoted += '\\';
    quoted += value[i];
  }
  quoted += '"';
  return without_macros(quoted, label);
}

Result<std::string> submit_arguments(const std::vector<std::string>& arguments) {
  std::string out = "\"";
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (auto ok = check_line(arguments[i], "an argument"); !ok) return fail(ok.error());
    if (i > 0) out += ' ';
    append_quoted(out, arguments[i]);
  }
  out += '"';
  return without_macros(out, "an argument");
}

Result<std::string> submit_environment(const std::map<std::string, std::string>& environment) {
  std::string out = "\"";
  for (const auto& [name, value] : environment) {
    const std::string label = fmt::format("environment variable '{}'", name);
    if (!is_attribute(name))
      return bad("the name of " + label, "may hold letters, digits and _ only, and does not begin with a digit");
    if (auto ok = check_line(value, label); !ok) return fail(ok.error());
    if (out.size() > 1) out += ' ';
    out += name + "=";
    append_quoted(out, value);
  }
  out += '"';
  return without_macros(out, "the environment");
}

Result<std::string> constraint_string(std::string_view value, std::string_view label) {
  if (auto ok = check_plain(value, label); !ok) return fail(ok.error());
  if (value.find_first_of("\"\\") != std::string_view::npos) return bad(label, "holds a quote or a backslash");
  return fmt::format("\"{}\"", value);
}

Result<std::string> constraint_expression(std::string_view value, std::string_view label) {
  if (auto ok = check_plain(value, label); !ok) return fail(ok.error());
  if (auto ok = check_ends(value, label); !ok) return fail(ok.error());
  if (auto ok = check_balance(value, label); !ok) return fail(ok.error());
  return fmt::format("({})", value);
}

std::string plain_reason(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (control(c) || c == '\t' || c == '\\') c = ' ';
    if (c == '"') c = '\'';
  }
  return out;
}

}  // namespace apf::htcondor
