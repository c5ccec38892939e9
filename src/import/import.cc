#include "import/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "apf/toml_text.h"
#include "import/draft.h"
#include "import/words.h"

namespace apf::import {

void Draft::add(std::string key, std::string text) {
  const auto at = std::find_if(lines.begin(), lines.end(), [&](const Line& line) { return line.key == key; });
  if (at == lines.end())
    lines.push_back({std::move(key), std::move(text)});
  else
    at->text = std::move(text);
}

void Draft::only_shadow(const std::string& why) {
  note(why + "; it decides in shadow mode only");
  add("mode", "\"shadow\"");
}

void Draft::leave_out(const std::string& why) {
  left_out = true;
  note("left out: " + why);
}

namespace {

// A section [wms.NAME] or [batch.NAME] for each way that queues name a source.
class Sources {
 public:
  Sources(std::string name, std::string plugin) : name_(std::move(name)), plugin_(std::move(plugin)) {}

  // The section with these lines, made when there is none yet; gives its name.
  std::string of(const std::vector<Line>& lines) {
    std::string key;
    for (const Line& line : lines) key += fmt::format("{} = {}\n", line.key, line.text);
    const auto [it, fresh] = known_.try_emplace(std::move(key));
    if (fresh) {
      it->second = known_.size() == 1 ? name_ : fmt::format("{}_{}", name_, known_.size());
      drafts.push_back({it->second, {}, {{"plugin", toml_string(plugin_)}}, {}, false});
      drafts.back().lines.insert(drafts.back().lines.end(), lines.begin(), lines.end());
    }
    return it->second;
  }
  std::vector<Draft> drafts;

 private:
  std::string name_, plugin_;
  std::map<std::string, std::string> known_;
};

// Where a schedd and its collector are; localhost is what the tools find by themselves.
std::vector<Line> schedd_lines(const Keys& keys, const std::string& prefix) {
  std::vector<Line> lines;
  const auto remote = [](const std::optional<std::string>& host) { return host && *host != "localhost"; };
  const auto schedd = keys.get(prefix + "scheddhost"), collector = keys.get(prefix + "collectorhost");
  const auto port = keys.get(prefix + "collectorport");
  keys.get(prefix + "scheddport");  // the collector knows it
  if (remote(schedd)) lines.push_back({"schedd", toml_string(*schedd)});
  if (remote(collector))
    lines.push_back({"pool", toml_string(fmt::format("{}:{}", *collector, port.value_or("9618")))});
  return lines;
}

class Importer {
 public:
  Importer(const OldFiles& old, const Registry& registry, config::Errors& errors)
      : old_(old), registry_(registry), errors_(errors), factory_(old.factory, used_, errors) {}

  Imported import() {
    factory();
    for (const auto& section : old_.queues.sections) queue(section);
    cycles();
    leftovers();
    Imported out;
    out.notes = old_.notes;
    out.notes.insert(out.notes.end(), notes_.begin(), notes_.end());
    for (const Draft& q : queues_) {
      ++(q.left_out ? out.left_out : out.queues);
      for (const auto& n : q.notes) out.notes.push_back(fmt::format("{}: queue {}: {}", q.origin.text(), q.name, n));
    }
    out.toml = text();
    return out;
  }

 private:
  void factory() {
    const auto take = [&](std::string_view key, const char* option) {
      if (const auto value = factory_.get(key)) factory_lines_.push_back({option, toml_string(*value)});
    };
    take("factoryId", "factory_id");
    if (factory_lines_.empty()) factory_.wrong("factoryId", "it is missing, and every pilot carries it");
    take("baseLogDir", "log_dir");
    take("baseLogDirUrl", "log_url");
    if (const auto user = factory_.get("factoryUser"))
      notes_.push_back(fmt::format("run it as the account '{}'", *user));
    if (factory_.get("factoryAdminEmail"))
      notes_.emplace_back("it sends no e-mail itself: give a command as factory.alarm_command");
    if (factory_.truth("logserver.enabled", false))
      notes_.emplace_back("the logs are served at factory.listen; log_url is what pilots are told");
    if (const auto plugin = factory_.get("config.queues.plugin");
        plugin && lower(*plugin).find("agis") != std::string::npos)
      notes_.push_back(fmt::format("{}: queues from AGIS are not imported", factory_.where("config.queues.plugin")));
    enabled_ = factory_.truth("enablequeues", true) && factory_.whole("cycles") != 0;
    // What needs no counterpart: our own threads, mail, reload and files.
    for (const char* key : {"factory.sleep", "factorySMTPServer", "factoryMinEmailRepeatSeconds", "abort_no_queues",
                            "mappingsConf", "monitorConf", "queueConf", "queueDirConf", "authConf", "monitor"})
      factory_.get(key);
    for (const char* prefix : {"config.", "authmanager.", "logserver.", "proxymanager.", "monitor."})
      static_cast<void>(factory_.under(prefix));
  }

