#include "monitor/settings.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <vector>

#include "config/options_table.h"
#include "config/value.h"
#include "monitor/access/access.h"
#include "monitor/alarms/alarms.h"
#include "monitor/alarms/notify.h"
#include "monitor/logs/logs.h"
#include "monitor/news/udp.h"
#include "monitor/show/links.h"

namespace apf::monitor {
namespace {

constexpr std::array kServer{
    OptionSpec{.name = "listen",
               .type = OptionType::list,
               .fallback = "127.0.0.1:25580",
               .doc = "addresses and ports; without TLS of loopback only; port 0: any free one"},
    OptionSpec{.name = "certificate",
               .type = OptionType::path,
               .doc = "PEM file of this server's certificate and its chain; unset: no TLS"},
    OptionSpec{.name = "key", .type = OptionType::path, .doc = "PEM file of its key; unset: in certificate"},
    OptionSpec{.name = "client_ca",
               .type = OptionType::path,
               .doc = "PEM file or directory of CAs whose certificates clients may show"},
};

constexpr std::array kStore{
    OptionSpec{.name = "server",
               .doc = "PostgreSQL instead of SQLite in the data directory: host=db.example.org dbname=apf user=apf",
               .secret = true},
};
constexpr std::array kAgeing{
    OptionSpec{.name = "created",
               .type = OptionType::duration,
               .fallback = "6h",
               .doc = "a pilot that is created for so long is stale",
               .minimum = 1},
    OptionSpec{.name = "running",
               .type = OptionType::duration,
               .fallback = "3d",
               .doc = "a pilot that runs for so long is stale",
               .minimum = 1},
    OptionSpec{.name = "exiting",
               .type = OptionType::duration,
               .fallback = "30min",
               .doc = "a pilot that is exiting for so long is done",
               .minimum = 1},
    OptionSpec{.name = "stale",
               .type = OptionType::duration,
               .fallback = "1d",
               .doc = "a stale pilot without news for so long is a fault",
               .minimum = 1},
};
constexpr std::array kKeep{
    OptionSpec{.name = "pilots",
               .type = OptionType::duration,
               .fallback = "7d",
               .doc = "pilots are kept for so long after their end",
               .minimum = 2 * 86400},
    OptionSpec{.name = "hours",
               .type = OptionType::duration,
               .fallback = "366d",
               .doc = "hourly figures, and labels and factories without news, are kept for so long",
               .minimum = 2 * 86400},
    OptionSpec{.name = "nodes",
               .type = OptionType::duration,
               .fallback = "30d",
               .doc = "nodes without news are kept for so long",
               .minimum = 2 * 86400},
    OptionSpec{.name = "most_pilots",
               .type = OptionType::integer,
               .fallback = "5000000",
               .doc = "with more pilots than that the oldest ended ones go earlier",
               .unit = "pilots",
               .minimum = 1000},
};

constexpr std::array kSections{
    SectionSpec{"server", "where it listens", kServer},
    SectionSpec{"store", "where all is kept", kStore},
    SectionSpec{"ageing", "when silence changes a pilot's state", kAgeing},
    SectionSpec{"keep", "how long what is kept", kKeep},
};

// Those of parts that have their tables beside their code.
const std::vector<SectionSpec>& all_sections() {
  static const std::vector<SectionSpec> all = [] {
    std::vector<SectionSpec> s(kSections.begin(), kSections.end());
    s.push_back({"access", "who may tell news and give orders", access_options()});
    s.push_back({"udp", "datagrams of pilot-wrapper", udp_options()});
    s.push_back({"links", "other pages about payloads, queues and sites", link_options()});
    s.push_back({"logs", "which files of pilots are shown in place", log_options()});
    s.push_back({"alarms", "what is an alarm", alarm_options()});
    s.push_back({"mail", "alarms by e-mail", mail_options()});
    s.push_back({"webhook", "alarms by HTTP", webhook_options()});
    return s;
  }();
  return all;
}

tl::unexpected<Error> all_of(const config::Errors& errors) {
  Error first = errors.front();
  for (std::size_t i = 1; i < errors.size(); ++i) first.what += "; " + errors[i].text();
  return fail(std::move(first));
}

}  // namespace

std::span<const SectionSpec> sections() { return all_sections(); }

const Options& Settings::section(std::string_view name) const {
  const auto it = all.find(name);
  if (it == all.end()) throw std::logic_error("no section " + std::string(name));
  return it->second;
}

Result<Settings> parse_settings(std::string_view toml, const std::string& file, const std::string& folder) {
  const auto root = config::parse_toml(toml, file, folder);
  if (!root) return fail(root.error());
  Settings settings;
  config::Errors errors;
  std::vector<std::string_view> known;
  for (const SectionSpec& section : sections()) known.push_back(section.name);
  config::unknown_keys(*root, known, "the monitor's configuration", errors);
  for (const SectionSpec& section : sections()) {
    const config::Value empty{config::Value::Members{}, {file, 0}, folder};
    const config::Value* value = root->find(section.name);
    const std::string heading = "[" + std::string(section.name) + "]";
    if (value != nullptr && value->table() == nullptr) {
      errors.push_back({Kind::config,
                        "config.bad_value",
                        heading + " must be a table, got " + value->kind(),
                        value->origin.text(),
                        {}});
      continue;
    }
    const config::Value& table = value != nullptr ? *value : empty;
    std::vector<std::string_view> names;
    config::add_names(section.options, Scope::source, names);
    config::unknown_keys(table, names, heading, errors);
    settings.all.emplace(section.name,
                         config::read_options(section.options, Scope::source, table, table.origin, errors));
  }
  if (!errors.empty()) return all_of(errors);
  return settings;
}

Result<Settings> load_settings(const std::string& file) {
  if (file.empty()) return parse_settings({}, "built-in", {});
  std::ifstream in(file);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf()))
    return fail(Kind::config, "config.unreadable", "can't be read, or is empty", file, "name it with --config");
  const auto slash = file.find_last_of('/');
  return parse_settings(text.str(), file, slash == std::string::npos ? "." : file.substr(0, slash));
}

}  // namespace apf::monitor
