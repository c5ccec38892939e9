#include "protocol/apfmon.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "protocol/form.h"

namespace apf::protocol::apfmon {
namespace {

constexpr std::size_t kLongest = 256;
constexpr std::size_t kLongestIds = 1000;
constexpr std::size_t kLongestProfile = 16384;
constexpr std::array<const char*, 3> kStates = {"running", "exiting", "fault"};

tl::unexpected<Error> bad(std::string what) { return fail(Kind::permanent, "apfmon.bad_form", std::move(what)); }

// Text that goes into logs and the ledger: short, and without control characters.
Status check_text(const std::string& name, const std::string& value) {
  if (value.size() > kLongest) return bad("'" + name + "' is longer than 256 bytes");
  const bool control = std::any_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
  if (control) return bad("'" + name + "' holds a control character");
  return {};
}

// What the reader takes: short, in one line, and not cut in the middle of a character of UTF-8.
std::string sentence(std::string text) {
  if (text.size() > kLongest) {
    std::size_t end = kLongest;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80) --end;
    text.resize(end);
  }
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return text;
}

template <class Int>
Status number(const FormField& field, std::optional<Int>& to, Int least, Int most) {
  const auto& [name, text] = field;
  Int n{};
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc{} || end != text.data() + text.size() || n < least || n > most)
    return bad("'" + name + "' is not a whole number of a sensible size: '" + text + "'");
  to = n;
  return {};
}

Status take(const FormField& field, Report& report, bool& has_state) {
  const auto& [name, value] = field;
  if (name == "profile") {
    if (value.size() > kLongestProfile) return bad("'profile' is longer than 16384 bytes");
    report.profile = value;
    return {};
  }
  if (name == "ids") {
    const auto fits = [](char c) { return (c >= '0' && c <= '9') || c == ','; };
    if (value.size() > kLongestIds || !std::all_of(value.begin(), value.end(), fits))
      return bad("'ids' is not a list of numbers, or longer than 1000 bytes");
    report.ids = value;
    return {};
  }
  if (auto ok = check_text(name, value); !ok) return ok;
  if (name == "state") {
    const auto* const it = std::find(kStates.begin(), kStates.end(), value);
    if (it == kStates.end()) return bad("'state' must be running, exiting or fault, got '" + value + "'");
    report.state = static_cast<State>(it - kStates.begin());
    has_state = true;
  } else if (name == "rc") {
    if (!value.empty()) return number(field, report.rc, -65536, 65536);
  } else if (name == "submission") {
    report.submission = value;
  } else if (name == "index") {
    return number<std::uint32_t>(field, report.index, 0, 1'000'000'000);
  } else if (name == "node") {
    report.node = value;
  } else if (name == "payloads") {
    return number<std::int64_t>(field, report.payloads, 0, 1'000'000'000);
  } else if (name == "payload_started") {
    report.payload_started = value == "1" || value == "true";
  } else if (name == "failure") {
    report.failure = value;
  } else if (name == "text") {
    report.text = value;
  } else if (name == "keeps") {
    return number<std::int64_t>(field, report.keeps, 0, 1'000'000);
  }
  return {};
}

}  // namespace

const char* name(State state) { return kStates[static_cast<std::size_t>(state)]; }

std::string job_path(const JobId& id) { return "/jobs/" + escape(id.factory_id) + ":" + escape(id.batch_id); }

Result<JobId> read_job_path(std::string_view decoded) {
  constexpr std::string_view prefix = "/jobs/";
  const auto wrong = [&] {
    return fail(Kind::permanent, "apfmon.bad_path",
                "expected /jobs/<factory id>:<batch id>, got '" + std::string(decoded.substr(0, 200)) + "'");
  };
  if (!decoded.starts_with(prefix)) return wrong();
  const std::string_view rest = decoded.substr(prefix.size());
  const std::size_t colon = rest.find(':');
  if (colon == std::string_view::npos) return wrong();
  JobId id{std::string(rest.substr(0, colon)), std::string(rest.substr(colon + 1))};
  if (id.factory_id.empty() || id.batch_id.empty()) return wrong();
  if (!check_text("factory id", id.factory_id) || !check_text("batch id", id.batch_id)) return wrong();
  return id;
}

std::string write_report(const Report& r) {
  std::vector<FormField> fields = {{"state", name(r.state)}};
  if (r.rc) fields.emplace_back("rc", std::to_string(*r.rc));
  if (!r.submission.empty()) fields.emplace_back("submission", r.submission);
  if (r.index) fields.emplace_back("index", std::to_string(*r.index));
  if (!r.node.empty()) fields.emplace_back("node", r.node);
  if (r.payloads) fields.emplace_back("payloads", std::to_string(*r.payloads));
  if (r.payload_started) fields.emplace_back("payload_started", "1");
  if (!r.failure.empty()) fields.emplace_back("failure", r.failure);
  if (!r.text.empty()) fields.emplace_back("text", sentence(r.text));
  if (r.keeps) fields.emplace_back("keeps", std::to_string(*r.keeps));
  if (!r.ids.empty()) fields.emplace_back("ids", r.ids);
  if (!r.profile.empty()) fields.emplace_back("profile", r.profile);
  return write_form(fields);
}

Result<Report> read_report(std::string_view body) {
  auto fields = read_form(body);
  if (!fields) return fail(Kind::permanent, "apfmon.bad_form", fields.error().what);
  Report report;
  bool has_state = false;
  for (const FormField& field : *fields)
    if (auto ok = take(field, report, has_state); !ok) return fail(ok.error());
  if (!has_state) return bad("the form has no 'state'");
  return report;
}

}  // namespace apf::protocol::apfmon
