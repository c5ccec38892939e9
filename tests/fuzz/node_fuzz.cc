// What checks of a node read: scripts' words, HTTP heads, credentials, cgroups, /proc, the environment. Nothing
// crashes, and what goes into the log and to the factory is one line of text that can be sent.
#include <algorithm>
#include <cstdlib>

#include "protocol/apfmon.h"
#include "wrapper/node/lifetime.h"
#include "wrapper/node/memory.h"
#include "wrapper/node/profile.h"
#include "wrapper/node/remote.h"
#include "wrapper/node/script.h"
#include "wrapper/payload/cgroup.h"
#include "wrapper/report/environment.h"
#include "wrapper/report/udp.h"

namespace {

using namespace apf::wrapper;  // NOLINT(google-build-using-namespace): one file, one subject

void require(bool ok) {
  if (!ok) std::abort();
}

bool one_line(const std::string& text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

void script(std::string_view text) {
  for (const int code : {0, 1, -1}) {
    const node::Finding f = node::read_script(code, text);
    require(code == 0 || f.state == node::State::failed);
    require(one_line(f.text) && one_line(f.failure) && f.failure.size() <= 64);
    apf::protocol::apfmon::Report report;
    report.failure = f.failure;
    report.text = f.text;
    require(apf::protocol::apfmon::read_report(apf::protocol::apfmon::write_report(report)).has_value());
  }
  require(one_line(node::word(text)) && !node::word(text).empty());
}

void remote(std::string_view text) {
  if (const auto hello = node::read_head(text)) {
    require(hello->status >= 100);
    (void)node::ahead(*hello);
  }
  (void)node::read_http_date(text);
  (void)node::token_ends(text);
  (void)node::proxy_ends(text);
  (void)node::read_asn1_time(text, true);
  (void)node::read_asn1_time(text, false);
}

void kernel(std::string_view text) {
  (void)cgroup_path(text, "memory");
  require(count_cpus(text) >= 0);
  const auto memory = node::read_meminfo(text);
  require(memory.total >= 0 && memory.available >= 0);
  require(node::read_cpuinfo(text).logical >= 0);
  require(node::read_os_release(text).size() <= 200);
}

void told(const std::string& text) {
  require(one_line(shown_variable(text)));
  (void)udp_address(text);
  apf::protocol::PilotDatagram words;
  words.queue = words.gtag = text;
  const std::string line = apf::protocol::write_datagram(words);
  require(one_line(line) && line.find(' ') != std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  script(text);
  remote(text);
  kernel(text);
  told(std::string(text));
  return 0;
}
