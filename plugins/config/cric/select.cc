#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "apf/toml_text.h"
#include "cric.h"

namespace apf::cric {
namespace {

using nlohmann::json;

constexpr std::int64_t kMostCores = 4096;
constexpr std::int64_t kMostMemory = std::int64_t{1} << 30U;  // MiB
constexpr std::int64_t kMostMinutes = std::int64_t{365} * 24 * 60;
constexpr std::size_t kMostTold = 100;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// What an entry says under a key; "" for null, lists and tables.
std::string text(const json& entry, const char* key) {
  const auto it = entry.find(key);
  if (it == entry.end()) return {};
  if (it->is_string()) return it->get<std::string>();
  return it->is_number_integer() ? it->dump() : std::string();
}

// Numbers come as numbers and as text. Nothing for what is absent, 0 or empty; CRIC means "not set" by these.
std::optional<std::int64_t> number(const json& entry, const char* key) {
  const std::string digits = text(entry, key);
  if (digits.empty() || digits.size() > 15) return std::nullopt;
  std::int64_t n = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    n = n * 10 + (c - '0');
  }
  return n > 0 ? std::optional(n) : std::nullopt;
}

bool among(const std::vector<std::string>& wanted, std::string_view value) {
  return wanted.empty() ||
         std::any_of(wanted.begin(), wanted.end(), [&](const auto& w) { return lower(w) == lower(value); });
}

// A queue of type "unified" runs every activity.
bool active_in(const std::vector<std::string>& activities, const std::string& type) {
  return lower(type) == "unified" || among(activities, type);
}

bool printable(std::string_view name) {
  return !name.empty() && name.size() <= 200 && std::all_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != 0x7F;
  });
}

struct Address {
  std::string host, port;
};

// "https://ce.example.org:443/arex", "ce.example.org:9619", "ce.example.org" -> host and port.
std::optional<Address> address(std::string_view endpoint) {
  if (const auto scheme = endpoint.find("://"); scheme != std::string_view::npos) endpoint.remove_prefix(scheme + 3);
  endpoint = endpoint.substr(0, endpoint.find('/'));
  Address out;
  const auto colon = endpoint.find(':');
  out.host = endpoint.substr(0, colon);
  if (colon != std::string_view::npos) out.port = endpoint.substr(colon + 1);
  const auto of_host = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool good = !out.host.empty() && std::all_of(out.host.begin(), out.host.end(), of_host) &&
                    out.port.size() <= 5 && std::all_of(out.port.begin(), out.port.end(), digit);
  return good ? std::optional(out) : std::nullopt;
}

class Selection {
 public:
  explicit Selection(const Filters& filters) : filters_(filters) {}

  void entry(const std::string& key, const json& entry) {
    ++out_.entries;
    if (!entry.is_object()) return broken(key, "is not an object");
    if (!wanted(entry)) return;
    std::string name = text(entry, "panda_resource");
    if (name.empty()) name = key;
    if (!printable(name)) return broken(key, "has a name with blanks or control characters");
    const auto ces = entry.find("queues");
    if (ces == entry.end() || ces->empty()) return;  // a queue that nobody submits pilots to
    if (!ces->is_array()) return broken(name, "has 'queues' that is no list");
    for (const auto& ce : *ces) this->ce(name, entry, ce);
  }

  Selected end() {
    for (const auto& [flavour, n] : unserved_) out_.unserved.push_back(fmt::format("{} ({})", flavour, n));
    for (const auto& [name, lines] : queues_) out_.toml += fmt::format("[queue.{}]\n{}\n", key_text(name), lines);
    out_.queues = queues_.size();
    return std::move(out_);
  }

 private:
  void broken(const std::string& name, std::string_view why) {
    if (out_.broken.size() < kMostTold)
      out_.broken.push_back(fmt::format("{} {}", printable(name) ? name : "an entry", why));
  }

  [[nodiscard]] bool wanted(const json& entry) const {
    std::string state = text(entry, "state");
    if (state.empty()) state = text(entry, "site_state");
    const std::string type = text(entry, "resource_type");
    return among(filters_.vos, text(entry, "vo_name")) && among(filters_.clouds, text(entry, "cloud")) &&
           active_in(filters_.activities, text(entry, "type")) &&
           among(filters_.pilot_managers, text(entry, "pilot_manager")) && among(filters_.states, state) &&
           (type.empty() || lower(type) == "grid");
  }

