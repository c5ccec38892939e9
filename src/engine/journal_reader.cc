#include "engine/journal_reader.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/journal.h"
#include "engine/journal_codec.h"

namespace apf::engine {
namespace {

using Json = nlohmann::json;

// Real numbers that JSON does not know are written as text.
double real_of(const Json& v) {
  if (v.is_number()) return v.get<double>();
  const auto& text = v.get_ref<const std::string&>();
  if (text == "inf") return std::numeric_limits<double>::infinity();
  if (text == "-inf") return -std::numeric_limits<double>::infinity();
  return std::nan("");
}

OptionValue option_of(const Json& pair) {
  const auto& type = pair.at(0).get_ref<const std::string&>();
  const Json& v = pair.at(1);
  if (type == "b") return v.get<bool>();
  if (type == "i") return v.get_ref<const std::int64_t&>();
  if (type == "r") return real_of(v);
  if (type == "d") return Duration{v.get_ref<const std::int64_t&>()};
  if (type == "l") return v.get<std::vector<std::string>>();
  if (type == "t") return v.get<Table>();
  return v.get<std::string>();
}

JournalConfig config_of(const Json& line) {
  JournalConfig c;
  c.version = line.at("version").get<std::string>();
  for (const auto& chain : line.at("chains")) {
    auto& steps = c.chains.emplace_back();
    for (const auto& step : chain) {
      StepSpec spec{step.at("use").get<std::string>(), {}};
      for (const auto& [name, pair] : step.at("options").items()) spec.options.set(name, option_of(pair));
      steps.push_back(std::move(spec));
    }
  }
  for (const auto& [queue, chain] : line.at("queues").items())
    c.queues[queue] = static_cast<std::size_t>(chain.get_ref<const std::uint64_t&>());
  for (const auto& [queue, index] : c.queues)
    if (index >= c.chains.size()) throw std::out_of_range("chain of queue " + queue);
  return c;
}

SchedInput input_of(const Json& in) {
  SchedInput s;
  if (in.contains("wms")) {
    const auto& given = in.at("wms");
    std::array<std::int64_t, 5> w{};
    for (std::size_t i = 0; i < w.size(); ++i) w.at(i) = given.at(i).get_ref<const std::int64_t&>();
    s.wms = SchedInput::Wms{w[0], w[1], w[2], w[3], w[4]};
  }
  s.site = in.at("site").get<std::string>();
  s.pending = in.at("pending").get_ref<const std::int64_t&>();
  s.running = in.at("running").get_ref<const std::int64_t&>();
  s.retiring = in.at("retiring").get_ref<const std::int64_t&>();
  s.claimed = in.at("claimed").get_ref<const std::int64_t&>();
  if (in.contains("dealt")) s.dealt = in.at("dealt").get_ref<const std::int64_t&>();
  s.factory_total = in.at("total").get_ref<const std::int64_t&>();
  s.used = in.at("used").get_ref<const std::int64_t&>();
  s.life_submitted = in.at("life").get_ref<const std::int64_t&>();
  if (in.contains("cycle")) s.cycle = in.at("cycle").get_ref<const std::int64_t&>();  // since version 2
  if (in.contains("ends"))
    for (const auto& e : in.at("ends")) {
      std::array<std::int64_t, 4> v{};
      for (std::size_t i = 0; i < v.size(); ++i) v.at(i) = e.at(i).get_ref<const std::int64_t&>();
      s.ends.push_back({Duration{v[0]}, Duration{v[1]}, v[2], v[3]});
    }
  return s;
}

core::Decision decision_of(const Json& line) {
  core::Decision d;
  d.queue = line.at("q").get<std::string>();
  d.at = Wall{line.at("at").get_ref<const std::int64_t&>()};
  d.pass = line.at("pass").get_ref<const std::uint64_t&>();
  d.seq = line.at("seq").get_ref<const std::uint64_t&>();
  d.config_version = line.at("config").get<std::string>();
  d.input = input_of(line.at("in"));
  for (const auto& s : line.at("steps"))
    d.steps.push_back({s.at(0).get<std::string>(), s.at(1).get_ref<const std::int64_t&>(),
                       s.at(2).get_ref<const std::int64_t&>(), s.at(3).get<std::string>()});
  d.chain = line.at("chain").get_ref<const std::int64_t&>();
  d.outside = line.at("outside").get_ref<const std::int64_t&>();
  d.n = line.at("n").get_ref<const std::int64_t&>();
  d.bound_by = line.value("bound_by", "");
  d.acted = line.value("acted", "");
  d.held = line.value("held", "");
  d.held_code = line.value("held_code", "");
  return d;
}

bool wanted(const JournalFilter& f, const std::string& queue, Wall at) {
  return (f.queue.empty() || f.queue == queue) && at.ms >= f.since.ms && (f.until.ms == 0 || at.ms <= f.until.ms);
}

void hand_over(const Json& line, const JournalFilter& filter, const JournalHandlers& handlers, JournalCount& count) {
  const auto& kind = line.at("k").get_ref<const std::string&>();
  if (kind == "dropped") count.dropped += line.at("count").get_ref<const std::int64_t&>();
  if (kind == "config" && handlers.config) handlers.config(config_of(line));
  if (kind == "d" && handlers.decision) {
    const auto& queue = line.at("q").get_ref<const std::string&>();
    if (wanted(filter, queue, Wall{line.at("at").get_ref<const std::int64_t&>()})) handlers.decision(decision_of(line));
  }
  if (kind == "r" && handlers.repeats) {
    const auto& queue = line.at("q").get_ref<const std::string&>();
    const Wall to{line.at("at").get_ref<const std::int64_t&>()};
    if (wanted(filter, queue, to))
      handlers.repeats(queue, Wall{line.at("from").get_ref<const std::int64_t&>()}, to,
                       line.at("count").get_ref<const std::int64_t&>());
  }
}

Status read_file(const std::string& path, const JournalFilter& filter, const JournalHandlers& handlers,
                 JournalCount& count) {
  std::ifstream in(path);
  if (!in)
    return fail(Kind::config, "journal.cannot_read", "cannot read this journal", path,
                "name a file decisions.*.jsonl, or a state directory's journal/");
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) continue;
    ++count.lines;
    if (!read_journal_line(line, filter, handlers, count)) ++count.unreadable;
  }
  return {};
}

