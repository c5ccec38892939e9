#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <nlohmann/json.hpp>

#include "protocol/json_value.h"
#include "wrapper/exit_codes.h"
#include "wrapper/kinds/panda.h"

namespace apf::wrapper {
namespace {

constexpr const char* kBad = "wrapper.bad_queue_data";

bool is_variable(std::string_view name) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
  return !name.empty() && name.find_first_not_of(letters) == std::string_view::npos && (name[0] < '0' || name[0] > '9');
}

// "A=b C=d"; words that set nothing are left out, as a shell would.
std::map<std::string, std::string> read_environ(std::string_view text) {
  std::map<std::string, std::string> variables;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \t\r\n;"), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos || !is_variable(word.substr(0, equals))) continue;
    std::string_view value = word.substr(equals + 1);
    const bool in_quotes =
        value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front();
    if (in_quotes) value = value.substr(1, value.size() - 2);
    if (value.find('\0') == std::string_view::npos) variables[std::string(word.substr(0, equals))] = value;
  }
  return variables;
}

// Is one of these options, as "-q X", "-qX" for short ones, "--queue X" or "--queue=X", among the arguments?
bool given(const std::vector<std::string>& arguments, std::initializer_list<std::string_view> names) {
  return std::any_of(arguments.begin(), arguments.end(), [&](const std::string& word) {
    return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
      return word == name || (name.starts_with("--") && word.starts_with(std::string(name) + "="));
    });
  });
}

}  // namespace

Result<QueueData> read_queue_data(std::string_view text) {
  namespace jv = protocol::json_value;
  const auto json = jv::parse(text, kBad);
  if (!json) return fail(json.error());
  if (!json->is_object())
    return fail(Kind::permanent, kBad, std::string("an object is expected, not ") + jv::describe(*json));
  QueueData data;
  constexpr std::size_t longest = 65536;
  if (const auto& value = jv::member(*json, "status"); !value.is_null()) {
    auto word = jv::text(value, "status", kBad, longest);
    if (!word) return fail(word.error());
    data.status = std::move(*word);
  }
  if (const auto& environ = jv::member(*json, "environ"); environ.is_string())
    data.environ = read_environ(environ.get_ref<const std::string&>());
  return data;
}

std::vector<std::string> panda_arguments(const Options& o, bool development) {
  const auto& own = o.code.arguments;
  std::vector<std::string> a;
  const auto add = [&](std::initializer_list<std::string_view> names, const std::string& value) {
    if (!value.empty() && !given(own, names)) a.insert(a.end(), {std::string(*names.begin()), value});
  };
  add({"-q", "--queue"}, o.wms_queue);
  add({"-i", "--versiontag"}, development ? "RC" : "PR");
  add({"-j", "--joblabel"}, o.label);
  add({"--resource-type"}, o.resource_type);
  if (!given(own, {"--url", "-p", "--port"}) && !o.wms_url.empty()) {
    // pilot3 takes the port apart from the address.
    const std::size_t host = o.wms_url.find("://") + 3;
    const std::size_t colon =
        o.wms_url.find(':', o.wms_url.find(']', host) == std::string::npos ? host : o.wms_url.find(']', host));
    const std::size_t slash = std::min(o.wms_url.find('/', host), o.wms_url.size());
    if (colon != std::string::npos && colon < slash) {
      a.insert(a.end(), {"--url", o.wms_url.substr(0, colon), "-p", o.wms_url.substr(colon + 1, slash - colon - 1)});
    } else {
      a.insert(a.end(), {"--url", o.wms_url.substr(0, slash)});
    }
  }
  a.insert(a.end(), own.begin(), own.end());
  return a;
}

std::optional<std::int64_t> worker_id(std::string_view first, std::string_view index) {
  const auto number = [](std::string_view text) -> std::optional<std::int64_t> {
    std::int64_t n = 0;
    const auto r = std::from_chars(text.data(), text.data() + text.size(), n);
    if (text.empty() || r.ec != std::errc{} || r.ptr != text.data() + text.size() || n < 0) return std::nullopt;
    return n;
  };
  const auto base = number(first), more = number(index);
  std::int64_t sum = 0;
  if (!base || !more || __builtin_add_overflow(*base, *more, &sum)) return std::nullopt;
  return sum;
}

int panda_exit(int exit_code, int signal) {
  constexpr int no_payload = 82;
  if (signal != 0 || exit_code > kBySignal) return kFault;  // somebody killed it
  return exit_code == no_payload ? kDone : exit_code;
}

}  // namespace apf::wrapper
