// What the wrapper reads on a node: its command line, curl's output, /proc, the guardian's lines, and a job as the WMS
// gives it, up to the words of its end. Nothing crashes, what is accepted survives the trip, and no text breaks out of
// its line of curl's configuration.
#include <algorithm>
#include <cstdlib>

#include "protocol/panda.h"
#include "wrapper/http.h"
#include "wrapper/jobs/verdict.h"
#include "wrapper/options/options.h"
#include "wrapper/payload/guard_protocol.h"
#include "wrapper/payload/guardian.h"
#include "wrapper/payload/process_tree.h"
#include "wrapper/plugin.h"
#include "wrapper/report/udp.h"

namespace {

using namespace apf::wrapper;  // NOLINT(google-build-using-namespace): one file, one subject

void require(bool ok) {
  if (!ok) std::abort();
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> list(1);
  for (const char c : text) {
    if (c == '\0')
      list.emplace_back();
    else
      list.back() += c;
  }
  return list;
}

void arguments(std::string_view text) {
  const auto list = words(text);
  if (const auto options = parse_options(list)) {
    const PluginKind* kind = find_plugin(options->plugin.empty() ? "generic" : options->plugin);
    require(kind != nullptr);
    if (check_options(*options, *kind))
      require((!kind->asks_wms || !options->wms_url.empty()) && (!kind->needs_queue || !options->wms_queue.empty()));
  }
  if (const auto guard = read_guard_arguments(list)) {
    const auto again = read_guard_arguments(guard_arguments(*guard));
    require(again && again->argv == guard->argv && guard_arguments(*again) == guard_arguments(*guard));
  }
}

void lines(const std::string& text) {
  if (const auto order = read_order(text)) require(read_order(write_order(*order))->value == order->value);
  if (const auto event = read_event(text)) require(read_event(write_event(*event)).has_value());
  if (const auto stat = parse_stat(text)) require(stat->rss_kb >= 0 && stat->cpu >= apf::Duration::zero());
}

void http(const std::string& text) {
  const Exchange plain{.url = "u", .token = "t", .content_type = "c", .body = "b"};
  const Exchange wild{.url = text, .token = "t" + text, .content_type = text, .body = text};
  const auto count = [](const std::string& s) { return std::count(s.begin(), s.end(), '\n'); };
  require(count(curl_config(plain)) == count(curl_config(wild)));
  apf::Finished finished;
  finished.exit_code = 0;
  finished.out = text;
  if (const auto answer = read_curl(finished)) require(answer->status >= 100 && answer->body.size() < text.size());
  finished.exit_code = 7;
  finished.err = text;
  require(!read_curl(finished).has_value());
}

void udp(const std::string& text) {
  if (const std::string name = udp_name(text); !name.empty()) require(name.front() != '-' && !udp_address(text));
  if (const std::string found = udp_found("host:9", text); !found.empty()) require(udp_address(found));
}

void job(std::string_view text) {
  namespace panda = apf::protocol::panda;
  const auto jobs = panda::read_acquired(200, text);
  if (!jobs) return;
  require(!jobs->empty() && !jobs->front().spec.argv.empty() && !jobs->front().spec.argv.front().empty());
  const Outcome failed{.reason = Reason::memory, .signal = 9};
  require(panda::read_update(panda::write_update(last_update(jobs->front(), failed, 0, "tobekilled"))).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  arguments(text);
  lines(std::string(text));
  http(std::string(text));
  udp(std::string(text));
  job(text);
  return 0;
}
