// `apf check`: is this configuration good, and does the world answer to it?
#include <fmt/format.h>
#include <unistd.h>

#include <ostream>
#include <set>

#include "config/load.h"
#include "factory/commands.h"

namespace apf::factory {
namespace {

constexpr const char* kPrefix = "apf check: ";

int complain(const config::Errors& errors, std::ostream& err) {
  for (const Error& e : errors) err << kPrefix << e.text() << '\n';
  err << kPrefix << fmt::format("{} error{}\n", errors.size(), errors.size() == 1 ? "" : "s");
  return kBadInput;
}

void want_file(const std::string& path, int access_mode, const Origin& where, const char* what, config::Errors& errors,
               std::set<std::string>& seen) {
  if (path.empty() || !seen.insert(path).second || access(path.c_str(), access_mode) == 0) return;
  errors.push_back({Kind::config, "config.missing_file",
                    fmt::format("{} '{}' is not there or can't be used", what, path), where.text(),
                    "paths are relative to the file that names them"});
}

// Files that pilots are given. A missing one would let every pilot fail.
config::Errors missing_files(const core::Config& config) {
  config::Errors errors;
  std::set<std::string> seen;  // a file of [defaults] stands in every queue
  for (const auto& q : config.queues) {
    want_file(q->executable, X_OK, q->origin, "executable", errors, seen);
    for (const auto& file : q->input_files) want_file(file, R_OK, q->origin, "input file", errors, seen);
  }
  return errors;
}

// What may be so only now: the service that will answer, the token that will be made. Told, but no error.
config::Errors look_outside(const config::Loaded& loaded, const Registry& registry, const Outside& outside,
                            std::ostream& out) {
  config::Errors found = missing_files(*loaded.config);
  if (!outside.unreachable) {
    out << "note: the sources were not contacted\n";
    return found;
  }
  for (auto& e : outside.unreachable(loaded, registry)) found.push_back(std::move(e));
  return found;
}

std::string counted(std::size_t n, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", n, n == 1 ? one : many);
}

}  // namespace

int check(const CheckArgs& args, const Registry& registry, const Outside& outside, std::ostream& out,
          std::ostream& err) {
  config::LoadOptions options;
  options.when = wall_now();
  if (!args.offline) options.fetch = outside.fetch;
  const auto loaded = config::load(args.file, registry, options);
  if (!loaded) return complain(loaded.error(), err);
  for (const auto& note : loaded->notes) out << "note: " << note << '\n';
  if (args.show) out << config::show(loaded->sections, {});
  const auto found = args.offline ? config::Errors{} : look_outside(*loaded, registry, outside, out);
  for (const Error& e : found) err << kPrefix << "warning: " << e.text() << '\n';
  const int code = args.strict && !found.empty() ? kFailed : kGood;
  if (args.show) return code;  // what was printed can be kept as a file
  const core::Config& c = *loaded->config;
  out << fmt::format("{}: good{}: {}, {}, {} (sha256 {})\n", args.file,
                     found.empty() ? "" : fmt::format(", with {}", counted(found.size(), "warning", "warnings")),
                     counted(c.queues.size(), "queue", "queues"), counted(c.wms.size(), "WMS", "WMS"),
                     counted(c.batch.size(), "batch system", "batch systems"), loaded->sha256.substr(0, 12));
  return code;
}

}  // namespace apf::factory