// The decisions of one file, oldest first, at most the last `most`.
std::deque<DecisionEntry> decisions_in(const std::string& file, const std::string& queue, std::size_t most) {
  std::deque<DecisionEntry> found;
  const JournalHandlers handlers{.config = {},
                                 .decision =
                                     [&](const core::Decision& d) {
                                       found.push_back({d, 0, d.at});
                                       if (found.size() > most) found.pop_front();
                                     },
                                 .repeats =
                                     [&](const std::string& of, Wall, Wall to, std::int64_t count) {
                                       const auto last =
                                           std::find_if(found.rbegin(), found.rend(),
                                                        [&](const DecisionEntry& e) { return e.decision.queue == of; });
                                       if (last == found.rend()) return;
                                       last->repeats += count;
                                       last->last = to;
                                     }};
  JournalCount count;
  std::ignore = read_file(file, {.queue = queue, .since = {}, .until = {}}, handlers, count);
  return found;
}

}  // namespace

bool read_journal_line(std::string_view line, const JournalFilter& filter, const JournalHandlers& handlers,
                       JournalCount& count) {
  // Most lines are of other queues: a search is far cheaper than parsing.
  if (!filter.queue.empty() && line.find("\"k\":\"config\"") == std::string_view::npos) {
    std::string name;
    put_json_string(name, filter.queue);
    if (line.find(name) == std::string_view::npos) return true;
  }
  try {
    const Json parsed = Json::parse(line);
    const auto& version = parsed.at("v");
    if (version != kJournalVersion && version != kOldestJournalVersion) return false;
    hand_over(parsed, filter, handlers, count);
    return true;
  } catch (const Json::exception&) {
    return false;
  } catch (const std::out_of_range&) {
    return false;
  }
}

Result<JournalCount> read_journal(const std::string& path, const JournalFilter& filter,
                                  const JournalHandlers& handlers) {
  JournalCount count;
  std::error_code failed;
  const bool directory = std::filesystem::is_directory(path, failed);
  for (const auto& file : directory ? journal_files(path) : std::vector<std::string>{path})
    if (auto read = read_file(file, filter, handlers, count); !read) return fail(read.error());
  return count;
}

std::vector<DecisionEntry> last_decisions(const std::string& directory, const std::string& queue, std::size_t most) {
  std::vector<DecisionEntry> all;
  auto files = journal_files(directory);
  for (auto file = files.rbegin(); file != files.rend() && all.size() < most; ++file) {
    auto found = decisions_in(*file, queue, most - all.size());
    all.insert(all.end(), std::make_move_iterator(found.rbegin()), std::make_move_iterator(found.rend()));
  }
  return all;
}

}  // namespace apf::engine