  void queue(const IniSection& section) {
    const Keys keys(section, used_, errors_);
    Draft draft;
    draft.name = section.name;
    draft.origin = section.origin;
    if (!keys.truth("enabled", false) || !enabled_) draft.add("enabled", "false");
    wms(keys, draft);
    draft.add("batch", toml_string(batch(keys)));
    if (const auto name = keys.get("wmsqueue"); name && *name != section.name)
      draft.add("wms_queue", toml_string(*name));
    auto days = keys.whole("cleanlogs.keepdays");
    if (!days) days = factory_.whole("cleanlogs.keepdays");
    if (days) draft.add("keep_logs", toml_string(fmt::format("{}d", *days)));
    import_chain(keys, factory_, registry_, draft);
    import_submission(keys, old_.auth, draft);
    monitors(keys);
    // Names that only other values are made of, and what is the WMS's business here.
    for (const char* key : {"batchqueue", "grid", "vo", "cloud", "status", "site", "siteid", "nickname"}) keys.get(key);
    queues_.push_back(std::move(draft));
  }

  void wms(const Keys& keys, Draft& draft) {
    const std::string plugin = lower(keys.get("wmsstatusplugin").value_or(""));
    const auto sleep = keys.whole("apfqueue.sleep");
    std::string name;
    if (plugin == "panda") {
      if (panda_.drafts.empty())
        notes_.emplace_back(
            "the PanDA server's address is a guess: the original had http://pandaserver.cern.ch:25085 built in");
      name = panda_.of({{"url", toml_string("https://pandaserver.cern.ch:25443")}, age("wmsstatus.panda.maxage")});
    } else if (plugin == "condor") {
      auto lines = schedd_lines(keys, "wmsstatus.condor.");
      lines.push_back({"group_by", toml_string("MATCH_APF_QUEUE")});
      lines.push_back(age("wmsstatus.condor.maxage"));
      name = condor_.of(lines);
    } else if (!plugin.empty()) {
      return draft.only_shadow(fmt::format("wmsstatusplugin {} has no counterpart", plugin));
    } else {
      return;  // a chain that looks at no demand
    }
    draft.add("wms", toml_string(name));
    if (sleep) ++cycles_[name][*sleep];
  }

  std::string batch(const Keys& keys) {
    auto lines = schedd_lines(keys, "batchstatus.condor.");
    if (const auto sleep = factory_.whole("batchstatus.condor.sleep"))
      lines.push_back({"interval", toml_string(fmt::format("{}s", *sleep))});
    lines.push_back(age("batchstatus.condor.maxage"));
    if (const auto plugin = keys.get("batchstatusplugin"); plugin && lower(*plugin) != "condor")
      keys.wrong("batchstatusplugin", fmt::format("'{}' has no counterpart", *plugin));
    return batch_.of(lines);
  }

  Line age(const char* key) const {
    return {"max_age", toml_string(fmt::format("{}s", factory_.whole(key).value_or(360)))};
  }

  void monitors(const Keys& keys) {
    for (const auto& name : split(keys.get("monitorsection").value_or(""), ','))
      if (const IniSection* section = old_.monitor.find(name)) {
        const auto url = resolve(*section, "monitorURL");
        if (!url || !*url || !told_monitors_.insert(**url).second) continue;
        std::vector<Line>& lines = monitors_[name];
        lines = {{"plugin", toml_string("apfmon")}, {"url", toml_string(**url)}};
        if (const auto email = factory_.get("factoryAdminEmail")) lines.push_back({"email", toml_string(*email)});
      }
  }

  // A cycle is the interval of the WMS here, so the most usual pause of its queues becomes that.
  void cycles() {
    for (Sources* sources : {&panda_, &condor_})
      for (Draft& wms : sources->drafts) {
        const auto& seen = cycles_[wms.name];
        if (seen.empty()) continue;
        const auto most = std::max_element(seen.begin(), seen.end(),
                                           [](const auto& a, const auto& b) { return a.second < b.second; });
        wms.add("interval", toml_string(fmt::format("{}s", most->first)));
        if (seen.size() > 1)
          notes_.push_back(fmt::format("apfqueue.sleep differs among the queues of wms {}: {} s is the cycle of all",
                                       wms.name, most->first));
      }
    for (const char* key : {"wmsstatus.panda.sleep", "wmsstatus.condor.sleep"}) factory_.get(key);
  }

