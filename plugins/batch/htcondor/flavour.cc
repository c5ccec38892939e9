#include "flavour.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "htcondor/text.h"
#include "lines.h"

namespace apf::batch_htcondor {
namespace {

constexpr unsigned kVanilla = static_cast<unsigned>(Flavour::vanilla);
constexpr unsigned kCondor = static_cast<unsigned>(Flavour::condor);
constexpr unsigned kArc = static_cast<unsigned>(Flavour::arc);
constexpr unsigned kBatch = static_cast<unsigned>(Flavour::batch);

// Options that not every flavour has; all others have a meaning in each.
struct Owned {
  std::string_view option;
  unsigned flavours;
};
constexpr std::array<Owned, 20> kOwned{{
    {"requirements", kVanilla | kCondor},
    {"accounting_group", kVanilla | kCondor},
    {"accounting_user", kVanilla | kCondor},
    {"request_disk", kVanilla | kCondor},
    {"request_gpus", kVanilla | kCondor | kBatch},
    {"rerun_evicted", kVanilla | kCondor | kBatch},
    {"concurrency_limits", kVanilla},
    {"wall_time", kCondor | kArc | kBatch},
    {"remote_schedd", kCondor},
    {"remote_pool", kCondor},
    {"remote_attributes", kCondor},
    {"arc_url", kArc},
    {"arc_queue", kArc},
    {"arc_rte", kArc},
    {"batch_system", kBatch},
    {"batch_login", kBatch},
    {"batch_key", kBatch},
    {"batch_queue", kBatch},
    {"batch_project", kBatch},
    {"batch_arguments", kBatch},
}};

constexpr std::array<Flavour, 4> kFlavours{Flavour::vanilla, Flavour::condor, Flavour::arc, Flavour::batch};

// Names that grid middleware had; prefixes as EMI's and Globus' own tools wrote them are taken off first.
struct Retired {
  std::string_view name, successor;
};
constexpr std::array<Retired, 9> kRetired{{
    {"gt2", "flavour 'condor' (an HTCondor-CE)"},
    {"gt4", "flavour 'condor' (an HTCondor-CE)"},
    {"gt5", "flavour 'condor' (an HTCondor-CE)"},
    {"globus", "flavour 'condor' (an HTCondor-CE)"},
    {"cream", "flavour 'condor' (an HTCondor-CE) or 'arc' (an ARC CE)"},
    {"wms", "flavour 'condor' (an HTCondor-CE) or 'arc' (an ARC CE)"},
    {"glite", "flavour 'condor' or 'arc' for a CE, 'batch' for a batch system"},
    {"nordugrid", "flavour 'arc' (the same CE by its REST interface)"},
    {"unicore", "flavour 'condor' (an HTCondor-CE) or 'arc' (an ARC CE)"},
}};

// "glite-cream", "emi_wms" -> what follows the prefix; "glite" itself stays.
std::string_view without_prefix(std::string_view name) {
  for (const std::string_view prefix : {"glite", "emi", "edg", "condor-g"})
    if (name.size() > prefix.size() + 1 && name.starts_with(prefix) &&
        std::string_view("-_ .").find(name[prefix.size()]) != std::string_view::npos)
      return name.substr(prefix.size() + 1);
  return name;
}

std::string names_of(unsigned flavours) {
  std::vector<std::string> names;
  for (const Flavour f : kFlavours)
    if ((flavours & static_cast<unsigned>(f)) != 0) names.push_back(fmt::format("'{}'", name(f)));
  return fmt::to_string(fmt::join(names, ", "));
}

Result<Flavour> named(const std::string& wanted) {
  for (const Flavour f : kFlavours)
    if (wanted == name(f)) return f;
  const std::string key = htcondor::lower(wanted);
  const std::string_view bare = without_prefix(key);
  for (const auto& old : kRetired)
    if (bare == old.name)
      return fail(Kind::config, "htcondor.retired",
                  fmt::format("'{}' is retired middleware that HTCondor no longer submits to; its successor is {}",
                              wanted, old.successor));
  return bad_option(fmt::format("there is no flavour '{}'", wanted), "vanilla, condor, arc or batch");
}

// A value that is one word of grid_resource: blanks would make two of it, quotes and '$' mean something to HTCondor.
Result<std::string> word(const Options& o, const char* option, std::string_view also) {
  const std::string& value = o.text(option);
  if (value.starts_with('-') || !htcondor::is_word(value, also))
    return bad_option(fmt::format("{} '{}' is not one plain word", option, value),
                      fmt::format("letters, digits and {} only", also));
  return value;
}

Status need(const Options& o, Flavour flavour, const char* option) {
  if (!o.text_or(option, "").empty()) return {};
  return bad_option(fmt::format("flavour '{}' needs the option '{}'", name(flavour), option));
}

Result<std::string> to_condor(const Options& o) {
  auto schedd = word(o, "remote_schedd", ".-_@:");
  if (!schedd) return schedd;
  // an HTCondor-CE is its own pool, and listens at this port
  if (!o.has("remote_pool")) return fmt::format("condor {} {}:9619", *schedd, schedd->substr(schedd->find('@') + 1));
  auto pool = word(o, "remote_pool", ".-_:[]");
  if (!pool) return pool;
  return fmt::format("condor {} {}", *schedd, *pool);
}

Result<std::string> to_arc(const Options& o) {
  auto url = word(o, "arc_url", ".-_:/[]~");
  if (!url) return url;
  if (!url->starts_with("https://") && !url->starts_with("http://"))
    return bad_option(fmt::format("arc_url '{}' is no URL", *url),
                      "for example https://ce.example.org:443/arex/rest/1.0");
  return "arc " + *url;
}

Result<std::string> to_batch(const Options& o) {
  constexpr std::array<std::string_view, 4> kSystems{"slurm", "pbs", "lsf", "sge"};
  const std::string& system = o.text("batch_system");
  if (std::find(kSystems.begin(), kSystems.end(), system) == kSystems.end())
    return bad_option(fmt::format("there is no batch system '{}'", system), "slurm, pbs, lsf or sge");
  std::string out = "batch " + system;
  if (o.has("batch_login")) {
    auto login = word(o, "batch_login", ".-_@");
    if (!login) return login;
    out += " " + *login;
  }
  if (o.has("batch_key")) {
    if (!o.has("batch_login")) return bad_option("'batch_key' is for 'batch_login', which is not set");
    auto key = word(o, "batch_key", ".-_/+");
    if (!key) return key;
    out += " --rgahp-key " + *key;
  }
  return out;
}

}  // namespace

const char* name(Flavour flavour) {
  switch (flavour) {
    case Flavour::vanilla: return "vanilla";
    case Flavour::condor: return "condor";
    case Flavour::arc: return "arc";
    case Flavour::batch: return "batch";
  }
  return "vanilla";
}

Result<Flavour> flavour_of(const Options& submit) {
  auto flavour = named(submit.text_or("flavour", "vanilla"));
  if (!flavour) return flavour;
  for (const auto& [option, entry] : submit.entries()) {
    const auto* owned = std::find_if(kOwned.begin(), kOwned.end(), [&](const Owned& o) { return o.option == option; });
    if (!entry.given || owned == kOwned.end() || (owned->flavours & static_cast<unsigned>(*flavour)) != 0) continue;
    return bad_option(fmt::format("option '{}' belongs to flavour {}, and this queue's is '{}'", option,
                                  names_of(owned->flavours), name(*flavour)));
  }
  Status complete;
  if (*flavour == Flavour::condor) complete = need(submit, *flavour, "remote_schedd");
  if (*flavour == Flavour::arc) complete = need(submit, *flavour, "arc_url");
  if (*flavour == Flavour::batch) complete = need(submit, *flavour, "batch_system");
  if (!complete) return fail(complete.error());
  return flavour;
}

Result<std::string> grid_resource(Flavour flavour, const Options& submit) {
  switch (flavour) {
    case Flavour::condor: return to_condor(submit);
    case Flavour::arc: return to_arc(submit);
    case Flavour::batch: return to_batch(submit);
    case Flavour::vanilla: break;
  }
  return fail(Kind::bug, "htcondor.bad_option", "a vanilla job has no grid_resource");
}

}  // namespace apf::batch_htcondor
