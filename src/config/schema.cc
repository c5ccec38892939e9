#include "config/schema.h"

#include <array>

namespace apf::config {
namespace {

constexpr double kDay = 86'400;
constexpr double kGigabyte = 1e9;

constexpr std::array kFactory{
    OptionSpec{.name = "factory_id",
               .doc = "name of this factory, unique among all that share a batch system; pilots carry it, so never "
                      "change it while pilots live",
               .required = true},
    OptionSpec{.name = "state_dir",
               .type = OptionType::path,
               .fallback = "/var/lib/apf",
               .doc = "folder for the ledger, the journal and the command line's socket; private to one factory"},
    OptionSpec{.name = "log_dir",
               .type = OptionType::path,
               .doc = "root of the pilots' log tree log_dir/YYYY-MM-DD/queue; unset: state_dir/logs"},
    OptionSpec{.name = "log_url", .doc = "where log_dir is served, for links in monitors; unset: from listen"},
    OptionSpec{
        .name = "listen",
        .fallback = "127.0.0.1:0",
        .doc = "address and port of the HTTP API, the pilots' reports and the logs; port 0: any free one; empty: none"},
    OptionSpec{.name = "report_url", .doc = "where pilots report to; unset: from listen"},
    OptionSpec{.name = "alarm_command", .doc = "command run once for each alarm that is raised or cleared"},
    OptionSpec{.name = "max_pilots",
               .type = OptionType::integer,
               .fallback = "0",
               .doc = "most live pilots of this factory; 0: no limit",
               .unit = "pilots",
               .minimum = 0,
               .maximum = 1e9},
    OptionSpec{.name = "max_submissions_per_minute",
               .type = OptionType::integer,
               .fallback = "0",
               .doc = "most pilots that this factory submits in a minute; 0: no limit",
               .unit = "pilots per minute",
               .minimum = 0,
               .maximum = 1e9},
    OptionSpec{.name = "min_free_disk",
               .type = OptionType::size,
               .fallback = "512 MiB",
               .doc = "free space on the disks of state_dir and log_dir below which nothing is submitted",
               .maximum = 1e6 * kGigabyte},
    OptionSpec{.name = "min_free_memory",
               .type = OptionType::size,
               .fallback = "256 MiB",
               .doc = "available memory below which nothing is submitted",
               .maximum = 1e6 * kGigabyte},
    OptionSpec{.name = "retention",
               .type = OptionType::duration,
               .fallback = "7d",
               .doc = "how long finished pilots stay in the ledger",
               .minimum = 3600,
               .maximum = 3660 * kDay},
    OptionSpec{.name = "journal_age",
               .type = OptionType::duration,
               .fallback = "30d",
               .doc = "how long decisions stay in the journal",
               .minimum = 3600,
               .maximum = 3660 * kDay},
    OptionSpec{.name = "journal_size",
               .type = OptionType::size,
               .fallback = "256 MiB",
               .doc = "most space that the journal takes",
               .minimum = 1e6,
               .maximum = 1e6 * kGigabyte},
    OptionSpec{.name = "log_size",
               .type = OptionType::size,
               .fallback = "20 GiB",
               .doc = "most space that the pilots' log tree takes; logs of live pilots always stay",
               .minimum = 1e6,
               .maximum = 1e6 * kGigabyte},
};

constexpr std::array kWms{
    OptionSpec{.name = "plugin", .doc = "which WMS plug-in: `apf plugins wms`", .required = true},
    OptionSpec{.name = "interval",
               .type = OptionType::duration,
               .fallback = "30s",
               .doc = "time between polls; also the cycle of its queues, which steps that count per cycle speak of",
               .minimum = 0.1,
               .maximum = kDay},
    OptionSpec{.name = "max_age",
               .type = OptionType::duration,
               .fallback = "6m",
               .doc = "an older view holds its queues",
               .minimum = 1,
               .maximum = 30 * kDay},
    OptionSpec{.name = "timeout",
               .type = OptionType::duration,
               .fallback = "60s",
               .doc = "most time of one poll",
               .minimum = 0.1,
               .maximum = kDay},
    OptionSpec{.name = "lag",
               .type = OptionType::duration,
               .doc = "how old the WMS's own tables may be; unset: what the plug-in says",
               .minimum = 0,
               .maximum = kDay},
    OptionSpec{
        .name = "pickup",
        .type = OptionType::duration,
        .fallback = "120s",
        .doc =
            "a pilot takes its job within this time of its start; until the WMS can show it, the job counts as claimed",
        .minimum = 0,
        .maximum = kDay},
};

constexpr std::array kBatch{
    OptionSpec{.name = "plugin", .doc = "which batch plug-in: `apf plugins batch`", .required = true},
    OptionSpec{.name = "interval",
               .type = OptionType::duration,
               .fallback = "30s",
               .doc = "time between polls",
               .minimum = 0.1,
               .maximum = kDay},
    OptionSpec{.name = "reconcile",
               .type = OptionType::duration,
               .fallback = "5m",
               .doc = "time between polls while the batch system tells everything by events",
               .minimum = 0.1,
               .maximum = kDay},
    OptionSpec{.name = "max_age",
               .type = OptionType::duration,
               .fallback = "6m",
               .doc = "an older trusted view holds its queues, unless events are current",
               .minimum = 1,
               .maximum = 30 * kDay},
    OptionSpec{.name = "timeout",
               .type = OptionType::duration,
               .fallback = "120s",
               .doc = "most time of one call",
               .minimum = 0.1,
               .maximum = kDay},
    OptionSpec{.name = "settle_wait",
               .type = OptionType::duration,
               .fallback = "60s",
               .doc = "time between the two looks that settle a submission whose answer was lost",
               .minimum = 0,
               .maximum = kDay},
    OptionSpec{.name = "max_pilots",
               .type = OptionType::integer,
               .fallback = "0",
               .doc = "most live pilots in this batch system; 0: no limit",
               .unit = "pilots",
               .minimum = 0,
               .maximum = 1e9},
    OptionSpec{.name = "max_submissions_per_minute",
               .type = OptionType::integer,
               .fallback = "0",
               .doc = "most pilots submitted to this batch system in a minute; 0: no limit",
               .unit = "pilots per minute",
               .minimum = 0,
               .maximum = 1e9},
};

constexpr std::array kMonitor{
    OptionSpec{.name = "plugin", .doc = "which monitor plug-in: `apf plugins monitor`", .required = true},
};

constexpr std::array kConfig{
    OptionSpec{.name = "plugin", .doc = "which config plug-in: `apf plugins config`", .required = true},
};

constexpr std::array kQueue{
    OptionSpec{.name = "wms",
               .doc = "section [wms.NAME] whose jobs the pilots serve; unset: none, for chains that look at no demand"},
    OptionSpec{.name = "wms_queue", .doc = "name of the queue in the WMS; unset: the name of this queue"},
    OptionSpec{.name = "batch", .doc = "section [batch.NAME] that the pilots are submitted to", .required = true},
    OptionSpec{.name = "job_labels", .type = OptionType::list, .doc = "job labels that count as demand; unset: all"},
    OptionSpec{
        .name = "resource_types", .type = OptionType::list, .doc = "resource types that count as demand; unset: all"},
    OptionSpec{.name = "weight",
               .type = OptionType::real,
               .fallback = "1.0",
               .doc = "share of the demand that several queues serve",
               .minimum = 1e-6,
               .maximum = 1e6},
    OptionSpec{.name = "enabled",
               .type = OptionType::boolean,
               .fallback = "true",
               .doc = "false: submit nothing; its pilots are tracked to their end"},
    OptionSpec{.name = "mode",
               .fallback = "active",
               .doc = "shadow: decide and journal, never submit",
               .choices = "active|shadow"},
    OptionSpec{.name = "retire",
               .fallback = "none",
               .doc = "which pilots a negative decision may let go",
               .choices = "none|pending|unfed|running"},
    OptionSpec{
        .name = "retire_order", .fallback = "newest", .doc = "which of them go first", .choices = "newest|oldest"},
    OptionSpec{.name = "renamed_from", .doc = "name of a queue that is gone, whose pilots this one takes over"},
    OptionSpec{.name = "executable", .type = OptionType::path, .doc = "what a pilot runs; unset: the built-in wrapper"},
    OptionSpec{.name = "arguments",
               .type = OptionType::list,
               .doc = "arguments of the executable, or further options of the built-in wrapper"},
    OptionSpec{.name = "environment", .type = OptionType::table, .doc = "environment of the pilots"},
    OptionSpec{.name = "input_files",
               .type = OptionType::paths,
               .doc = "files copied into each pilot's working directory with mode 0600 (tokens, proxies)"},
    OptionSpec{.name = "keep_logs",
               .type = OptionType::duration,
               .fallback = "7d",
               .doc = "how long the logs of finished pilots stay",
               .minimum = 0,
               .maximum = 3660 * kDay},
};

constexpr std::array kSchemas{
    SectionSchema{"factory", "[factory]", "The factory itself; stands once.", kFactory},
    SectionSchema{"wms", "[wms.NAME]", "A workload management system, polled once for all its queues.", kWms},
    SectionSchema{"batch", "[batch.NAME]", "A batch system that runs pilots, polled once for all its queues.", kBatch},
    SectionSchema{"monitor", "[monitor.NAME]", "Is told what the factory does; may be down.", kMonitor},
    SectionSchema{"config", "[config.NAME]", "Brings further queues; the local file wins over it.", kConfig},
    SectionSchema{"queue", "[queue.NAME] and [defaults]",
                  "One flow of pilots. Every queue inherits what [defaults] says; lists replace, tables merge.",
                  kQueue},
};

}  // namespace

std::span<const SectionSchema> schemas() { return kSchemas; }

std::span<const OptionSpec> house_options(std::string_view kind) {
  for (const auto& s : kSchemas)
    if (s.kind == kind) return s.options;
  return {};
}

}  // namespace apf::config
