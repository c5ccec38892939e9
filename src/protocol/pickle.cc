#include "protocol/pickle.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>
#include <vector>

namespace apf::protocol {
namespace {

using json_value::Json;

constexpr std::size_t kDeepest = 1000;                         // values that wait on the stack: nesting, in effect
constexpr std::size_t kMostRepeated = std::size_t{16} << 20U;  // bytes that the memo may add to the text
constexpr std::string_view kDecimal =
    "\x01"
    "decimal";  // stands for the class until it is called
constexpr std::string_view kClass =
    "\x01"
    "class";  // likewise, any other

void append_utf8(std::string& out, std::uint32_t code) {
  if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) code = 0xFFFD;
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0U | code >> 6U);
    out += static_cast<char>(0x80U | (code & 0x3FU));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0U | code >> 12U);
    out += static_cast<char>(0x80U | (code >> 6U & 0x3FU));
    out += static_cast<char>(0x80U | (code & 0x3FU));
  } else {
    out += static_cast<char>(0xF0U | code >> 18U);
    out += static_cast<char>(0x80U | (code >> 12U & 0x3FU));
    out += static_cast<char>(0x80U | (code >> 6U & 0x3FU));
    out += static_cast<char>(0x80U | (code & 0x3FU));
  }
}

// raw-unicode-escape: Latin-1, with \uXXXX and \UXXXXXXXX.
std::string unescaped(std::string_view line) {
  std::string out;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const std::size_t digits = line[i] != '\\' || i + 1 == line.size() ? 0
                               : line[i + 1] == 'u'                    ? 4
                               : line[i + 1] == 'U'                    ? 8
                                                                       : 0;
    std::uint32_t code = static_cast<unsigned char>(line[i]);
    if (digits != 0 && i + 2 + digits <= line.size()) {
      const char* const first = line.data() + i + 2;
      std::uint32_t value = 0;
      const auto [end, ec] = std::from_chars(first, first + digits, value, 16);
      if (ec == std::errc{} && end == first + digits) {
        code = value;
        i += 1 + digits;
      }
    }
    append_utf8(out, code);
  }
  return out;
}

template <class Number>
bool number(std::string_view text, Number& out) {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  return ec == std::errc{} && end == text.data() + text.size() && !text.empty();
}

class Reader {
 public:
  Reader(std::string_view text, const std::string& code) : text_(text), code_(code) {}

  Result<Json> read() {
    while (at_ < text_.size()) {
      start_ = at_;
      const char op = text_[at_++];
      if (op == '.') {
        if (stack_.size() != 1 || !marks_.empty()) return wrong("values are left over at its end");
        return std::move(stack_.back());
      }
      if (!step(op)) return wrong(why_.empty() ? "this is no pickle of protocol 0" : why_);
      if (stack_.size() > kDeepest) return wrong("it is nested too deeply");
    }
    return wrong("it breaks off");
  }

 private:
  tl::unexpected<Error> wrong(const std::string& what) const {
    return fail(Kind::transient, code_, "expected a pickle of Python: at byte " + std::to_string(start_) + ", " + what);
  }

