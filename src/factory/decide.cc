// `apf decide`: chains over inputs, without a factory around them. Pure: standard input to standard output.
#include <fmt/format.h>

#include <algorithm>
#include <istream>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>

#include "config/options_table.h"
#include "config/suggest.h"
#include "core/display_name.h"
#include "core/factory.h"
#include "factory/commands.h"

namespace apf::factory {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

tl::unexpected<Error> bad(std::string what, std::string advice = {}) {
  return fail(Kind::config, "decide.bad_input", std::move(what), {}, std::move(advice));
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

// A number of jobs or pilots; numbers beyond what the chain handles are clamped there.
Result<std::int64_t> number(const json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end()) return 0;
  if (it->is_number_unsigned())
    return static_cast<std::int64_t>(std::min<std::uint64_t>(it->get<std::uint64_t>(), std::uint64_t{kMost}));
  if (it->is_number_integer()) return it->get<std::int64_t>();
  return bad(fmt::format("'{}' must be an integer", key));
}

// Reads several numbers; the first error stops.
struct Wanted {
  const char* key;
  std::int64_t* into;
};
Status numbers(const json& object, std::initializer_list<Wanted> wanted) {
  for (const auto& w : wanted) {
    const auto value = number(object, w.key);
    if (!value) return fail(value.error());
    *w.into = *value;
  }
  return {};
}

// The object under a key; an empty one when it is absent or null.
Result<json> object_at(const json& line, const char* key) {
  const auto it = line.find(key);
  if (it == line.end() || it->is_null()) return json::object();
  if (!it->is_object()) return bad(fmt::format("'{}' must be an object", key));
  return *it;
}

Status add_demand(const json& line, SchedInput& input) {
  const auto it = line.find("wms");
  if (it == line.end() || it->is_null()) return {};  // not known
  if (!it->is_object()) return bad("'wms' must be an object or null");
  auto& w = input.wms.emplace();
  return numbers(*it, {{"notready", &w.notready},
                       {"ready", &w.ready},
                       {"running", &w.running},
                       {"done", &w.done},
                       {"failed", &w.failed}});
}

Status add_pilots(const json& line, SchedInput& input) {
  const auto batch = object_at(line, "batch");
  if (!batch) return fail(batch.error());
  if (auto s = numbers(*batch, {{"pending", &input.pending},
                                {"running", &input.running},
                                {"retiring", &input.retiring},
                                {"claimed", &input.claimed},
                                {"used", &input.used},
                                {"cycle", &input.cycle},
                                {"life_submitted", &input.life_submitted}});
      !s)
    return s;
  if (batch->contains("dealt")) {
    const auto dealt = number(*batch, "dealt");
    if (!dealt) return fail(dealt.error());
    input.dealt = *dealt;
  }
  return {};
}

Status add_total(const json& line, SchedInput& input) {
  const auto others = object_at(line, "other_queues");
  if (!others) return fail(others.error());
  const auto add = [&](std::int64_t n) {
    input.factory_total = std::clamp(input.factory_total + std::clamp(n, -kMost, kMost), -kMost, kMost);
  };
  add(input.pending);
  add(input.running);
  for (const auto& [name, counts] : others->items()) {
    if (!counts.is_object()) return bad(fmt::format("'other_queues.{}' must be an object", name));
    std::int64_t pending = 0, running = 0;
    if (auto s = numbers(counts, {{"pending", &pending}, {"running", &running}}); !s) return s;
    add(pending);
    add(running);
  }
  return {};
}

// `ended` and `short` of the line answer every question that the chain has about pilots that ended lately.
Status add_ends(const json& line, const core::Chain& chain, SchedInput& input) {
  SchedEnds told;
  const auto batch = object_at(line, "batch");
  if (!batch) return fail(batch.error());
  if (auto s = numbers(*batch, {{"ended", &told.ended}, {"short", &told.brief}}); !s) return s;
  for (const auto& [name, step] : chain)
    if (const auto asked = step->asks()) input.ends.push_back({asked->within, asked->below, told.ended, told.brief});
  return {};
}

Result<SchedInput> input_of(const json& line, const core::Chain& chain) {
  SchedInput input;
  if (const auto it = line.find("site"); it != line.end()) {
    if (!it->is_string()) return bad("'site' must be a text");
    input.site = it->get<std::string>();
  }
  for (const auto add : {add_demand, add_pilots, add_total})
    if (auto s = add(line, input); !s) return fail(s.error());
  if (auto s = add_ends(line, chain, input); !s) return fail(s.error());
  return input;
}

Result<config::Value> value_of(const std::string& key, const json& j) {
  config::Value v;
  if (j.is_boolean()) {
    v.data = j.get<bool>();
  } else if (j.is_number_unsigned() && j.get<std::uint64_t>() > std::uint64_t{kMost}) {
    v.data = kMost;
  } else if (j.is_number_integer()) {
    v.data = j.get<std::int64_t>();
  } else if (j.is_number_float()) {
    v.data = j.get<double>();
  } else if (j.is_string()) {
    v.data = j.get<std::string>();
  } else {
    return bad(fmt::format("option '{}' must be a boolean, a number or a text", key));
  }
  return v;
}

// Options of all plug-ins, by plug-in, from keys as the original has them: "sched.ready.offset".
using OptionsByPlugin = std::map<std::string, config::Value, std::less<>>;

Status add_option(const Registry& registry, const std::string& plugin, const std::string& option,
                  const std::string& key, const json& j, OptionsByPlugin& all) {
  std::vector<std::string_view> known;
  for (const auto& p : registry.sched) known.push_back(p.name);
  const auto* found = find(registry.sched, plugin);
  if (found == nullptr)
    return bad(fmt::format("option '{}': no such sched plug-in", key), config::suggest(plugin, known));
  known.clear();
  config::add_names(found->options, Scope::source, known);
  if (std::find(known.begin(), known.end(), option) == known.end())
    return bad(fmt::format("option '{}' is not known", key), config::suggest(option, known));
  auto value = value_of(key, j);
  if (!value) return fail(value.error());
  config::Value& table = all[plugin];
  if (table.table() == nullptr) table.data = config::Value::Members{};
  std::get<config::Value::Members>(table.data).push_back({option, std::move(*value), {}});
  return {};
}

Result<OptionsByPlugin> options_of(const json& line, const Registry& registry) {
  OptionsByPlugin all;
  for (const auto& [section, prefix] : {std::pair{"options", "sched."}, std::pair{"factory_options", ""}}) {
    const auto options = object_at(line, section);
    if (!options) return fail(options.error());
    for (const auto& [key, j] : options->items()) {
      const std::size_t skip = key.starts_with(prefix) ? std::string_view(prefix).size() : 0;
      const auto dot = key.find('.', skip);
      if (dot == std::string::npos)
        return bad(fmt::format("option '{}' has no plug-in's name", key), "sched.NAME.OPTION");
      if (auto s = add_option(registry, key.substr(skip, dot - skip), key.substr(dot + 1), key, j, all); !s)
        return fail(s.error());
    }
  }
  return all;
}

Result<std::shared_ptr<const SchedStep>> step_of(const std::string& name, const Registry& registry,
                                                 const OptionsByPlugin& given) {
  std::vector<std::string_view> known;
  for (const auto& p : registry.sched) known.push_back(p.name);
  const auto* plugin = find(registry.sched, name);
  if (plugin == nullptr) return bad(fmt::format("no sched plug-in '{}'", name), config::suggest(name, known));
  const auto it = given.find(name);
  config::Errors errors;
  const Options options = config::read_options(plugin->options, Scope::source,
                                               it == given.end() ? config::Value{} : it->second, {}, errors);
  if (!errors.empty()) {
    errors.front().where.clear();
    return fail(errors.front());
  }
  auto step = plugin->make(options);
  if (!step) return fail(step.error());
  return std::shared_ptr<const SchedStep>(std::move(*step));
}

struct Made {
  core::Chain chain;
  std::vector<std::string> written;  // the names as the line spells them
};

Result<Made> chain_of(const json& line, const Registry& registry) {
  const auto it = line.find("chain");
  if (it == line.end() || !it->is_array()) return bad("'chain' must be a list of sched plug-ins");
  const auto options = options_of(line, registry);
  if (!options) return fail(options.error());
  Made made;
  for (const auto& name : *it) {
    if (!name.is_string()) return bad("'chain' must be a list of sched plug-ins");
    made.written.push_back(name.get<std::string>());
    const std::string plugin = lower(made.written.back());
    auto step = step_of(plugin, registry, *options);
    if (!step) return fail(step.error());
    made.chain.emplace_back(plugin, std::move(*step));
  }
  return made;
}

Result<ordered_json> decide_line(const DecideArgs& args, const Registry& registry, const std::string& text) {
  const json line = json::parse(text, nullptr, false);
  if (line.is_discarded() || !line.is_object()) return bad("not a JSON object");
  const auto made = chain_of(line, registry);
  if (!made) return fail(made.error());
  const auto input = input_of(line, made->chain);
  if (!input) return fail(input.error());

  core::Decision decision;
  decision.steps = core::fold(made->chain, *input);
  ordered_json answer;
  answer["id"] = line.value("id", json());
  auto& steps = answer["steps"] = ordered_json::array();
  for (std::size_t i = 0; i < decision.steps.size(); ++i) {
    const auto& s = decision.steps[i];
    steps.push_back({{"plugin", made->written[i]}, {"in", s.in}, {"out", s.out}});
  }
  answer["submit"] = decision.steps.empty() ? 0 : decision.steps.back().out;
  if (args.message) answer["message"] = core::message(decision);
  return answer;
}

}  // namespace

int decide(const DecideArgs& args, const Registry& registry, std::istream& in, std::ostream& out, std::ostream& err) {
  int code = kGood;
  std::string text;
  for (int number = 1; std::getline(in, text); ++number) {
    if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto answer = decide_line(args, registry, text);
    if (answer) {
      out << answer->dump(-1, ' ', false, json::error_handler_t::replace) << '\n';
      continue;
    }
    Error error = answer.error();
    error.where = fmt::format("line {}", number);
    err << "apf decide: " << error.text() << '\n';
    code = kBadInput;
  }
  out.flush();
  return code;
}

}  // namespace apf::factory
