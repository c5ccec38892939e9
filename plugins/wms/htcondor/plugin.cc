// WMS plug-in `htcondor`: options and registration. See README.md.
#include <fmt/format.h>

#include <array>

#include "apf/registry.h"
#include "htcondor.h"
#include "htcondor/event_log_place.h"
#include "htcondor/text.h"
#include "htcondor/tools.h"

namespace apf {
namespace {

constexpr std::array kOptions{
    htcondor::kToolsOption,
    htcondor::kConfigOption,
    htcondor::kScheddOption,
    htcondor::kPoolOption,
    OptionSpec{.name = "group_by", .doc = "job attribute whose value is the WMS queue", .required = true},
    OptionSpec{.name = "default_queue",
               .doc = "WMS queue of the jobs that do not have that attribute; unset: they are left out"},
    OptionSpec{.name = "job_label", .doc = "job attribute whose value is the job label; unset: none"},
    OptionSpec{.name = "resource_type", .doc = "job attribute whose value is the resource type; unset: none"},
    OptionSpec{.name = "constraint",
               .doc = "ClassAd expression of the jobs to count; unset: all; pilots of factories never count"},
    OptionSpec{.name = "event_log",
               .fallback = "auto",
               .doc = "the schedd's event log in whatever form, watched to ask the schedd as soon as something "
                      "happens: its path, 'auto' to ask the schedd for it, or 'none'"},
    OptionSpec{.name = "longest_wait",
               .type = OptionType::duration,
               .fallback = "25s",
               .doc = "how long the event log may be quiet until the schedd is asked all the same",
               .minimum = 1,
               .maximum = 300},
};

tl::unexpected<Error> bad(std::string_view option, std::string_view what, const std::string& advice) {
  return fail(Kind::config, "htcondor.bad_option", fmt::format("{} {}", option, what),
              fmt::format("option '{}'", option), advice);
}

Status check_attribute(const Options& options, const char* option, bool required = false) {
  const std::string text = options.text_or(option, "");
  if ((text.empty() && !required) || htcondor::is_attribute(text)) return {};
  return bad(option, fmt::format("is '{}', which is no job attribute's name", text), "letters, digits and _");
}

// Pilots of this factory or another one would otherwise be work for more pilots.
Result<std::string> constraint_of(const Options& options) {
  const std::string text = options.text_or("constraint", "");
  std::string no_pilots = "APF_FACTORY_ID =?= undefined";
  if (text.empty()) return no_pilots;
  auto own = htcondor::constraint_expression(text, "the constraint");
  if (own) return no_pilots + " && " + *own;
  own.error().where = "option 'constraint'";
  return own;
}

Result<std::unique_ptr<Wms>> make(const Options& options) {
  wms_htcondor::Settings s;
  if (auto ok = check_attribute(options, "group_by", true); !ok) return fail(ok.error());
  for (const char* option : {"job_label", "resource_type"})
    if (auto ok = check_attribute(options, option); !ok) return fail(ok.error());
  s.grouping.group_by = options.text("group_by");
  s.grouping.job_label = options.text_or("job_label", "");
  s.grouping.resource_type = options.text_or("resource_type", "");
  s.grouping.default_queue = options.text_or("default_queue", "");
  if (!s.grouping.default_queue.empty() && !wms_htcondor::is_word(s.grouping.default_queue))
    return bad("default_queue", "is no name that jobs can give a WMS queue", "letters, digits, blanks and ._:/@+=,#-");
  auto event_log = htcondor::event_log_option(options);
  if (!event_log) return fail(event_log.error());
  s.event_log = *event_log;
  s.longest_wait = options.duration("longest_wait");
  auto constraint = constraint_of(options);
  if (!constraint) return fail(constraint.error());
  s.constraint = *constraint;
  auto tools = htcondor::Tools::make(options);
  if (!tools) return fail(tools.error());
  return std::make_unique<wms_htcondor::HtcondorWms>(std::move(*tools), std::move(s));
}

}  // namespace

void register_wms_htcondor(Registry& registry) {  // NOLINT(misc-use-internal-linkage): called by the generated list
  registry.add(Plugin<Wms>{.name = "htcondor",
                           .summary = "counts the idle and running jobs of an HTCondor schedd as work for pilots",
                           .options = kOptions,
                           .make = make});
}

}  // namespace apf