  bool line(std::string_view& out) {
    const auto end = text_.find('\n', at_);
    if (end == std::string_view::npos) {
      why_ = "it breaks off";
      return false;
    }
    out = text_.substr(at_, end - at_);
    at_ = end + 1;
    return true;
  }
  bool push(Json value) {
    stack_.push_back(std::move(value));
    return true;
  }
  bool pop(Json& out) {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) return false;
    out = std::move(stack_.back());
    stack_.pop_back();
    return true;
  }

  bool step(char op) {
    switch (op) {
      case '(': marks_.push_back(stack_.size()); return marks_.size() <= kDeepest;
      case 'd':
      case 'l':
      case 't': return gathered(op);
      case 's':
      case 'a': return into_container(op);
      case 'N': return push(nullptr);
      case 'R':
      case 'b': return called(op);
      case '0': {
        Json dropped;
        return pop(dropped);
      }
      default: return with_argument(op);
    }
  }

  // All since the last mark becomes a dictionary, a list or a tuple.
  bool gathered(char op) {
    if (marks_.empty()) return false;
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<Json> items(std::make_move_iterator(first), std::make_move_iterator(stack_.end()));
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    if (op != 'd') return push(Json(Json::array_t(std::move_iterator(items.begin()), std::move_iterator(items.end()))));
    Json dict = Json::object();
    if (items.size() % 2 != 0) return false;
    for (std::size_t i = 0; i < items.size(); i += 2)
      if (!put(dict, items[i], std::move(items[i + 1]))) return false;
    return push(std::move(dict));
  }

  bool put(Json& dict, const Json& key, Json value) {
    if (key.is_string())
      dict[key.get_ref<const std::string&>()] = std::move(value);
    else if (key.is_number_integer() || key.is_null())
      dict[key.dump()] = std::move(value);
    else
      return false;
    return true;
  }

  bool into_container(char op) {
    Json value;
    Json key;
    if (!pop(value) || (op == 's' && !pop(key))) return false;
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) return false;
    Json& target = stack_.back();
    if (op == 's') return target.is_object() && put(target, key, std::move(value));
    if (!target.is_array()) return false;
    target.push_back(std::move(value));
    return true;
  }

  // R: a class and its arguments; b: an object and its state. Neither is done.
  bool called(char op) {
    Json arguments;
    Json what;
    if (!pop(arguments) || !pop(what)) return false;
    if (op == 'R' && what == kDecimal && arguments.is_array() && arguments.size() == 1 && arguments[0].is_string())
      return push(std::move(arguments[0]));
    return push(nullptr);
  }

  bool with_argument(char op) {
    std::string_view a;
    if (!line(a)) return false;
    switch (op) {
      case 'V': return push(unescaped(a));
      case 'S': return a.size() >= 2 && push(unescaped(a.substr(1, a.size() - 2)));
      case 'I':
        if (a == "01" || a == "00") return push(a == "01");
        return whole(a);
      case 'L': return whole(a.ends_with('L') ? a.substr(0, a.size() - 1) : a);
      case 'F': {
        double value = 0;
        return number(a, value) && std::isfinite(value) && push(value);
      }
      case 'p': return remember(a);
      case 'g': return repeat(a);
      case 'c': {
        std::string_view name;
        return line(name) && push(a == "decimal" && name == "Decimal" ? kDecimal : kClass);
      }
      default: why_.clear(); return false;
    }
  }

  bool whole(std::string_view digits) {
    std::int64_t value = 0;
    return number(digits, value) && push(value);
  }

  bool remember(std::string_view name) {
    if (stack_.empty()) return false;
    const Json& value = stack_.back();
    memo_[std::string(name)] = value.is_structured() ? Json() : value;
    return true;
  }
  bool repeat(std::string_view name) {
    const auto found = memo_.find(std::string(name));
    if (found == memo_.end()) return false;
    if (found->second.is_string()) repeated_ += found->second.get_ref<const std::string&>().size();
    if (repeated_ <= kMostRepeated) return push(found->second);
    why_ = "it repeats more than is sensible";
    return false;
  }

  std::string_view text_;
  const std::string& code_;
  std::string why_;
  std::size_t at_ = 0, start_ = 0, repeated_ = 0;
  std::vector<Json> stack_;
  std::vector<std::size_t> marks_;  // sizes of the stack
  std::unordered_map<std::string, Json> memo_;
};

}  // namespace

Result<json_value::Json> read_pickle(std::string_view text, const std::string& code) {
  // Every pickle that we are sent is a container or None; what is not says best itself what it is.
  if (text.empty() || (text.front() != '(' && text.front() != 'N')) {
    const auto other = json_value::parse(text, code);
    return fail(
        Kind::transient, code,
        other ? "expected a pickle of Python, got JSON"
              : "expected a pickle of Python, got" + other.error().what.substr(other.error().what.rfind("got") + 3));
  }
  return Reader(text, code).read();
}

}  // namespace apf::protocol
