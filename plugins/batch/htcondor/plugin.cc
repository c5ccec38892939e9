// Batch plug-in `htcondor`: options and registration. See README.md.
#include <array>

#include "apf/registry.h"
#include "htcondor.h"
#include "htcondor/event_log_place.h"

namespace apf {
namespace {

constexpr std::array kOptions{
    htcondor::kToolsOption,
    htcondor::kConfigOption,
    htcondor::kScheddOption,
    htcondor::kPoolOption,
    OptionSpec{.name = "user",
               .doc = "account that owns the pilots when the factory runs as root, whose jobs HTCondor refuses"},
    OptionSpec{.name = "spool",
               .type = OptionType::path,
               .doc = "directory of what pilots fetch when they start (report keys); unset: htcondor in the state "
                      "directory, or LOG_DIR-htcondor with 'user'"},
    OptionSpec{.name = "history_since",
               .type = OptionType::duration,
               .fallback = "1h",
               .doc = "how far the first look into the history goes back; later ones go on from the last",
               .minimum = 0},
    OptionSpec{.name = "history_scan",
               .type = OptionType::integer,
               .fallback = "200000",
               .doc = "most records that one look into the history reads",
               .unit = "records",
               .minimum = 1000},
    OptionSpec{.name = "event_log",
               .fallback = "auto",
               .doc = "what is followed to hear at once what happens to pilots: the path of the schedd's event log in "
                      "JSON form, 'pilots' for a log that pilots write themselves, 'auto' for the schedd's where it "
                      "can be followed and the pilots' elsewhere, or 'none'"},
    OptionSpec{.name = "spooling",
               .type = OptionType::boolean,
               .fallback = "false",
               .doc =
                   "hand a pilot's files to the schedd at the submission (condor_submit -spool) and fetch its output "
                   "when it ended: for a schedd that does not see our files"},
    OptionSpec{.name = "fetch_rate",
               .type = OptionType::integer,
               .fallback = "300",
               .doc = "with spooling: most pilots whose output is fetched in a minute",
               .unit = "pilots per minute",
               .minimum = 1},
    OptionSpec{.name = "flavour",
               .fallback = "vanilla",
               .doc = "what kind of job a pilot is: vanilla, or of the grid universe: condor, arc, batch",
               .scope = Scope::queue},
    OptionSpec{.name = "request_memory",
               .type = OptionType::size,
               .doc = "memory of a pilot's slot",
               .scope = Scope::queue,
               .minimum = 1 << 20},
    OptionSpec{.name = "request_disk",
               .type = OptionType::size,
               .doc = "scratch space of a pilot's slot (vanilla, condor)",
               .scope = Scope::queue,
               .minimum = 1 << 20},
    OptionSpec{.name = "request_cpus",
               .type = OptionType::integer,
               .doc = "cores of a pilot's slot",
               .unit = "cores",
               .scope = Scope::queue,
               .minimum = 1,
               .maximum = 4096},
    OptionSpec{.name = "request_gpus",
               .type = OptionType::integer,
               .doc = "GPUs of a pilot's slot (vanilla, condor, batch)",
               .unit = "GPUs",
               .scope = Scope::queue,
               .minimum = 1,
               .maximum = 1024},
    OptionSpec{.name = "requirements",
               .doc = "ClassAd expression that a slot must fulfil (vanilla; condor: a slot of the remote pool)",
               .scope = Scope::queue},
    OptionSpec{.name = "accounting_group",
               .doc = "group that the pilots are accounted to (vanilla, condor)",
               .scope = Scope::queue},
    OptionSpec{.name = "accounting_user",
               .doc = "user that the pilots are accounted to (vanilla, condor)",
               .scope = Scope::queue},
    OptionSpec{.name = "concurrency_limits",
               .type = OptionType::list,
               .doc = "limits of the pool that each pilot counts against, NAME or NAME:UNITS (vanilla)",
               .scope = Scope::queue},
    OptionSpec{.name = "wall_time",
               .type = OptionType::duration,
               .doc = "wall time that a pilot asks for (condor, arc, batch)",
               .scope = Scope::queue,
               .minimum = 60},
    OptionSpec{.name = "remote_schedd",
               .doc = "name of the schedd that runs the pilots, or of an HTCondor-CE's host (condor)",
               .scope = Scope::queue},
    OptionSpec{.name = "remote_pool",
               .doc = "HOST:PORT of the collector that knows it; unset: the host's port 9619, an HTCondor-CE (condor)",
               .scope = Scope::queue},
    OptionSpec{.name = "remote_attributes",
               .type = OptionType::table,
               .doc = "job attributes that the remote job has instead of ours; values are ClassAd expressions (condor)",
               .scope = Scope::queue},
    OptionSpec{
        .name = "arc_url", .doc = "address of the CE: https://HOST:443/arex/rest/1.0 (arc)", .scope = Scope::queue},
    OptionSpec{.name = "arc_queue", .doc = "queue of the CE (arc)", .scope = Scope::queue},
    OptionSpec{.name = "arc_rte",
               .type = OptionType::list,
               .doc = "runtime environments that a pilot needs, such as ENV/PROXY (arc)",
               .scope = Scope::queue},
    OptionSpec{.name = "batch_system", .doc = "slurm, pbs, lsf or sge (batch)", .scope = Scope::queue},
    OptionSpec{.name = "batch_login",
               .doc = "USER@HOST to reach it by ssh; unset: its commands are on the schedd's host (batch)",
               .scope = Scope::queue},
    OptionSpec{.name = "batch_key",
               .type = OptionType::path,
               .doc = "private ssh key for batch_login; unset: HTCondor's, ~/.ssh/bosco_key.rsa (batch)",
               .scope = Scope::queue},
    OptionSpec{.name = "batch_queue", .doc = "queue or partition of the batch system (batch)", .scope = Scope::queue},
    OptionSpec{.name = "batch_project", .doc = "account or project to charge (batch)", .scope = Scope::queue},
    OptionSpec{.name = "batch_arguments",
               .doc = "further arguments of the batch system's submit command (batch)",
               .scope = Scope::queue},
    OptionSpec{.name = "attributes",
               .type = OptionType::table,
               .doc = "further job attributes; values are ClassAd expressions (a string needs its own quotes)",
               .scope = Scope::queue},
    OptionSpec{.name = "extra",
               .type = OptionType::list,
               .doc = "further lines of the submit description, as they are",
               .scope = Scope::queue},
    OptionSpec{.name = "rerun_evicted",
               .type = OptionType::boolean,
               .fallback = "false",
               .doc = "let the batch system start a pilot anew that was evicted (vanilla, condor, batch)",
               .scope = Scope::queue},
    OptionSpec{.name = "max_pending_time",
               .type = OptionType::duration,
               .doc = "HTCondor removes pilots that wait longer than this for a slot; unset: never",
               .scope = Scope::queue,
               .minimum = 0},
    OptionSpec{.name = "max_held_time",
               .type = OptionType::duration,
               .doc = "HTCondor removes pilots that are held longer than this; unset: never",
               .scope = Scope::queue,
               .minimum = 0},
    OptionSpec{.name = "periodic_hold",
               .doc = "ClassAd expression of a pilot that makes HTCondor hold it",
               .scope = Scope::queue},
    OptionSpec{.name = "periodic_release",
               .doc = "ClassAd expression of a held pilot that makes HTCondor let it try again",
               .scope = Scope::queue},
    OptionSpec{.name = "periodic_remove",
               .doc = "ClassAd expression of a pilot that makes HTCondor remove it, beside the factory's own",
               .scope = Scope::queue},
    OptionSpec{.name = "credential",
               .type = OptionType::path,
               .doc = "file of an X.509 proxy or a token (mode 0600) that pilots are submitted with; renewed ones "
                      "reach pilots that wait",
               .scope = Scope::queue},
    OptionSpec{.name = "credential_command",
               .type = OptionType::list,
               .doc = "program and arguments that print the credential instead; run every 5 min at most",
               .scope = Scope::queue},
    OptionSpec{.name = "credential_min_life",
               .type = OptionType::duration,
               .doc =
                   "the queue is held when its credential ends sooner than this; set it to the time that pilots wait "
                   "and run; unset: 1 d for a proxy, 20 min for a token",
               .scope = Scope::queue,
               .minimum = 0},
    OptionSpec{.name = "credential_fqan",
               .doc = "VOMS attribute that the proxy must have: /atlas/Role=production",
               .scope = Scope::queue},
    OptionSpec{.name = "credential_audience", .doc = "audience that the token must have", .scope = Scope::queue},
    OptionSpec{.name = "credential_issuer", .doc = "issuer that the token must have", .scope = Scope::queue},
    OptionSpec{.name = "credential_scope",
               .doc = "words that the token's scope must have, with blanks between them",
               .scope = Scope::queue},
    OptionSpec{.name = "job_log",
               .type = OptionType::boolean,
               .fallback = "true",
               .doc = "let HTCondor write an event log for each pilot beside its output",
               .scope = Scope::queue},
};

Result<std::unique_ptr<Batch>> make(const Options& options) {
  auto tools = htcondor::Tools::make(options);
  if (!tools) return fail(tools.error());
  batch_htcondor::Settings settings;
  settings.spool = options.text_or("spool", "");
  settings.history_since_s = std::chrono::duration_cast<seconds>(options.duration("history_since")).count();
  settings.history_scan = options.integer("history_scan");
  settings.spooling = options.has("spooling") && options.flag("spooling");
  settings.fetch_rate = options.integer_or("fetch_rate", settings.fetch_rate);
  settings.event_log = options.text_or("event_log", "auto");
  if (settings.event_log != "pilots")
    if (auto place = htcondor::event_log_option(options); !place) return fail(place.error());
  return std::make_unique<batch_htcondor::HtcondorBatch>(std::move(*tools), std::move(settings));
}

}  // namespace

void register_batch_htcondor(Registry& registry) {  // NOLINT(misc-use-internal-linkage): called by the generated list
  registry.add(Plugin<Batch>{.name = "htcondor",
                             .summary = "submits pilots to an HTCondor schedd, one cluster a submission",
                             .options = kOptions,
                             .make = make});
}

}  // namespace apf
