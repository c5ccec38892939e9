// The reader of event logs, in JSON and in XML form: no text may crash it, how it is chopped makes no difference, and
// the pilots that it gives make sense.
#include <cstdlib>
#include <vector>

#include "batch/htcondor/pilot_events.h"
#include "htcondor/event.h"

namespace {

void require(bool ok) {
  if (!ok) std::abort();
}

struct Read {
  std::vector<std::string> objects;
  std::uint64_t damages = 0;
  bool operator==(const Read&) const = default;
};

Read read(std::string_view text, std::size_t piece, bool inside) {
  apf::htcondor::ObjectSplitter splitter;
  splitter.reset(inside);
  Read out;
  while (!text.empty()) {
    const std::size_t n = std::min(piece, text.size());
    splitter.add(text.substr(0, n));
    text.remove_prefix(n);
    while (const auto object = splitter.next()) {
      require(object->size() >= 2 &&
              (object->front() == '{' || (object->starts_with("<c>") && object->ends_with("\n</c>"))));
      out.objects.emplace_back(*object);
    }
  }
  out.damages = splitter.damages();
  return out;
}

void pilots(const std::vector<std::string>& objects) {
  apf::batch_htcondor::PilotEvents events("f-1", "i1");
  std::vector<apf::PilotSeen> seen;
  apf::Mono now{1};
  for (const auto& object : objects) {
    const auto event = apf::htcondor::decode_event(object);
    if (!event) continue;
    require(event->type >= 0 && event->at.ms >= 0);
    now = now + apf::milliseconds{300};
    events.take(*event, now, [] { return std::string("place"); }, seen);
    events.settle(now, seen);
  }
  events.settle(now + apf::seconds{10}, seen);
  require(!events.due() && !events.oldest());
  for (const auto& p : seen)
    require(!p.submission.empty() && !p.batch_id.empty() && p.exit_code >= -1 &&
            (p.hold == apf::HoldKind::none) == (p.state != apf::PilotState::held));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool inside = (data[0] & 1U) != 0;
  const Read whole = read(text, text.size() + 1, inside);
  require(read(text, 1 + data[0] % 7U, inside) == whole);
  pilots(whole.objects);
  return 0;
}
