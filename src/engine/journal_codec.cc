#include "engine/journal_codec.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

namespace apf::engine {
namespace {

auto to(std::string& out) { return std::back_inserter(out); }

// JSON knows no infinity; as text it still reads back.
void put_real(std::string& out, double v) {
  if (std::isfinite(v))
    fmt::format_to(to(out), "{}", v);
  else
    fmt::format_to(to(out), "\"{}\"", v);
}

struct PutValue {
  std::string& out;
  void operator()(bool v) const { out += v ? "[\"b\",true]" : "[\"b\",false]"; }
  void operator()(std::int64_t v) const { fmt::format_to(to(out), "[\"i\",{}]", v); }
  void operator()(double v) const {
    out += "[\"r\",";
    put_real(out, v);
    out += ']';
  }
  void operator()(const std::string& v) const {
    out += "[\"s\",";
    put_json_string(out, v);
    out += ']';
  }
  void operator()(Duration v) const { fmt::format_to(to(out), "[\"d\",{}]", v.count()); }
  void operator()(const std::vector<std::string>& v) const {
    out += "[\"l\",[";
    for (std::size_t i = 0; i < v.size(); ++i) {
      if (i > 0) out += ',';
      put_json_string(out, v[i]);
    }
    out += "]]";
  }
  void operator()(const Table& v) const {
    out += "[\"t\",{";
    bool first = true;
    for (const auto& [key, value] : v) {
      if (!std::exchange(first, false)) out += ',';
      put_json_string(out, key);
      out += ':';
      put_json_string(out, value);
    }
    out += "}]";
  }
};

void put_chain(std::string& out, const std::vector<StepSpec>& chain) {
  out += '[';
  for (std::size_t i = 0; i < chain.size(); ++i) {
    out += i > 0 ? ",{\"use\":" : "{\"use\":";
    put_json_string(out, chain[i].use);
    out += ",\"options\":";
    put_options(out, chain[i].options);
    out += '}';
  }
  out += ']';
}

void put_input(std::string& out, const SchedInput& in) {
  if (in.wms)
    fmt::format_to(to(out), "\"wms\":[{},{},{},{},{}],", in.wms->notready, in.wms->ready, in.wms->running, in.wms->done,
                   in.wms->failed);
  out += "\"site\":";
  put_json_string(out, in.site);
  fmt::format_to(to(out), ",\"pending\":{},\"running\":{},\"retiring\":{},\"claimed\":{}", in.pending, in.running,
                 in.retiring, in.claimed);
  if (in.dealt) fmt::format_to(to(out), ",\"dealt\":{}", *in.dealt);
  fmt::format_to(to(out), ",\"total\":{},\"used\":{},\"cycle\":{},\"life\":{}", in.factory_total, in.used, in.cycle,
                 in.life_submitted);
  if (in.ends.empty()) return;
  const char* before = ",\"ends\":[";
  for (const auto& e : in.ends)
    fmt::format_to(to(out), "{}[{},{},{},{}]", std::exchange(before, ","), e.within.count(), e.below.count(), e.ended,
                   e.brief);
  out += ']';
}

// Mixes values into one hash; the order matters.
class Hash {
 public:
  void add(std::string_view text) { mix(std::hash<std::string_view>{}(text)); }
  void add(std::int64_t v) { mix(std::hash<std::int64_t>{}(v)); }
  [[nodiscard]] std::size_t value() const { return value_; }

 private:
  void mix(std::size_t h) { value_ ^= h + 0x9e3779b97f4a7c15U + (value_ << 6U) + (value_ >> 2U); }
  std::size_t value_ = 0;
};

}  // namespace

void put_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20U)
          fmt::format_to(to(out), "\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
        else
          out += c;
    }
  }
  out += '"';
}

void put_options(std::string& out, const Options& options) {
  out += '{';
  bool first = true;
  for (const auto& [name, entry] : options.entries()) {
    if (entry.secret) continue;
    if (!std::exchange(first, false)) out += ',';
    put_json_string(out, name);
    out += ':';
    std::visit(PutValue{out}, entry.value);
  }
  out += '}';
}

// Queues mostly inherit one chain, so chains are written once and queues refer to them by number.
void put_config_line(std::string& out, const core::Config& config, Wall at) {
  std::map<std::string, std::size_t> numbers;
  std::string chains, queues;
  for (const auto& q : config.queues) {
    std::string chain;
    put_chain(chain, q->sched);
    const auto [known, fresh] = numbers.emplace(chain, numbers.size());
    if (fresh) chains += (chains.empty() ? "" : ",") + chain;
    if (!queues.empty()) queues += ',';
    put_json_string(queues, q->name);
    fmt::format_to(to(queues), ":{}", known->second);
  }
  fmt::format_to(to(out), R"({{"v":{},"k":"config","at":{},"version":)", kJournalVersion, at.ms);
  put_json_string(out, config.version);
  fmt::format_to(to(out), ",\"chains\":[{}],\"queues\":{{{}}}}}\n", chains, queues);
}

void put_decision_line(std::string& out, const core::Decision& d) {
  fmt::format_to(to(out), R"({{"v":{},"k":"d","at":{},"q":)", kJournalVersion, d.at.ms);
  put_json_string(out, d.queue);
  fmt::format_to(to(out), R"(,"pass":{},"seq":{},"config":)", d.pass, d.seq);
  put_json_string(out, d.config_version);
  out += ",\"in\":{";
  put_input(out, d.input);
  out += "},\"steps\":[";
  for (std::size_t i = 0; i < d.steps.size(); ++i) {
    const auto& s = d.steps[i];
    out += i > 0 ? ",[" : "[";
    put_json_string(out, s.plugin);
    fmt::format_to(to(out), ",{},{},", s.in, s.out);
    put_json_string(out, s.message);
    out += ']';
  }
  fmt::format_to(to(out), R"(],"chain":{},"outside":{},"n":{})", d.chain, d.outside, d.n);
  for (const auto& [key, text] : {std::pair<const char*, const std::string*>{"bound_by", &d.bound_by},
                                  {"acted", &d.acted},
                                  {"held", &d.held},
                                  {"held_code", &d.held_code}}) {
    if (text->empty()) continue;
    fmt::format_to(to(out), ",\"{}\":", key);
    put_json_string(out, *text);
  }
  out += "}\n";
}

std::size_t hash_of(const core::Decision& d) {
  Hash h;
  h.add(d.config_version);
  h.add(d.input.site);
  for (const std::int64_t v : {std::int64_t{d.input.wms.has_value()}, d.chain, d.outside, d.n}) h.add(v);
  for (const auto& s : d.steps) {
    h.add(s.plugin);
    h.add(s.out);
    h.add(s.message);
  }
  h.add(d.bound_by);
  h.add(d.acted);
  h.add(d.held_code.empty() ? d.held : d.held_code);
  return h.value();
}

}  // namespace apf::engine
