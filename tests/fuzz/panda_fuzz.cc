// Every reader of the PanDA codec: no input may crash it, and what it accepts it must be able to write and read again.
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "protocol/json_value.h"
#include "protocol/panda.h"
#include "protocol/panda_harvester.h"
#include "protocol/words.h"

namespace panda = apf::protocol::panda;

namespace {

void require(bool ok) {
  if (!ok) std::abort();
}

void requests(std::string_view text) {
  if (const auto r = panda::read_submit(text, 1000)) {
    const auto back = panda::read_submit(panda::write_submit(*r), 1000);
    require(back && back->jobs == r->jobs);
  }
  if (const auto r = panda::read_acquire(text)) require(panda::read_acquire(panda::write_acquire(*r)).has_value());
  if (const auto r = panda::read_update(text)) require(panda::read_update(panda::write_update(*r)).has_value());
  if (const auto words = apf::protocol::split_words(text))
    require(apf::protocol::split_words(apf::protocol::join_words(*words)) == *words);
}

void replies(std::string_view text) {
  if (const auto cells = panda::read_detailed_stats(200, text)) {
    require(panda::read_detailed_stats(200, panda::write_detailed_stats(*cells)).has_value());
    (void)panda::write_site_stats(*cells);
  }
  if (const auto sites = panda::read_site_specs(200, text))
    require(panda::read_site_specs(200, panda::write_site_specs(*sites)) == *sites);
  if (const auto jobs = panda::read_acquired(200, text))
    require(panda::read_acquired(200, panda::write_acquired(*jobs)).has_value());
  if (const auto cells = panda::read_site_stats(200, text))
    require(panda::read_site_stats(200, panda::write_site_stats(*cells)).has_value());
  (void)panda::read_share_stats(200, text);
  (void)panda::read_site_stats(403, text);
  (void)panda::read_updated(200, text);
  (void)panda::read_submitted(200, text);
  (void)panda::read_envelope(200, text);
  (void)panda::read_envelope(500, text);
}

// What is told of pilots: texts of anywhere must make a request that is valid JSON, and any answer is read.
void harvester(std::string_view text) {
  panda::Worker w;
  w.id = static_cast<std::int64_t>(text.size());
  w.status = "running";
  w.batch_id = w.queue = w.site = w.node = w.message = w.out_url = text;
  const panda::WorkerCounts counts = {{std::string(text), {{std::string(text), {{"running", 1}}}}}};
  require(apf::protocol::json_value::parse(panda::write_workers("h", {&w, 1}), "fuzz").has_value());
  require(!panda::write_legacy_workers("h", {&w, 1}).empty());
  require(!panda::write_worker_counts("h", std::string(text), counts).empty());
  (void)panda::read_workers_taken(200, text);
  (void)panda::read_legacy_workers_taken(200, text);
  (void)panda::read_counts_taken(200, text);
  (void)panda::read_legacy_counts_taken(200, text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  requests(text);
  replies(text);
  harvester(text);
  return 0;
}
