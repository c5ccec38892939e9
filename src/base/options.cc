#include "apf/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <tuple>

#include "apf/queue.h"

namespace apf {
namespace {

template <class T>
const T& typed(const OptionValue& value, std::string_view name) {
  if (const T* p = std::get_if<T>(&value)) return *p;
  throw std::logic_error(fmt::format("option '{}' was asked for with the wrong type", name));
}

std::string joined(const std::vector<std::string>& list) {
  std::string out;
  for (const auto& item : list) out += fmt::format("{}{}", out.empty() ? "" : ", ", item);
  return "[" + out + "]";
}

std::string joined(const Table& table) {
  std::string out;
  for (const auto& [key, value] : table) out += fmt::format("{}{} = {}", out.empty() ? "" : ", ", key, value);
  return "{" + out + "}";
}

}  // namespace

std::string Origin::text() const {
  if (file.empty()) return "built-in";
  return line > 0 ? fmt::format("{}:{}", file, line) : file;
}

const OptionValue& Options::at(std::string_view name) const {
  const auto it = entries_.find(name);
  if (it == entries_.end()) throw std::logic_error(fmt::format("option '{}' is not set or not declared", name));
  return it->second.value;
}

bool Options::has(std::string_view name) const { return entries_.find(name) != entries_.end(); }
bool Options::flag(std::string_view name) const { return typed<bool>(at(name), name); }
std::int64_t Options::integer(std::string_view name) const { return typed<std::int64_t>(at(name), name); }
double Options::real(std::string_view name) const {
  const OptionValue& value = at(name);
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return static_cast<double>(*whole);
  return typed<double>(value, name);
}
const std::string& Options::text(std::string_view name) const { return typed<std::string>(at(name), name); }
Duration Options::duration(std::string_view name) const { return typed<Duration>(at(name), name); }
const std::vector<std::string>& Options::list(std::string_view name) const {
  return typed<std::vector<std::string>>(at(name), name);
}
const Table& Options::table(std::string_view name) const { return typed<Table>(at(name), name); }

std::int64_t Options::integer_or(std::string_view name, std::int64_t otherwise) const {
  return has(name) ? integer(name) : otherwise;
}
std::string Options::text_or(std::string_view name, const std::string& otherwise) const {
  return has(name) ? text(name) : otherwise;
}

void Options::set(std::string name, OptionValue value, Origin origin, bool secret, bool given) {
  entries_.insert_or_assign(std::move(name), Entry{std::move(value), std::move(origin), secret, given});
}

bool operator==(const Options& a, const Options& b) {
  return std::equal(
      a.entries_.begin(), a.entries_.end(), b.entries_.begin(), b.entries_.end(),
      [](const auto& x, const auto& y) { return x.first == y.first && x.second.value == y.second.value; });
}

std::string show(const OptionValue& value, bool secret) {
  if (secret) return "***";
  struct Shower {
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(std::int64_t v) const { return fmt::format("{}", v); }
    std::string operator()(double v) const { return fmt::format("{}", v); }
    std::string operator()(const std::string& v) const { return v; }
    std::string operator()(Duration v) const { return show_duration(v); }
    std::string operator()(const std::vector<std::string>& v) const { return joined(v); }
    std::string operator()(const Table& v) const { return joined(v); }
  };
  return std::visit(Shower{}, value);
}

bool QueueSpec::operator==(const QueueSpec& o) const {
  const auto values = [](const QueueSpec& q) {
    return std::tie(q.name, q.wms, q.wms_queue, q.batch, q.site, q.cloud, q.job_labels, q.resource_types, q.sched,
                    q.weight, q.enabled, q.mode, q.retire, q.retire_newest_first, q.trial, q.held_release, q.held_tries,
                    q.held_remove, q.running_remove, q.pending_remove, q.renamed_from, q.executable, q.arguments,
                    q.next_wrapper, q.environment, q.input_files, q.min_pilot_time, q.exclude_nodes, q.keep_logs,
                    q.submit);
  };
  return values(*this) == values(o);
}

}  // namespace apf
