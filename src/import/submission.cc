#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "apf/toml_text.h"
#include "import/draft.h"
#include "import/words.h"

namespace apf::import {
namespace {

class Submission {
 public:
  Submission(const Keys& keys, const Ini& auth, Draft& draft)
      : keys_(keys),
        auth_(auth),
        draft_(draft),
        plugin_(keys.get("batchsubmitplugin").value_or("")),
        prefix_(fmt::format("batchsubmit.{}.", lower(plugin_))) {}

  void import() {
    flavour();
    if (draft_.left_out) return;
    program();
    retirement();
    proxy();
    for (const auto& assignment : attributes_of(own("condor_attributes").value_or(""))) {
      const auto equals = assignment.find('=');
      attribute(assignment.substr(0, equals), equals == std::string::npos ? "" : assignment.substr(equals + 1));
    }
    for (const auto& [name, value] : keys_.under(prefix_ + "condor_attributes.")) attribute(name, value);
    if (!attributes_.empty()) draft_.add("submit.attributes", table_text(attributes_));
    if (!extra_.empty()) draft_.add("submit.extra", list_text(extra_));
    if (own("submitargs")) draft_.note("submitargs had no effect in the original and is left out");
  }

 private:
  std::optional<std::string> own(std::string_view key) const { return keys_.get(prefix_ + std::string(key)); }
  void flavour(const char* name) { draft_.add("submit.flavour", toml_string(name)); }

  void flavour() {
    const std::string name = lower(plugin_);
    if (name == "condorlocal") return;  // vanilla is what a pilot is unless somebody says otherwise
    if (name == "condorosgce") return osg_ce();
    if (name == "condorlsf" || name == "condorpbs") {
      flavour("batch");
      draft_.add("submit.batch_system", toml_string(name.substr(6)));
      return;
    }
    if (name == "condorssh") return ssh();
    if (name == "condornordugrid") return arc();
    struct Gone {
      std::string_view name, why;
    };
    constexpr std::array<Gone, 5> kGone{{
        {"condorgt2", "Globus GRAM is retired; its sites have an HTCondor-CE (flavour 'condor')"},
        {"condorgt5", "Globus GRAM is retired; its sites have an HTCondor-CE (flavour 'condor')"},
        {"condorcream", "CREAM is retired; its sites have an HTCondor-CE ('condor') or an ARC CE ('arc')"},
        {"condorec2", "there is no cloud flavour yet"},
        {"condordeltacloud", "there is no cloud flavour yet"},
    }};
    for (const auto& gone : kGone)
      if (name == gone.name) return draft_.leave_out(std::string(gone.why));
    draft_.leave_out(plugin_.empty() ? "it names no batchsubmitplugin"
                                     : fmt::format("batchsubmitplugin {} has no counterpart", plugin_));
  }

  void osg_ce() {
    flavour("condor");
    std::string host = own("gridresource").value_or("");
    std::string port = own("port").value_or("9619");
    if (const auto colon = host.rfind(':'); colon != std::string::npos) {
      port = host.substr(colon + 1);
      host.erase(colon);
    }
    if (host.empty()) return draft_.leave_out("it names no gridresource");
    draft_.add("submit.remote_schedd", toml_string(host));
    if (port != "9619") draft_.add("submit.remote_pool", toml_string(fmt::format("{}:{}", host, port)));
  }

  void arc() {
    flavour("arc");
    std::string host = own("gridresource").value_or("");
    host.erase(std::min(host.find_first_of(":/ "), host.size()));
    if (host.empty()) return draft_.leave_out("it names no gridresource");
    draft_.add("submit.arc_url", toml_string(fmt::format("https://{}:443/arex/rest/1.0", host)));
    if (const auto rsl = keys_.under("nordugridrsl."); !rsl.empty())
      draft_.note("nordugridrsl.*: give cores, memory and times as request_cpus, request_memory and wall_time");
    draft_.only_shadow("the CE was asked by gridftp, which is gone; look whether arc_url is its REST interface");
  }

  void ssh() {
    flavour("batch");
    draft_.add("submit.batch_system", toml_string(lower(own("batch").value_or(""))));
    draft_.add("submit.batch_login",
               toml_string(fmt::format("{}@{}", own("user").value_or(""), own("host").value_or(""))));
    if (const auto port = own("port"); port && *port != "22")
      draft_.note(fmt::format("port {} of the ssh login goes into ~/.ssh/config", *port));
    const auto profile = own("authprofile");
    const IniSection* section = profile ? auth_.find(*profile) : nullptr;
    if (const auto key = named(section, "ssh.privatekeyfile"))
      draft_.add("submit.batch_key", toml_string(*key));
    else
      draft_.note("the ssh key of its authprofile was not found; give it as batch_key");
  }