  void ce(const std::string& name, const json& entry, const json& ce) {
    if (!ce.is_object()) return broken(name, "has a CE that is not an object");
    const std::string flavour = lower(text(ce, "ce_flavour")), status = text(ce, "ce_queue_status");
    if (!among(filters_.states, text(ce, "ce_state")) || !among(filters_.ce_statuses, text(ce, "ce_status")) ||
        (!status.empty() && !among(filters_.ce_statuses, status)) || !among(filters_.flavours, flavour))
      return;
    if (flavour != "htcondor-ce" && flavour != "arc-ce") {
      ++unserved_[flavour.empty() ? "without flavour" : flavour];
      return;
    }
    auto at = address(text(ce, "ce_endpoint"));
    if (!at) at = address(text(ce, "ce_name"));
    if (!at) return broken(name, "has a CE whose ce_endpoint is no address");
    std::string queue_name = text(ce, "ce_queue_name");
    if (lower(queue_name) == "default") queue_name.clear();
    if (!queue_name.empty() && !printable(queue_name)) return broken(name, "has a CE with an impossible ce_queue_name");

    std::string lines = fmt::format("wms_queue = {}\n", toml_string(name));
    std::string site = text(entry, "atlas_site");
    if (site.empty()) site = text(entry, "rc_site");
    const std::string cloud = text(entry, "cloud");
    if (printable(site)) lines += fmt::format("site = {}\n", toml_string(site));
    if (printable(cloud)) lines += fmt::format("cloud = {}\n", toml_string(cloud));
    lines += flavour == "arc-ce" ? arc(*at, queue_name) : htcondor(*at, queue_name);
    lines += resources(name, entry, ce);
    std::string ours = fmt::format("{}-{}", name, at->host);
    // Two queues behind one CE are told apart by the CE's own names for them.
    if (queues_.contains(ours) && !queue_name.empty()) ours += "-" + queue_name;
    if (!queues_.emplace(std::move(ours), std::move(lines)).second) broken(name, "lists the same CE queue twice");
  }

  static std::string htcondor(const Address& at, const std::string& queue) {
    std::string out = fmt::format("submit.flavour = \"condor\"\nsubmit.remote_schedd = {}\n", toml_string(at.host));
    if (!at.port.empty() && at.port != "9619")
      out += fmt::format("submit.remote_pool = {}\n", toml_string(at.host + ":" + at.port));
    // A value of ClassAds within one of TOML: backslashes and quotes have no place in the name of a batch queue.
    if (!queue.empty() && queue.find_first_of("\"\\") == std::string::npos)
      out += fmt::format("submit.remote_attributes.queue = {}\n", toml_string("\"" + queue + "\""));
    return out;
  }

  static std::string arc(const Address& at, const std::string& queue) {
    std::string out = fmt::format(
        "submit.flavour = \"arc\"\nsubmit.arc_url = {}\n",
        toml_string(fmt::format("https://{}:{}/arex/rest/1.0", at.host, at.port.empty() ? "443" : at.port)));
    if (!queue.empty()) out += fmt::format("submit.arc_queue = {}\n", toml_string(queue));
    return out;
  }

  // Cores; memory in MiB; the CE's wall time in minutes, else the queue's in seconds.
  std::string resources(const std::string& name, const json& entry, const json& ce) {
    std::string out;
    const auto add = [&](const char* option, std::optional<std::int64_t> n, std::int64_t most, const auto& form) {
      if (!n) return;
      if (*n > most) return broken(name, fmt::format("asks for an impossible {}: {}; left out", option, *n));
      out += fmt::format("submit.{} = {}\n", option, form(*n));
    };
    auto memory = number(entry, "maxrss");
    if (!memory) memory = number(entry, "maxmemory");
    auto minutes = number(ce, "ce_queue_maxwctime");
    if (const auto seconds = number(entry, "maxtime"); !minutes && seconds)
      minutes = std::max<std::int64_t>(*seconds / 60, 1);
    add("request_cpus", number(entry, "corecount"), kMostCores, [](auto n) { return fmt::to_string(n); });
    add("request_memory", memory, kMostMemory, [](auto n) { return fmt::format("\"{} MiB\"", n); });
    add("wall_time", minutes, kMostMinutes, [](auto n) { return fmt::format("\"{} min\"", n); });
    return out;
  }

  const Filters& filters_;
  Selected out_;
  std::map<std::string, std::string> queues_;  // by name: the lines of its section
  std::map<std::string, std::size_t> unserved_;
};

}  // namespace

Result<Selected> select(std::string_view text, const Filters& filters) {
  const json all = json::parse(text, nullptr, false);
  if (all.is_discarded())
    return fail(Kind::transient, "cric.not_json", "the answer is no JSON", {}, "an error page, or cut short?");
  if (!all.is_object() || all.empty())
    return fail(Kind::transient, "cric.no_queues", "the answer is no table of PanDA queues, or an empty one");
  Selection selection(filters);
  for (const auto& [key, entry] : all.items()) selection.entry(key, entry);
  return selection.end();
}

}  // namespace apf::cric
