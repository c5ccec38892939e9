#include "lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "htcondor/text.h"

namespace apf::batch_htcondor {
namespace {

using htcondor::lower;

// Identity and conditions are ours alone: a free attribute must not replace them, here or in a remote queue, whose
// attributes are written with "remote_" before them.
bool reserved(std::string_view attribute) {
  const std::string name = lower(attribute);
  if (name.starts_with("remote_")) return reserved(name.substr(7));
  constexpr std::array<std::string_view, 10> kOurs{"match_apf_queue", "factory_jobid", "jobstatus",     "requirements",
                                                   "periodicremove",  "gridresource",  "x509userproxy", "scitokensfile",
                                                   "clusterid",       "procid"};
  return name.starts_with("apf_") || std::find(kOurs.begin(), kOurs.end(), name) != kOurs.end();
}

// Commands that only some flavours write, so that ours does not always come last and win.
bool ours(std::string_view command) {
  constexpr std::array<std::string_view, 9> kOurs{"periodic_remove", "periodic_hold",     "periodic_release",
                                                  "grid_resource",   "max_materialize",   "max_idle",
                                                  "scitokens_file",  "use_x509userproxy", "materialize_max_idle"};
  return std::find(kOurs.begin(), kOurs.end(), command) != kOurs.end();
}

}  // namespace

void Lines::raw(std::string_view name, std::string_view value) { text_ += fmt::format("{} = {}\n", name, value); }
void Lines::add(std::string_view name, const Result<std::string>& value) {
  if (const auto good = checked(value)) raw(name, *good);
}
void Lines::line(std::string_view whole) { text_ += fmt::format("{}\n", whole); }
void Lines::check(const Status& status) {
  if (!status && !error_) error_ = status.error();
}
std::optional<std::string> Lines::checked(Result<std::string> value) {
  if (value) return std::move(*value);
  if (!error_) error_ = std::move(value.error());
  return std::nullopt;
}
Result<std::string> Lines::take() {
  if (error_) return fail(*error_);
  return std::move(text_);
}

void Expression::add(std::string_view condition) {
  if (!text_.empty()) text_ += fmt::format(" {} ", joint_);
  text_ += fmt::format("({})", condition);
}
void Expression::add_given(Lines& lines, Result<std::string> condition) {
  if (const auto good = lines.checked(std::move(condition))) add(*good);
}

tl::unexpected<Error> bad_option(std::string what, std::string advice) {
  return fail(Kind::config, "htcondor.bad_option", std::move(what), "", std::move(advice));
}

Status check_attribute_name(const std::string& name) {
  if (!htcondor::is_attribute(name))
    return bad_option(fmt::format("attribute '{}' is no ClassAd name", name), "letters, digits and _ only");
  if (reserved(name)) return bad_option(fmt::format("attribute '{}' is set by the factory", name));
  return {};
}

Status check_extra(const std::string& line) {
  if (auto ok = htcondor::check_plain(line, "a line of 'extra'"); !ok) return ok;
  const std::size_t equals = line.find('=');
  if (equals == std::string::npos || equals == 0 || line.back() == '\\' || line.find("@=") != std::string::npos)
    return bad_option(fmt::format("extra line '{}' is not of the form 'name = value'", line));
  std::string name = lower(line.substr(0, equals));
  std::erase_if(name, [](char c) { return c == ' ' || c == '\t'; });
  constexpr std::array<std::string_view, 7> kForbidden{"queue", "if", "elif", "else", "endif", "include", "use"};
  const std::string first = name.substr(0, name.find_first_of(":("));
  for (const auto word : kForbidden)
    if (first == word || lower(line).starts_with(std::string(word) + " "))
      return bad_option(fmt::format("extra line '{}' may not be a '{}' statement", line, word));
  std::string_view attribute = name;
  if (attribute.starts_with("+")) attribute.remove_prefix(1);
  if (attribute.starts_with("my.")) attribute.remove_prefix(3);
  if (reserved(attribute) || ours(attribute))
    return bad_option(fmt::format("extra line '{}' sets what the factory sets itself", line),
                      "use the options of the queue instead");
  return {};
}

void attribute_lines(Lines& lines, const Options& o, const char* option, std::string_view prefix) {
  if (!o.has(option)) return;
  for (const auto& [name, value] : o.table(option)) {
    lines.check(check_attribute_name(name));
    lines.add(fmt::format("+{}{}", prefix, name),
              htcondor::submit_expression(value, fmt::format("attribute '{}'", name)));
  }
}

void text_line(Lines& lines, const Options& o, const char* option, std::string_view command) {
  if (o.has(option)) lines.add(command, htcondor::submit_text(o.text(option), option));
}

std::int64_t whole_seconds(const Options& o, const char* option) {
  return std::chrono::duration_cast<seconds>(o.duration(option)).count();
}

}  // namespace apf::batch_htcondor