  // Lines of the old files that nobody asked for: each once, however many queues inherit it.
  void leftovers() {
    std::set<std::pair<std::string, int>> told;
    const auto tell = [&](const IniSection& section) {
      for (const auto& [key, value] : section.values) {
        const std::pair line{value.origin.file, value.origin.line};
        if (!used_.contains(line) && told.insert(line).second)
          notes_.push_back(fmt::format("{}: '{}' has no counterpart", value.origin.text(), key));
      }
    };
    tell(old_.factory);
    for (const auto& section : old_.queues.sections) tell(section);
  }

  // What all queues say is said once, in [defaults], with the most usual value.
  std::map<std::string, std::string> common() const {
    std::map<std::string, std::map<std::string, std::size_t>> values;
    std::size_t n = 0;
    for (const Draft& q : queues_) {
      if (q.left_out) continue;
      ++n;
      for (const Line& line : q.lines) ++values[line.key][line.text];
    }
    std::map<std::string, std::string> out;
    for (const auto& [key, texts] : values) {
      std::size_t all = 0;
      for (const auto& [text, times] : texts) all += times;
      const auto most = std::max_element(texts.begin(), texts.end(),
                                         [](const auto& a, const auto& b) { return a.second < b.second; });
      if (all == n && most->second > 1 && key != "wms_queue" && key != "mode") out.emplace(key, most->first);
    }
    return out;
  }

  static void section(std::string& out, const std::string& title, const std::vector<Line>& lines) {
    out += fmt::format("\n[{}]\n", title);
    for (const Line& line : lines) out += fmt::format("{} = {}\n", line.key, line.text);
  }
  static void comment(std::string& out, std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
    out += fmt::format("# {}\n", text);
  }

  std::string text() const {
    std::string out = "# Made by `apf import`. Read the notes, then: apf check FILE\n";
    for (const auto& n : old_.notes) comment(out, n);
    for (const auto& n : notes_) comment(out, n);
    out += "version = 1\n";
    section(out, "factory", factory_lines_);
    for (const auto* sources : {&panda_, &condor_})
      for (const Draft& d : sources->drafts) section(out, "wms." + d.name, d.lines);
    for (const Draft& d : batch_.drafts) section(out, "batch." + d.name, d.lines);
    for (const auto& [name, lines] : monitors_) section(out, "monitor." + key_text(name), lines);
    const auto defaults = common();
    std::vector<Line> shared;
    for (const auto& [key, value] : defaults) shared.push_back({key, value});
    if (!shared.empty()) section(out, "defaults", shared);
    for (const Draft& q : queues_) {
      out += '\n';
      for (const auto& n : q.notes) comment(out, (q.left_out ? q.name + ": " : "") + n);
      if (q.left_out) continue;
      std::vector<Line> own;
      for (const Line& line : q.lines)
        if (const auto it = defaults.find(line.key); it == defaults.end() || it->second != line.text)
          own.push_back(line);
      std::string body;
      section(body, "queue." + key_text(q.name), own);
      out += body.substr(1);
    }
    return out;
  }

  const OldFiles& old_;
  const Registry& registry_;
  config::Errors& errors_;
  Used used_;
  Keys factory_;
  bool enabled_ = true;
  std::vector<Line> factory_lines_;
  std::vector<std::string> notes_;
  std::vector<Draft> queues_;
  Sources panda_{"panda", "panda"}, condor_{"condor", "htcondor"}, batch_{"condor", "htcondor"};
  std::map<std::string, std::map<std::int64_t, int>> cycles_;  // by WMS section: pauses, and queues that have each
  std::map<std::string, std::vector<Line>> monitors_;          // told of all queues, not of some
  std::set<std::string> told_monitors_;
};

}  // namespace

tl::expected<Imported, config::Errors> import_autopyfactory(const std::string& file, const Registry& registry) {
  config::Errors errors;
  const OldFiles old = read_old_files(file, errors);
  if (!errors.empty()) return tl::unexpected(std::move(errors));
  return import_files(old, registry);
}

tl::expected<Imported, config::Errors> import_files(const OldFiles& old, const Registry& registry) {
  config::Errors errors;
  Imported out = Importer(old, registry, errors).import();
  if (!errors.empty()) return tl::unexpected(std::move(errors));
  return out;
}

}  // namespace apf::import
