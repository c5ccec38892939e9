// What PanDA's own pilot sends to the job queue: compressed or not, a form or JSON. No input may crash a reader, and a
// job that says what it pleases must come out as a form with the same fields as its JSON.
#include <cstdlib>

#include "net/gunzip.h"
#include "protocol/form.h"
#include "protocol/panda_legacy.h"

namespace panda = apf::protocol::panda;

namespace {

void require(bool ok) {
  if (!ok) std::abort();
}

void requests(std::string_view text) {
  if (const auto r = panda::read_get_job(text)) require(r->plain && !r->site.empty());
  if (const auto r = panda::read_update_job(text)) require(r->id > 0 && r->attempt_key == std::to_string(r->attempt));
  if (const auto ids = panda::read_get_status(text)) require(!ids->empty());
  (void)panda::read_worker_status(text);
  (void)panda::read_worker_node(text);
}

void replies(std::string_view text) {
  panda::Job job;
  job.id = 1;
  job.spec.argv = {std::string(text), std::string(text)};
  job.spec.environment["X"] = std::string(text);
  const auto form = apf::protocol::read_form(panda::write_given(job, "http://h", false));
  require(form && form->size() > 30);
  (void)panda::write_given(job, "http://h", true);
  (void)panda::write_queue({std::string(text), "online"});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (apf::net::is_gzip(text)) {
    if (const auto plain = apf::net::gunzip(text, 1U << 20U)) requests(*plain);
  }
  requests(text);
  replies(text);
  return 0;
}
