#include "event_log_place.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

namespace apf::htcondor {
namespace {

// Lower-case words of a list set apart by commas or blanks.
std::vector<std::string> words_of(std::string_view list) {
  std::vector<std::string> out(1);
  for (const char c : list) {
    if (c == ',' || c == ' ' || c == '\t')
      out.emplace_back();
    else
      out.back() += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  std::erase(out, "");
  return out;
}

bool has(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), words_of(word).front()) != words.end();
}

// One line for each name that was asked for; empty where it is not defined.
std::vector<std::string> values(std::string_view out) {
  std::vector<std::string> lines;
  while (!out.empty()) {
    std::string_view line = out.substr(0, out.find('\n'));
    out.remove_prefix(std::min(line.size() + 1, out.size()));
    lines.emplace_back(line.starts_with("Not defined") ? "" : line);
  }
  return lines;
}

tl::unexpected<Error> unsuitable(const std::string& code, std::string what, const std::string& where,
                                 std::string advice) {
  return fail(Kind::config, "htcondor.event_log_" + code, std::move(what), where, std::move(advice));
}

// A schedd that is down, or dies while it is asked, comes back; one that refuses to tell goes on refusing, which is no
// fault but a setting.
bool refuses(const Error& error) {
  constexpr std::array<std::string_view, 3> kDown{"find address", "connect", "end of message"};
  return error.code == "htcondor.failed" && std::none_of(kDown.begin(), kDown.end(), [&](std::string_view words) {
           return error.what.find(words) != std::string::npos;
         });
}

// The values of EVENT_LOG (a full path on this machine), its format, its attributes, and the schedd's host.
Result<std::vector<std::string>> ask(const Tools& tools, Context& context) {
  std::vector<std::string> asked{"-schedd", "EVENT_LOG", "EVENT_LOG_FORMAT_OPTIONS",
                                 "EVENT_LOG_JOB_AD_INFORMATION_ATTRS", "FULL_HOSTNAME"};
  auto out = tools.query("condor_config_val", asked, context);
  if (!out && tools.schedd().empty()) {  // it is down, or does not tell: what it will read tells, too
    asked.front() = "-subsystem";
    asked.insert(asked.begin() + 1, "SCHEDD");
    if (auto local = tools.query_here("condor_config_val", asked, context); local && values(*local).size() == 4)
      out = std::move(local);
  }
  if (!out && refuses(out.error()))
    return unsuitable("untold", "the schedd does not tell where its event log is: " + out.error().what,
                      "condor_config_val", "name the path with option event_log, or set it to none");
  if (!out) return fail(out.error());
  auto answers = values(*out);
  if (answers.size() != 4)
    return fail(Kind::transient, "htcondor.garbled", fmt::format("{} answers to 4 questions", answers.size()),
                "condor_config_val");
  const std::string& path = answers[0];
  if (path.empty() || path.front() != '/')
    return unsuitable("none", "the schedd writes no event log", "condor_config_val -schedd EVENT_LOG",
                      "set EVENT_LOG for the schedd; until then the factory asks condor_q");
  if (!tools.schedd().empty()) {
    auto here = tools.query_here("condor_config_val", {"FULL_HOSTNAME"}, context);
    if (!here) return fail(here.error());
    if (const auto host = values(*here); host.empty() || host[0] != answers[3])
      return unsuitable("elsewhere",
                        fmt::format("the schedd writes its event log on {}, not on this machine", answers[3]), path,
                        "name the path with option event_log if it can be read here");
  }
  return answers;
}

}  // namespace

Result<std::string> find_event_log(const Tools& tools, Context& context) {
  return ask(tools, context).map([](const std::vector<std::string>& answers) { return answers[0]; });
}

Result<std::string> event_log_option(const Options& options) {
  std::string place = options.text_or("event_log", "auto");
  if (place == "auto" || place == "none" || place.starts_with('/')) return place;
  return fail(Kind::config, "htcondor.bad_option",
              fmt::format("event_log is '{}', which is neither a full path nor 'auto' or 'none'", place),
              "option 'event_log'");
}

Result<std::string> locate_event_log(const Tools& tools, std::span<const std::string_view> attributes,
                                     Context& context) {
  auto answered = ask(tools, context);
  if (!answered) return fail(answered.error());
  const std::vector<std::string>& answers = *answered;
  const std::string& path = answers[0];
  if (!has(words_of(answers[1]), "json"))
    return unsuitable("format", "the schedd does not write its event log in JSON form", path,
                      "set EVENT_LOG_FORMAT_OPTIONS = JSON, UTC, SUB_SECOND for the schedd");
  std::string missing;
  for (const auto attribute : attributes)
    if (!has(words_of(answers[2]), attribute)) missing += fmt::format("{}{}", missing.empty() ? "" : ", ", attribute);
  if (!missing.empty())
    return unsuitable("attributes",
                      "the schedd's event log does not tell whose job an event is about: it lacks " + missing, path,
                      "add them to EVENT_LOG_JOB_AD_INFORMATION_ATTRS of the schedd");
  return path;
}

}  // namespace apf::htcondor
