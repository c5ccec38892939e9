#include "wrapper/node/options.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "wrapper/options/option_rows.h"

namespace apf::wrapper::rows {
namespace {

using node::Options;
using All = apf::wrapper::Options;

constexpr std::array<std::string_view, 4> kTrivial{"disk", "memory", "tmp", "credential"};
constexpr std::array<std::string_view, 7> kFull{"disk", "memory", "tmp", "credential", "wms", "clock", "monitor"};
constexpr std::array<std::string_view, 3> kNamed{"cvmfs", "container", "script"};  // on when they are configured

bool known(std::string_view check) {
  return std::find(kFull.begin(), kFull.end(), check) != kFull.end() ||
         std::find(kNamed.begin(), kNamed.end(), check) != kNamed.end();
}

Status only_known(const std::vector<std::string>& checks) {
  for (const std::string& check : checks)
    if (!known(check))
      return bad("there is no check '" + check + "'",
                 "disk, memory, tmp, credential, wms, clock, monitor, cvmfs, container, script");
  return {};
}

Status set_checks(All& o, const std::string& v) {
  auto& checks = o.node.checks;
  if (v == "trivial") return checks.assign(kTrivial.begin(), kTrivial.end()), Status{};
  if (v == "full") return checks.assign(kFull.begin(), kFull.end()), Status{};
  if (v == "none") return checks.clear(), Status{};
  checks = words(v);
  if (checks.empty()) return bad("no check is named", "trivial, full, none or a list of names");
  return only_known(checks);
}

Status set_lax(All& o, const std::string& v) {
  o.node.lax = words(v);
  return only_known(o.node.lax);
}

// "30s", or for single checks "cvmfs=2min, script=5min".
Status set_deadline(All& o, const std::string& v) {
  for (const std::string& word : words(v)) {
    const std::size_t equals = word.find('=');
    const std::string name = equals == std::string::npos ? "" : word.substr(0, equals);
    if (!name.empty() && !known(name)) return only_known({name});
    const auto d = parse_duration(word.substr(equals == std::string::npos ? 0 : equals + 1));
    if (!d) return fail(d.error());
    if (*d <= Duration::zero()) return bad("a deadline must be longer than 0");
    if (name.empty())
      o.node.deadline = *d;
    else
      o.node.deadlines[name] = *d;
  }
  return {};
}

// A repository is one component of a path.
Status set_cvmfs(All& o, const std::string& v) {
  o.node.cvmfs = words(v);
  for (const std::string& name : o.node.cvmfs)
    if (name.find('/') != std::string::npos || name.starts_with('.'))
      return bad("'" + name + "' is not the name of a repository", "atlas.cern.ch, say");
  return {};
}

Status set_containers(All& o, const std::string& v) {
  o.node.containers = words(v);
  return {};
}

Status add_script(All& o, const std::string& v) {
  if (v.empty()) return bad("no script is named");
  o.node.scripts.push_back(v);
  return {};
}

Status set_share(All& o, const std::string& v) {
  char* end = nullptr;
  const double percent = std::strtod(v.c_str(), &end);
  const std::string_view rest(end);
  if (end == v.c_str() || !std::isfinite(percent) || percent < 0 || percent > 100 || (!rest.empty() && rest != "%"))
    return bad("'" + v + "' is not a share of pilots", "a number from 0 to 100, in percent");
  o.node.benchmark_share = percent / 100;
  return {};
}

constexpr auto kNode = &All::node;
constexpr std::array kRows{
    Row{"--wrapperchecks", "NAMES", "checks of the node: trivial, full, none or a list; default trivial", set_checks},
    Row{"--wrapperlaxchecks", "NAMES", "checks that only warn; default none", set_lax},
    Row{"--wrappercheckdeadline", "DURATION", "of each check, or NAME=DURATION for one; default 30s", set_deadline},
    Row{"--wrappermindisk", "SIZE", "free space for the scratch directory; default 200 MB",
        size<&Options::least_disk, kNode>},
    Row{"--wrappermintmp", "SIZE", "free space in /tmp; default 10 MB", size<&Options::least_tmp, kNode>},
    Row{"--wrapperminmemory", "SIZE", "memory that can still be had; default 100 MB",
        size<&Options::least_memory, kNode>},
    Row{"--wrappermaxclock", "DURATION", "most that the clock may differ from the WMS's; default 2min",
        duration<&Options::clock_tolerance, kNode>},
    Row{"--wrappermincredential", "DURATION", "least life of token and proxy; default 10min",
        duration<&Options::credential_life, kNode>},
    Row{"--wrappercvmfs", "REPOSITORIES", "CVMFS repositories that must answer; default none", set_cvmfs},
    Row{"--wrappercvmfsbase", "DIR", "where they are mounted; default /cvmfs", text<&Options::cvmfs_base, kNode>},
    Row{"--wrappercontainer", "PROGRAMS", "container runtimes, one of which must work; default none", set_containers},
    Row{"--wrappercheckscript", "FILE", "a check of the VO; may be given several times", add_script},
    Row{"--wrapperkeepslot", "DURATION", "how long a node that failed keeps its slot; default 0",
        duration<&Options::keep_slot, kNode>},
    Row{"--wrapperprofile", "yes|no", "tell log and monitor what the node is; default yes",
        yes_or_no<&Options::profile, kNode>},
    Row{"--wrapperbenchmark", "PERCENT", "share of pilots that measure their CPU first; default 1", set_share},
    Row{"--wrapperenvironment", "yes|no", "write the environment to the log, secrets masked; default yes",
        yes_or_no<&Options::dump_environment, kNode>},
};

}  // namespace

std::span<const Row> of_node() { return kRows; }

}  // namespace apf::wrapper::rows
