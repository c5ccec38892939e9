#include "event.h"

#include <array>
#include <cstdio>
#include <ctime>

#include "event_json.h"
#include "event_xml.h"

namespace apf::htcondor {
namespace {

constexpr std::size_t kLongest = std::size_t{1} << 20U;  // bytes of one object; longer ones are damage
constexpr std::size_t kCompact = std::size_t{64} << 10U;

bool blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

template <class T>
std::optional<T> get(const Event& e, std::string_view name) {
  const auto it = e.attributes.find(name);
  if (it == e.attributes.end()) return std::nullopt;
  const T* value = std::get_if<T>(&it->second);
  return value != nullptr ? std::optional<T>(*value) : std::nullopt;
}

}  // namespace

void ObjectSplitter::add(std::string_view bytes) {
  if (begin_ > kCompact || begin_ == text_.size()) {
    text_.erase(0, begin_);
    scan_ -= begin_;
    begin_ = 0;
  }
  text_ += bytes;
}

void ObjectSplitter::reset(bool inside) {
  text_.clear();
  begin_ = scan_ = 0;
  depth_ = 0;
  quoted_ = escaped_ = false;
  skipping_ = inside;
  before_ = inside ? ' ' : '\n';
}

// What was taken for an object is none; the next one begins at the start of a line.
void ObjectSplitter::broken() {
  ++damages_;
  depth_ = 0;
  quoted_ = escaped_ = false;
  skipping_ = true;
}

void ObjectSplitter::outside(char c) {
  if ((c == '{' || c == '<') && (!skipping_ || before_ == '\n')) {
    skipping_ = false;
    begin_ = scan_;
    depth_ = 1;
    xml_ = c == '<';
    return;
  }
  if (!skipping_ && !blank(c)) broken();
  begin_ = scan_ + 1;
}

bool ObjectSplitter::too_long() {
  if (scan_ - begin_ < kLongest) return false;
  broken();
  return true;
}

// Inside an object. False when it turns out to be none and `c` has to be looked at again.
bool ObjectSplitter::inside_json(char c) {
  if (too_long()) return false;
  if (quoted_) {
    if (c == '\n') {  // strings have no line breaks: the writer was killed in the middle
      broken();
      return false;
    }
    if (c == '"' && !escaped_) quoted_ = false;
    escaped_ = c == '\\' && !escaped_;
    return true;
  }
  if (c == '{' && before_ == '\n') {  // tables inside an object are indented: this is the next object
    broken();
    return false;
  }
  if (c == '"') quoted_ = true;
  if (c == '{' || c == '[') ++depth_;
  if (c == '}' || c == ']') --depth_;
  return true;
}

// From "<c>" to "</c>", each a line of its own, with tables like it inside, which are indented; a string holds no '<'.
// As inside_json().
bool ObjectSplitter::inside_xml(char c) {
  if (too_long()) return false;
  if (before_ == '\n' && c != ' ' && c != '<') {
    broken();
    return false;
  }
  const std::size_t n = scan_ - begin_;
  if (n < 3 && c != "<c>"[n]) {
    if (n != 1 || c != '/') ++damages_;  // "</c>": the end of one whose beginning is not here
    depth_ = 0;
    skipping_ = true;
    return false;
  }
  if (before_ == '<' && n > 1 && text_[scan_ - 2] == '\n' && c != '/') {  // the next object
    broken();
    before_ = text_[--scan_ - 1];
    return false;
  }
  if (c != '>' || n < 3) return true;
  if (text_.compare(scan_ - 2, 2, "<c") == 0) ++depth_;
  if (text_.compare(scan_ - 3, 3, "</c") != 0) return true;
  --depth_;
  const bool at_line_start = text_[scan_ - 4] == '\n';
  if (at_line_start == (depth_ == 0)) return true;
  broken();  // two that became one, since the first was not written to its end
  return false;
}

std::optional<std::string_view> ObjectSplitter::next() {
  while (scan_ < text_.size()) {
    const char c = text_[scan_];
    const bool in = depth_ > 0;
    if (!in)
      outside(c);
    else if (!(xml_ ? inside_xml(c) : inside_json(c)))
      continue;
    before_ = c;
    ++scan_;
    if (in && depth_ == 0) {
      const std::size_t from = begin_;
      begin_ = scan_;
      return std::string_view(text_).substr(from, scan_ - from);
    }
  }
  return std::nullopt;
}

std::optional<std::int64_t> Event::integer(std::string_view name) const { return get<std::int64_t>(*this, name); }
std::optional<bool> Event::boolean(std::string_view name) const { return get<bool>(*this, name); }
std::string Event::text(std::string_view name) const { return get<std::string>(*this, name).value_or(""); }

std::optional<Event> decode_event(std::string_view object) {
  constexpr std::int64_t kInformation = 28;
  Event e;
  e.attributes = object.starts_with('<') ? attributes_of_xml(object) : attributes_of_json(object);
  auto type = e.integer("EventTypeNumber");
  e.informed = type == kInformation;
  if (e.informed) type = e.integer("TriggerEventTypeNumber");
  if (!type || *type < 0 || *type > 10'000) return std::nullopt;
  e.type = static_cast<int>(*type);
  e.cluster = e.integer("Cluster").value_or(0);
  e.proc = e.integer("Proc").value_or(-1);
  e.at = event_time(e.text("EventTime"));
  return e;
}

Wall event_time(const std::string& text) {
  std::tm t{};
  int used = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &t.tm_year, &t.tm_mon, &t.tm_mday, &t.tm_hour, &t.tm_min,
                  &t.tm_sec, &used) != 6)
    return {};
  if (t.tm_year < 1970 || t.tm_year > 9999 || t.tm_mon < 1 || t.tm_mon > 12) return {};
  t.tm_year -= 1900;
  t.tm_mon -= 1;
  t.tm_isdst = -1;
  std::int64_t ms = 0, worth = 100;
  auto at = static_cast<std::size_t>(used);
  if (at < text.size() && text[at] == '.')
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, worth /= 10)
      ms += (text[at] - '0') * worth;
  const bool utc = at < text.size() && text[at] == 'Z';
  const std::int64_t s = utc ? timegm(&t) : mktime(&t);
  return s < 0 ? Wall{} : Wall{s * 1000 + ms};
}

float usage_seconds(const std::string& text) {
  std::array<int, 8> n{};
  if (std::sscanf(text.c_str(), "Usr %6d %2d:%2d:%2d, Sys %6d %2d:%2d:%2d", &n[0], &n[1], &n[2], &n[3], &n[4], &n[5],
                  &n[6], &n[7]) != 8)
    return -1;
  const auto seconds_of = [&](std::size_t i) {
    return static_cast<float>(n[i]) * 86400 + static_cast<float>(n[i + 1] * 3600 + n[i + 2] * 60 + n[i + 3]);
  };
  const float sum = seconds_of(0) + seconds_of(4);
  return sum < 0 ? -1 : sum;
}

}  // namespace apf::htcondor
