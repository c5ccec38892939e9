// `apf queues`: the queues that are configured, and where each value comes from.
#include <fmt/format.h>

#include <ostream>

#include "factory/commands.h"
#include "factory/configured.h"
#include "factory/table.h"

namespace apf::factory {
namespace {

// "5 of built-in, 3 of /etc/apf/apf.toml, 7 of https://cric.example.org": which files a queue is made of.
std::string made_of(const config::Section& queue) {
  std::vector<std::pair<std::string, int>> files;  // in the order of their first value
  const auto count = [&](const Options& options) {
    for (const auto& [name, entry] : options.entries()) {
      if (!entry.given) continue;
      const auto& file = entry.origin.file;
      auto at = files.begin();
      while (at != files.end() && at->first != file) ++at;
      if (at == files.end()) at = files.insert(at, {file, 0});
      ++at->second;
    }
  };
  count(queue.house);
  count(queue.own);
  std::string out;
  for (const auto& [file, n] : files) out += fmt::format("{}{} of {}", out.empty() ? "" : ", ", n, file);
  return out;
}

}  // namespace

int queues(const Target& target, const QueuesArgs& args, const Registry& registry, std::ostream& out,
           std::ostream& err) {
  const auto loaded = configuration(target, registry, err);
  if (!loaded) return kBadInput;
  if (args.origin) {
    std::vector<config::Section> chosen;
    for (const auto& s : loaded->sections)
      if (s.kind == "queue" && (args.queue.empty() || s.name == args.queue)) chosen.push_back(s);
    out << config::show(chosen, {});
    return chosen.empty() ? kBadInput : kGood;
  }
  Table table({"QUEUE", "WMS", "WMS QUEUE", "BATCH", "STATE", "VALUES"});
  for (const auto& s : loaded->sections) {
    if (s.kind != "queue" || (!args.queue.empty() && s.name != args.queue)) continue;
    const bool enabled = s.house.flag("enabled");
    table.add({s.name, s.house.text_or("wms", "-"), s.house.text_or("wms_queue", s.name), s.house.text_or("batch", "-"),
               enabled ? s.house.text_or("mode", "active") : "disabled", made_of(s)});
  }
  table.print(out);
  return table.empty() ? kBadInput : kGood;
}

}  // namespace apf::factory
