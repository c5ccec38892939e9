#include "wrapper/report/environment.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace apf::wrapper {
namespace {

constexpr const char* kMask = "***";
constexpr std::size_t kLongest = 2000;

std::string upper(std::string_view text) {
  std::string s(text);
  for (char& c : s)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return s;
}

bool ends_with_any(const std::string& name, std::initializer_list<const char*> ends) {
  return std::any_of(ends.begin(), ends.end(), [&](const char* e) { return name.ends_with(e); });
}

// The name of a file is no secret, what lies in it is.
bool secret_name(std::string_view name) {
  const std::string n = upper(name);
  if (ends_with_any(n, {"_FILE", "_PATH", "_DIR", "_URL", "_HOME"})) return false;
  constexpr std::array words{"PASSW",   "PASSPHRASE", "SECRET", "TOKEN",         "CREDENTIAL", "APIKEY",
                             "API_KEY", "PRIVATE",    "COOKIE", "AUTHORIZATION", "ACCESS_KEY"};
  if (std::any_of(words.begin(), words.end(), [&](const char* w) { return n.find(w) != std::string::npos; }))
    return true;
  return ends_with_any(n, {"_KEY", "_PWD", "_PASS", "_AUTH"});
}

bool secret_value(std::string_view v) {
  return v.find("-----BEGIN") != std::string_view::npos ||
         (v.find("eyJ") != std::string_view::npos && std::count(v.begin(), v.end(), '.') >= 2) ||
         v.find("Bearer ") != std::string_view::npos;
}

// "https://user:password@host/": what stands before the '@' goes.
std::string without_users(std::string value) {
  for (std::size_t at = value.find("://"); at != std::string::npos; at = value.find("://", at + 3)) {
    const std::size_t start = at + 3;
    const std::size_t end = std::min(value.find_first_of("/ \t,;\"'", start), value.size());
    const std::size_t user = value.substr(start, end - start).rfind('@');
    if (user != std::string::npos) value.replace(start, user, kMask);
  }
  return value;
}

}  // namespace

std::string shown_variable(std::string_view variable) {
  const std::size_t equals = variable.find('=');
  const std::string_view name = variable.substr(0, equals);
  const std::string_view value = equals == std::string_view::npos ? "" : variable.substr(equals + 1);
  const bool secret = !value.empty() && (secret_name(name) || secret_value(value));
  std::string line(name);
  line += "=";
  line += secret ? kMask : without_users(std::string(value));
  std::string shown;
  for (const char c : line.substr(0, kLongest)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f)
      shown += fmt::format("\\x{:02x}", byte);
    else
      shown += c;
  }
  return line.size() > kLongest ? shown + "..." : shown;
}

std::vector<std::string> environment_lines() {
  std::vector<std::string> lines;
  for (char** e = environ; e != nullptr && *e != nullptr; ++e) lines.push_back(shown_variable(*e));
  std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace apf::wrapper