  void program() {
    if (const auto program = keys_.get("executable")) draft_.add("executable", toml_string(*program));
    auto arguments = keys_.get("executable.arguments");
    if (!arguments) arguments = keys_.get("executable.defaultarguments");
    if (arguments) draft_.add("arguments", list_text(arguments_of(*arguments)));
    for (const auto& assignment : arguments_of(own("environ").value_or(""))) {
      const auto equals = assignment.find('=');
      if (equals == std::string::npos || equals == 0)
        keys_.wrong(prefix_ + "environ", fmt::format("'{}' is not NAME=VALUE", assignment));
      else
        draft_.add("environment." + key_text(assignment.substr(0, equals)), toml_string(assignment.substr(equals + 1)));
    }
  }

  void retirement() {
    const auto order = own("overlay.killorder");
    if (keys_.truth(prefix_ + "overlay.peaceful", true)) return;
    draft_.add("retire", toml_string("running"));
    if (order) draft_.add("retire_order", toml_string(lower(*order)));
  }

  // What a profile of auth.conf says.
  static std::optional<std::string> named(const IniSection* profile, std::string_view key) {
    if (profile == nullptr) return std::nullopt;
    const auto found = resolve(*profile, key);
    return found && *found && !is_none(**found) ? *found : std::nullopt;
  }

  // The original renews proxies itself (auth.conf); here something else does, and the file is read at each submission.
  void proxy() {
    auto file = own("proxyfile");
    for (const auto& profile : split(own("proxy").value_or(""), ',')) {
      if (!file) file = named(auth_.find(profile), "x509.proxyfile");
    }
    if (file) {
      draft_.add("submit.credential", toml_string(*file));
    } else if (own("proxy")) {
      draft_.note(fmt::format("{}: no such profile with a proxyfile; name the proxy as submit.credential",
                              keys_.where(prefix_ + "proxy")));
    }
  }

  // One line of the submit description.
  void attribute(std::string_view raw_name, std::string_view raw_value) {
    const std::string name = trimmed(raw_name), value = trimmed(raw_value), key = lower(name);
    if (name.empty() || value.empty()) return draft_.note(fmt::format("condor_attributes: '{}' has no value", name));
    if (name.front() == '+' || key.starts_with("my.")) {
      attributes_[trimmed(std::string_view(name).substr(name.front() == '+' ? 1 : 3))] = value;
      return;
    }
    struct Known {
      std::string_view old_name, option, unit;  // unit: of a bare number
    };
    constexpr std::array<Known, 10> kKnown{{{"request_memory", "request_memory", " MiB"},
                                            {"request_disk", "request_disk", " KiB"},
                                            {"request_cpus", "request_cpus", ""},
                                            {"request_gpus", "request_gpus", ""},
                                            {"requirements", "requirements", ""},
                                            {"accounting_group", "accounting_group", ""},
                                            {"accounting_group_user", "accounting_user", ""},
                                            {"periodic_hold", "periodic_hold", ""},
                                            {"periodic_release", "periodic_release", ""},
                                            {"periodic_remove", "periodic_remove", ""}}};
    const bool digits = std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
    const auto* known = std::find_if(kKnown.begin(), kKnown.end(), [&](const Known& k) { return key == k.old_name; });
    const bool number = key.starts_with("request_");
    if (key == "concurrency_limits")
      draft_.add("submit.concurrency_limits", list_text(split(value, ',')));
    else if (known == kKnown.end() || (number && !digits))
      extra_.push_back(fmt::format("{} = {}", name, value));
    else if (number && known->unit.empty())
      draft_.add(fmt::format("submit.{}", known->option), value);
    else
      draft_.add(fmt::format("submit.{}", known->option),
                 toml_string(number ? value + std::string(known->unit) : value));
  }

  const Keys& keys_;
  const Ini& auth_;
  Draft& draft_;
  std::string plugin_, prefix_;
  Table attributes_;
  std::vector<std::string> extra_;
};

}  // namespace

void import_submission(const Keys& keys, const Ini& auth, Draft& draft) { Submission(keys, auth, draft).import(); }

}  // namespace apf::import
