#include "wrapper/http.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include "process/supervisor.h"
#include "wrapper/curl_text.h"

namespace apf::wrapper {
namespace {

using curl::last_line;
using curl::quoted;
using curl::whole_seconds;

constexpr std::size_t kLongestReply = 16 << 20U;

// Exit codes of curl after which surely nothing reached the server: bad address, no resolution, no connection, TLS.
bool not_sent(int code) {
  constexpr std::array codes{1, 3, 5, 6, 7, 35, 51, 58, 59, 60, 66, 77, 83, 90, 91};
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

std::string common_config(const Exchange& e) {
  std::string s = "silent\nshow-error\ngloboff\nurl = " + quoted(e.url) + "\n";
  s += "connect-timeout = " + whole_seconds(e.connect_timeout) + "\nmax-time = " + whole_seconds(e.timeout) + "\n";
  if (const char* ca = std::getenv("X509_CERT_DIR"); ca != nullptr && *ca != '\0') s += "capath = " + quoted(ca) + "\n";
  return s + "write-out = \"\\n%{http_code}\"\n";
}

}  // namespace

std::string curl_config(const Exchange& e) {
  std::string s = common_config(e) + "request = \"POST\"\n";
  s += "header = " + quoted("Content-Type: " + e.content_type) + "\n";
  s += "header = \"Accept: application/json\"\nheader = \"Expect:\"\n";
  if (!e.token.empty()) s += "header = " + quoted("Authorization: Bearer " + e.token) + "\n";
  // --data-raw would be right but is younger than the oldest nodes; a body of ours never starts with '@'.
  s += "data-binary = " + quoted(e.body) + "\n";
  return s;
}

std::string curl_head_config(const Exchange& e) { return common_config(e) + "head\n"; }

Result<Answer> read_curl(const Finished& finished) {
  if (finished.timed_out || finished.truncated)
    return fail(Kind::uncertain, "wrapper.no_answer",
                finished.truncated ? "the answer is too long" : "no answer in time");
  if (finished.exit_code != 0) {
    const bool nothing = not_sent(finished.exit_code);
    return fail(nothing ? Kind::transient : Kind::uncertain, nothing ? "wrapper.not_sent" : "wrapper.no_answer",
                last_line(finished.err));
  }
  const std::size_t line = finished.out.rfind('\n');
  Answer a;
  if (line != std::string::npos) {
    const char* end = finished.out.data() + finished.out.size();
    const auto r = std::from_chars(finished.out.data() + line + 1, end, a.status);
    if (r.ec != std::errc{} || r.ptr != end) a.status = 0;
  }
  if (a.status < 100) return fail(Kind::uncertain, "wrapper.no_answer", "curl told no HTTP status");
  a.body = finished.out.substr(0, line);
  return a;
}

Result<Answer> post(const Exchange& e) {
  // -q first: a user's .curlrc has no say here.
  const Command command{.argv = {"curl", "-q", "-K", "-"}, .input = curl_config(e), .output_cap = kLongestReply};
  process::Limits limits{.deadline = mono_now() + e.timeout + seconds{5}, .grace = milliseconds{500}};
  limits.stop = e.stop;
  const auto finished = process::run(command, limits);
  if (!finished && finished.error().code == "process.not_found")
    return fail(Kind::config, "wrapper.no_curl", finished.error().what, {}, "install curl on this node");
  if (!finished) return fail(Kind::transient, "wrapper.not_sent", finished.error().what);
  return read_curl(*finished);
}

}  // namespace apf::wrapper
