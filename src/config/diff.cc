#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "config/load.h"

namespace apf::config {
namespace {

using Index = std::map<std::pair<std::string, std::string>, const Section*>;

Index index_of(const Loaded& loaded) {
  Index index;
  for (const Section& s : loaded.sections) index.emplace(std::pair{s.kind, s.name}, &s);
  return index;
}

// Read once at start: a running factory has them in locks, ids and sockets.
constexpr std::array<std::string_view, 3> kAtStartOnly{"factory_id", "state_dir", "listen"};

std::string title(const Section& s) {
  if (s.kind == "queue") return fmt::format("queue '{}'", s.name);
  return s.name.empty() ? fmt::format("[{}]", s.kind) : fmt::format("[{}.{}]", s.kind, s.name);
}

std::string word(const Options& options, const std::string& name) {
  const auto it = options.entries().find(name);
  return it == options.entries().end() ? "unset" : apf::show(it->second.value, it->second.secret);
}

// "weight 1 -> 2" for each option that differs; a secret only changes.
void changes(const Options& before, const Options& now, std::string_view prefix, std::vector<std::string>& out) {
  std::map<std::string, bool, std::less<>> names;  // name -> secret
  for (const auto* options : {&before, &now})
    for (const auto& [name, entry] : options->entries()) names[name] |= entry.secret;
  for (const auto& [name, secret] : names) {
    const auto a = before.entries().find(name), b = now.entries().find(name);
    const bool same = a != before.entries().end() && b != now.entries().end() && a->second.value == b->second.value;
    if (same) continue;
    out.push_back(secret ? fmt::format("{}{} changed", prefix, name)
                         : fmt::format("{}{} {} -> {}", prefix, name, word(before, name), word(now, name)));
  }
}

std::string chain_words(const std::vector<StepSpec>& sched) {
  std::string out;
  for (const auto& step : sched) {
    out += (out.empty() ? "" : ", ") + step.use;
    std::string options;
    for (const auto& [name, entry] : step.options.entries())
      if (entry.given) options += fmt::format("{}{} {}", options.empty() ? "" : ", ", name, word(step.options, name));
    if (!options.empty()) out += "(" + options + ")";
  }
  return out;
}

std::vector<std::string> changes(const Section& before, const Section& now) {
  std::vector<std::string> out;
  changes(before.house, now.house, "", out);
  changes(before.own, now.own, before.kind == "queue" ? "submit." : "", out);
  if (before.sched != now.sched)
    out.push_back(fmt::format("sched {} -> {}", chain_words(before.sched), chain_words(now.sched)));
  return out;
}

void compare(const Section& before, const Section& now, Diff& d) {
  const auto words = changes(before, now);
  if (words.empty()) return;
  std::string all;
  for (const auto& w : words) all += (all.empty() ? "" : "; ") + w;
  d.lines.push_back(fmt::format("{}: {}", title(now), all));
  if (now.kind == "queue") d.changed.push_back(now.name);
  if (now.kind != "factory") return;
  for (const auto name : kAtStartOnly)
    if (word(before.house, std::string(name)) != word(now.house, std::string(name)))
      d.needs_restart.push_back(fmt::format("factory.{}", name));
}

}  // namespace

Diff diff(const Loaded& before, const Loaded& now) {
  Diff d;
  const Index old = index_of(before), fresh = index_of(now);
  for (const Section& s : before.sections) {
    if (fresh.contains({s.kind, s.name})) continue;
    d.lines.push_back(title(s) + ": gone");
    if (s.kind == "queue") d.gone.push_back(s.name);
  }
  for (const Section& s : now.sections) {
    const auto it = old.find({s.kind, s.name});
    if (it != old.end()) {
      compare(*it->second, s, d);
      continue;
    }
    d.lines.push_back(title(s) + ": new");
    if (s.kind == "queue") d.added.push_back(s.name);
  }
  return d;
}

}  // namespace apf::config
