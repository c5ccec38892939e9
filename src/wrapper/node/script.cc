#include "wrapper/node/script.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "protocol/json_value.h"
#include "wrapper/payload/payload.h"

namespace apf::wrapper::node {
namespace {

namespace json_value = protocol::json_value;
using json_value::Json;
constexpr std::size_t kLongestText = 200;
constexpr std::size_t kLongestOutput = 64 << 10U;

// The object in the output; discarded: there is none. `broken`: something that wants to be one.
Json find_object(std::string_view out, bool& broken) {
  while (!out.empty() && (out.back() == '\n' || out.back() == '\r' || out.back() == ' ')) out.remove_suffix(1);
  const std::size_t line = out.rfind('\n');
  for (const std::string_view text : {out, line == std::string_view::npos ? out : out.substr(line + 1)}) {
    const std::size_t start = text.find_first_not_of(" \t\r\n");
    if (start == std::string_view::npos || text[start] != '{') continue;
    if (auto json = json_value::parse(text.substr(start), "wrapper.script"); json && json->is_object()) return *json;
    broken = true;
  }
  return Json(Json::value_t::discarded);
}

std::string text_of(const Json& object, const char* key) {
  if (!object.contains(key) || !object[key].is_string()) return {};
  std::string text = object[key].get<std::string>().substr(0, kLongestText);
  // It becomes a line of the log: in one line, and valid UTF-8 when it was cut.
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  const std::string quoted = json_value::dump(Json(text));
  return Json::parse(quoted).get<std::string>();
}

int fault_of(const std::string& word) {
  if (word == "credential") return kCredential;
  if (word == "wms") return kWmsFault;
  if (word == "configuration") return kUsage;
  return kNodeFault;
}

std::string read_start(const std::string& file) {
  std::string text(kLongestOutput, '\0');
  std::ifstream in(file, std::ios::binary);
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  return text;
}

// The guardian keeps the deadline; it is waited for.
Outcome wait_for(Payload& payload) {
  for (;;) {
    pollfd fd{payload.fd(), POLLIN, 0};
    ::poll(&fd, 1, -1);
    if (const auto outcome = payload.look()) return *outcome;
  }
}

Finding not_started(const std::string& file, int error) {
  Finding f = failed(fmt::format("{} can't be run: {}", file, std::strerror(error)), kUsage);
  f.failure = "script";
  return f;
}

}  // namespace

Finding read_script(int exit_code, std::string_view out) {
  bool broken = false;
  const Json object = find_object(out, broken);
  Finding f;
  if (exit_code != 0) {
    f.state = State::failed;
    f.text = exit_code < 0 ? "ended by a signal" : fmt::format("ended with exit code {}", exit_code);
  }
  if (!object.is_object()) {
    if (broken && exit_code == 0) f = warned("its JSON can't be read");
    return f;
  }
  const std::string status = text_of(object, "status");
  if (status == "failed") f.state = State::failed;
  if (status == "warning" && f.state == State::ok) f.state = State::warning;
  if (const std::string text = text_of(object, "text"); !text.empty()) f.text = text;
  if (const std::string failure = text_of(object, "class"); !failure.empty()) f.failure = word(failure);
  f.rc = fault_of(text_of(object, "fault"));
  return f;
}

Finding run_script(const std::string& file, const std::string& directory, Mono deadline) {
  std::error_code e;
  const std::string path = std::filesystem::absolute(file, e).string();
  GuardSettings s{.directory = directory + "/work", .out = directory + "/out", .err = directory + "/err"};
  if (e || !std::filesystem::create_directory(s.directory, e)) return failed("it has no directory to run in");
  s.wall = std::max<Duration>(deadline - mono_now(), milliseconds{1});
  s.grace = Duration::zero();
  s.argv = {path};
  const auto payload = Payload::start(s, {{"TMPDIR", s.directory}});
  if (!payload) return failed(payload.error().what);
  const Outcome outcome = wait_for(**payload);
  if (outcome.start_error != 0) return not_started(path, outcome.start_error);
  if (outcome.reason == Reason::wall) return failed("it did not end in time");
  if (outcome.reason != Reason::exited) return failed(std::string("it was ended: ") + name(outcome.reason));
  Finding f = read_script(outcome.signal != 0 ? -1 : outcome.exit_code, read_start(s.out));
  if (f.state != State::ok) {
    const std::string said = read_start(s.err);
    if (!said.empty())
      f.text += "; it says: " + Json::parse(json_value::dump(Json(said.substr(0, kLongestText)))).get<std::string>();
    std::replace(f.text.begin(), f.text.end(), '\n', ' ');
  }
  return f;
}

}  // namespace apf::wrapper::node
