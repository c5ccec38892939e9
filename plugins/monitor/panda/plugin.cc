#include <unistd.h>

#include <algorithm>
#include <array>

#include "apf/registry.h"
#include "panda.h"

namespace apf {
namespace {

constexpr std::array kOptions = panda::with_connection(std::array{
    OptionSpec{.name = "harvester_id",
               .doc = "name under which PanDA knows this factory, unique there: at most 50 letters, digits, "
                      "underscores, dots and minus signs",
               .required = true},
    OptionSpec{.name = "host", .doc = "submission host that PanDA's pages show; unset: the name of this machine"},
    OptionSpec{.name = "interval",
               .type = OptionType::duration,
               .fallback = "30s",
               .doc = "states of pilots are collected for so long, or until a batch is full",
               .minimum = 0,
               .maximum = 3600},
    OptionSpec{.name = "counts_interval",
               .type = OptionType::duration,
               .fallback = "5m",
               .doc = "how often the numbers of pilots are told, also when they are the same; 0: never",
               .minimum = 0,
               .maximum = 86400},
    OptionSpec{.name = "batch",
               .type = OptionType::integer,
               .fallback = "100",
               .doc = "pilots in one request at most",
               .unit = "pilots",
               .minimum = 1,
               .maximum = 1000},
    OptionSpec{.name = "queue",
               .type = OptionType::integer,
               .fallback = "20000",
               .doc = "pilots whose news wait at most while the server does not answer; then the oldest are dropped",
               .unit = "pilots",
               .minimum = 100,
               .maximum = 1000000},
});

std::string this_host() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

bool good_id(const std::string& id) {
  constexpr std::string_view more = "_-.";
  return !id.empty() && id.size() <= protocol::panda::kLongestHarvesterId &&
         std::all_of(id.begin(), id.end(), [&](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  more.find(c) != std::string_view::npos;
         });
}

Result<std::unique_ptr<Monitor>> make(const Options& options) {
  panda::ReporterSettings s;
  auto access = panda::access_of(options);
  if (!access) return fail(std::move(access.error()));
  s.access = std::move(*access);
  s.harvester_id = options.text("harvester_id");
  if (!good_id(s.harvester_id))
    return fail(Kind::config, "panda.bad_harvester_id", "'" + s.harvester_id + "' can't be a harvester id",
                "harvester_id", "use 1 to 50 letters, digits, _, - and .");
  const bool https = s.access.servers.front().starts_with("https://");
  if (https && s.access.cert.empty() && s.access.token_file.empty())
    return fail(Kind::config, "panda.no_credential", "PanDA takes reports only from who it knows", "cert",
                "set cert (an X.509 proxy), or token_file and origin");
  s.host = options.text_or("host", this_host());
  s.interval = options.duration("interval");
  s.counts_interval = options.duration("counts_interval");
  s.batch = static_cast<std::size_t>(options.integer("batch"));
  s.longest_queue = static_cast<std::size_t>(options.integer("queue"));
  return std::make_unique<panda::PandaReporter>(s);
}

}  // namespace

void register_monitor_panda(Registry& registry) {  // NOLINT(misc-use-internal-linkage): called by the generated list
  registry.add(Plugin<Monitor>{.name = "panda",
                               .summary = "tells a PanDA server of our pilots: states, numbers, links to their logs",
                               .options = kOptions,
                               .make = make});
}

}  // namespace apf
