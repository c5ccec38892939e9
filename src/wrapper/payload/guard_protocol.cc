#include "wrapper/payload/guard_protocol.h"

#include <algorithm>
#include <array>
#include <sstream>

namespace apf::wrapper {
namespace {

constexpr std::array kReasons{"exited",   "told",     "wall",   "cpu",  "memory",  "lease",
                              "orphaned", "guardian", "output", "disk", "scratch", "stuck"};
constexpr std::array kVerbs{"lease", "signal", "end"};
constexpr std::array kEvents{"started", "failed", "left", "ended"};

template <class Enum, class Names>
std::optional<Enum> find(const Names& names, std::string_view word) {
  const auto found = std::find(names.begin(), names.end(), word);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

// A program's name may hold anything.
std::string one_word(std::string text) {
  constexpr std::size_t longest = 32;
  text.resize(std::min(text.size(), longest));
  for (char& c : text)
    if (static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) >= 0x7f) c = '_';
  return text.empty() ? "?" : text;
}

}  // namespace

const char* name(Reason reason) { return kReasons.at(static_cast<std::size_t>(reason)); }

std::string write_order(const Order& order) {
  return std::string(kVerbs.at(static_cast<std::size_t>(order.verb))) + " " + std::to_string(order.value) + "\n";
}

std::optional<Order> read_order(std::string_view line) {
  std::istringstream in{std::string(line)};
  std::string verb;
  Order order;
  if (!(in >> verb >> order.value)) return std::nullopt;
  const auto found = find<Order::Verb>(kVerbs, verb);
  if (!found) return std::nullopt;
  order.verb = *found;
  return order;
}

std::string write_event(const GuardEvent& event) {
  std::ostringstream out;
  out << kEvents.at(static_cast<std::size_t>(event.what)) << ' ';
  const Outcome& o = event.outcome;
  if (event.what == GuardEvent::What::ended)
    out << name(o.reason) << ' ' << o.exit_code << ' ' << o.signal << ' ' << o.wall.count() << ' ' << o.cpu.count()
        << ' ' << o.rss_kb << ' ' << o.left << ' ' << o.oom;
  else
    out << event.number;
  if (event.what == GuardEvent::What::left) out << ' ' << event.session << ' ' << one_word(event.name);
  out << '\n';
  return out.str();
}

std::optional<GuardEvent> read_event(std::string_view line) {
  std::istringstream in{std::string(line)};
  std::string word;
  in >> word;
  const auto what = find<GuardEvent::What>(kEvents, word);
  if (!what) return std::nullopt;
  GuardEvent event;
  event.what = *what;
  if (*what != GuardEvent::What::ended) {
    in >> event.number;
    if (*what == GuardEvent::What::left) in >> event.session >> event.name;
  } else {
    Outcome& o = event.outcome;
    std::int64_t wall = 0;
    std::int64_t cpu = 0;
    in >> word >> o.exit_code >> o.signal >> wall >> cpu >> o.rss_kb >> o.left >> o.oom;
    const auto reason = find<Reason>(kReasons, word);
    if (!reason) return std::nullopt;
    o.reason = *reason;
    o.wall = Duration(wall);
    o.cpu = Duration(cpu);
  }
  if (!in) return std::nullopt;
  return event;
}

std::optional<std::string> Lines::next() {
  const std::size_t end = text_.find('\n');
  if (end == std::string::npos) return std::nullopt;
  std::string line = text_.substr(0, end);
  text_.erase(0, end + 1);
  return line;
}

}  // namespace apf::wrapper
