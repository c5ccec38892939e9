#include "wrapper/node/remote.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "process/supervisor.h"
#include "wrapper/http.h"

namespace apf::wrapper::node {
namespace {

bool number(std::string_view text, int& n) {
  const auto r = std::from_chars(text.data(), text.data() + text.size(), n);
  return r.ec == std::errc{} && r.ptr == text.data() + text.size() && n >= 0;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_date(std::string_view line) {
  constexpr std::string_view name = "date:";
  return line.size() > name.size() &&
         std::equal(name.begin(), name.end(), line.begin(), [](char a, char b) { return a == lower(b); });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<Wall> read_http_date(std::string_view text) {
  constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT" || text[19] != ':' || text[22] != ':')
    return std::nullopt;
  const auto* const month = std::find(months.begin(), months.end(), text.substr(8, 3));
  std::array<int, 5> n{};  // day, year, hour, minute, second
  if (month == months.end() || !number(text.substr(5, 2), n[0]) || !number(text.substr(12, 4), n[1]) ||
      !number(text.substr(17, 2), n[2]) || !number(text.substr(20, 2), n[3]) || !number(text.substr(23, 2), n[4]))
    return std::nullopt;
  const std::chrono::year_month_day day{std::chrono::year{n[1]},
                                        std::chrono::month{static_cast<unsigned>(month - months.begin()) + 1},
                                        std::chrono::day{static_cast<unsigned>(n[0])}};
  if (!day.ok() || n[2] > 23 || n[3] > 59 || n[4] > 60) return std::nullopt;
  const std::int64_t s =
      std::chrono::sys_days{day}.time_since_epoch().count() * std::int64_t{86400} + n[2] * 3600 + n[3] * 60 + n[4];
  return Wall{s * 1000};
}

// Headers, those of a proxy before them, and after the last line break the status.
std::optional<Hello> read_head(std::string_view out) {
  const std::size_t last = out.rfind('\n');
  if (last == std::string_view::npos) return std::nullopt;
  Hello hello;
  if (!number(out.substr(last + 1), hello.status) || hello.status < 100) return std::nullopt;
  std::string_view rest = out.substr(0, last);
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.starts_with("HTTP/")) hello.date.reset();
    if (is_date(line)) hello.date = read_http_date(trimmed(line.substr(5)));
  }
  return hello;
}

Result<Hello> hello(const std::string& url, Mono deadline) {
  const Duration left = std::max<Duration>(deadline - mono_now(), seconds{1});
  const Exchange e{.url = url, .connect_timeout = std::min<Duration>(left, seconds{10}), .timeout = left};
  const Command command{.argv = {"curl", "-q", "-K", "-"}, .input = curl_head_config(e), .output_cap = 1U << 20U};
  const Wall asked = wall_now();
  const auto done = process::run(command, {.deadline = deadline, .grace = milliseconds{500}});
  const Wall answered = wall_now();
  const auto unreachable = [&](std::string why) {
    return fail(Kind::transient, "wrapper.unreachable", std::move(why), url);
  };
  if (!done && done.error().code == "process.not_found")
    return fail(Kind::config, "wrapper.no_curl", done.error().what, {}, "install curl on this node");
  if (!done) return unreachable(done.error().what);
  if (done->timed_out) return unreachable("no answer in time");
  auto hello = read_head(done->out);
  if (!hello) return unreachable(done->err.empty() ? "no HTTP answer" : done->err.substr(0, done->err.find('\n')));
  hello->asked = asked;
  hello->answered = answered;
  return *hello;
}

Duration ahead(const Hello& hello) {
  if (!hello.date) return Duration::zero();
  // The server wrote the date somewhere between `asked` and `answered`, and cut off what is below a second.
  const Duration early = between(Wall{hello.date->ms + 1000}, hello.asked);
  if (early > Duration::zero()) return early;
  return std::min(between(*hello.date, hello.answered), Duration::zero());
}

}  // namespace apf::wrapper::node
