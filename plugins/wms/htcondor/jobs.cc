#include "jobs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <span>

#include "htcondor/rows.h"
#include "htcondor/text.h"

namespace apf::wms_htcondor {
namespace {

constexpr std::size_t kLongest = 128;
constexpr std::string_view kOthers = "._:/@+=,# -";  // of a word; the blank and the dash are last for the expression

using htcondor::Field;
using Key = std::array<std::string_view, 3>;  // WMS queue, job label, resource type

// The value if it is a plain word, undefined if there is none, else false.
std::string word_or_false(const std::string& attribute) {
  return fmt::format(
      "ifThenElse(isUndefined({0}), undefined, ifThenElse(regexp(\"[^A-Za-z0-9{1}]\", string({0})) || "
      "size(string({0})) == 0 || size(string({0})) > {2}, false, string({0})))",
      attribute, kOthers, kLongest);
}

tl::unexpected<Error> garbled(std::size_t row, std::string_view what, std::string_view text) {
  return fail(Kind::transient, "htcondor.garbled",
              fmt::format("row {} has the {} '{}'", row, what, is_word(text) ? text : "?"), "condor_q",
              "the view is refused; look at what the tool prints by hand");
}

// JobStatus of HTCondor -> the counter. Nothing: removed or completed, which leave the queue soon.
Result<std::int64_t Demand::*> counter(const Field& status, std::size_t row) {
  switch (status.integer().value_or(0)) {
    case 1: return &Demand::ready;
    case 2:                            // running
    case 6:                            // transferring output
    case 7: return &Demand::running;   // suspended
    case 5: return &Demand::notready;  // held
    case 3:                            // removed
    case 4: return nullptr;            // completed
    default: return garbled(row, "JobStatus", status.text);
  }
}

enum class Value : std::uint8_t { word, none, unusable };
std::optional<Value> value(const Field& field) {
  if (field.quoted) return is_word(field.text) ? std::optional(Value::word) : std::nullopt;
  if (field.text == "undefined") return Value::none;
  if (field.text == "false" || field.text == "error") return Value::unusable;
  return std::nullopt;
}

// Where a job belongs; row[0] is its status.
struct Place {
  Key key{};
  bool without = false, unusable = false;
};
Result<Place> place(std::span<const Field> row, const Grouping& grouping, std::size_t number) {
  Place p;
  const std::array<bool, 3> asked{true, !grouping.job_label.empty(), !grouping.resource_type.empty()};
  std::size_t column = 1;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (!asked[i]) continue;
    const Field& field = row[column++];
    const auto v = value(field);
    if (!v) return garbled(number, "value", field.text);
    if (*v == Value::word) p.key[i] = field.text;
    if (*v == Value::unusable) p.unusable = true;
    if (*v == Value::none && i == 0) {
      p.key[i] = grouping.default_queue;
      p.without = grouping.default_queue.empty();
    }
  }
  return p;
}

}  // namespace

bool is_word(std::string_view text) { return text.size() <= kLongest && htcondor::is_word(text, kOthers); }

std::vector<std::string> columns(const Grouping& grouping) {
  std::vector<std::string> out{"-af:tV", "JobStatus", word_or_false(grouping.group_by)};
  if (!grouping.job_label.empty()) out.push_back(word_or_false(grouping.job_label));
  if (!grouping.resource_type.empty()) out.push_back(word_or_false(grouping.resource_type));
  return out;
}

Result<Jobs> read(std::string_view out, const Grouping& grouping) {
  std::array<Field, 4> fields{};
  const std::span<Field> row(fields.data(), columns(grouping).size() - 1);
  htcondor::RowReader reader(out, "condor_q");
  std::map<Key, Demand> cells;  // keys point into `out` and `grouping`
  Jobs jobs;
  for (auto more = reader.next(row);; more = reader.next(row)) {
    if (!more) return fail(more.error());
    if (!*more) break;
    const auto count = counter(row[0], reader.rows());
    if (!count) return fail(count.error());
    const auto where = place(row, grouping, reader.rows());
    if (!where) return fail(where.error());
    if (where->unusable)
      ++jobs.unusable;
    else if (where->without)
      ++jobs.without;
    else if (*count != nullptr)
      ++(cells[where->key].*(*count));
  }
  jobs.rows = reader.rows();
  jobs.cells.reserve(cells.size());
  for (auto& [key, demand] : cells) {
    demand.wms_queue = key[0];
    demand.job_label = key[1];
    demand.resource_type = key[2];
    jobs.cells.push_back(std::move(demand));
  }
  return jobs;
}

}  // namespace apf::wms_htcondor
