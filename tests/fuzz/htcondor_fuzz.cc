// Readers of what HTCondor's tools print: no input may crash them, and what they accept must make sense.
#include <cstdlib>

#include "batch/htcondor/view.h"
#include "htcondor/rows.h"
#include "htcondor/text.h"
#include "wms/htcondor/jobs.h"

namespace {

void require(bool ok) {
  if (!ok) std::abort();
}

void views(std::string_view text) {
  using namespace apf::batch_htcondor;
  for (const auto listing : {Listing::queue, Listing::history}) {
    const auto pilots = read(text, listing, "i1");
    if (!pilots) continue;
    for (const auto& p : *pilots) require(!p.submission.empty() && job_key(p.batch_id) >> 32U > 0);
  }
}

void demand(std::string_view text) {
  using namespace apf::wms_htcondor;
  for (const Grouping& grouping : {Grouping{"SITE", "", "", ""}, Grouping{"SITE", "rest", "Label", "Kind"}}) {
    const auto jobs = read(text, grouping);
    if (!jobs) continue;
    std::size_t counted = jobs->without + jobs->unusable;
    for (const auto& cell : jobs->cells) {
      require(is_word(cell.wms_queue) && cell.ready >= 0 && cell.running >= 0 && cell.notready >= 0);
      require(cell.job_label.empty() || is_word(cell.job_label));
      counted += static_cast<std::size_t>(cell.ready + cell.running + cell.notready);
    }
    require(counted <= jobs->rows);
  }
}

void answers(std::string_view text) {
  if (const auto s = apf::htcondor::parse_submitted(text))
    require(s->cluster > 0 && s->first >= 0 && s->last >= s->first);
  if (const auto n = apf::htcondor::parse_totals(text)) require(*n >= 0);
}

// Whatever the value, what comes out stays on its line and in its quotes.
void values(std::string_view text) {
  if (const auto s = apf::htcondor::submit_text(text, "x"))
    require(s->find('\n') == std::string::npos && s->back() != '\\');
  if (const auto s = apf::htcondor::submit_arguments({std::string(text)})) {
    require(s->find('\n') == std::string::npos && s->size() >= 4 && s->front() == '"' && s->back() == '"');
    int quotes = 0;  // inside the outer pair they come in twos
    for (const char c : s->substr(1, s->size() - 2)) {
      if (c != '"') require(quotes % 2 == 0);
      quotes = c == '"' ? quotes + 1 : 0;
    }
  }
  if (const auto s = apf::htcondor::submit_string(text, "x")) require(s->find('\n') == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  views(text);
  demand(text);
  answers(text);
  values(text);
  return 0;
}
