#include "pilot_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "hold.h"
#include "view.h"

namespace apf::batch_htcondor {
namespace {

using htcondor::Event;

constexpr std::size_t kMostKnown = 200'000;  // live pilots that are remembered: some 15 MB

// HTCondor's numbers of events (ULogEventNumber).
enum Type : int {
  kSubmit = 0,
  kExecute = 1,
  kEvicted = 4,
  kTerminated = 5,
  kShadowException = 7,
  kAborted = 9,
  kSuspended = 10,
  kUnsuspended = 11,
  kHeld = 12,
  kReleased = 13,
  kReconnected = 23,
  kReconnectFailed = 24,
  kStatusUnknown = 29,
  kStatusKnown = 30,
  kFileTransfer = 40,
};
// "Type" of a file transfer. With the first of them the job is in its slot, and condor_q calls it running.
constexpr std::int64_t kInputQueued = 1, kInputStarted = 2, kOutputQueued = 4, kOutputStarted = 5;

// The pilot is out of its slot and back in the queue, for whatever reason.
bool goes_back(int type) {
  return type == kEvicted || type == kShadowException || type == kReleased || type == kReconnectFailed;
}

// What the pilot is after the event, as far as the event alone tells; nothing: it changes nothing.
std::optional<PilotState> state_after(const Event& e) {
  switch (e.type) {
    case kSubmit:
    case kEvicted:
    case kShadowException:
    case kReconnectFailed:
    case kReleased: return PilotState::pending;
    case kExecute:
    case kUnsuspended:
    case kReconnected:
    case kStatusKnown: return PilotState::running;
    case kTerminated: return e.boolean("TerminatedNormally") == true ? PilotState::done : PilotState::failed;
    case kAborted: return PilotState::removed;
    case kSuspended: return PilotState::suspended;
    case kHeld: return e.integer("HoldReasonCode") == kSpoolingInput ? PilotState::pending : PilotState::held;
    case kStatusUnknown: return PilotState::unknown;
    case kFileTransfer: {
      const auto step = e.integer("Type");
      if (step == kInputQueued || step == kInputStarted) return PilotState::running;
      if (step == kOutputQueued || step == kOutputStarted) return PilotState::transferring;
      return std::nullopt;
    }
    default: return std::nullopt;
  }
}

// As the columns of condor_q give it: one line, without quotes and backslashes.
std::string words(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '"' || c == '\\') c = ' ';
  return text;
}

std::string node_of(const Event& e) {
  for (const char* name : {"RemoteHost", "SlotName", "LastRemoteHost"}) {
    std::string host = e.text(name);
    if (const std::size_t at = host.find('@'); at != std::string::npos) host.erase(0, at + 1);
    if (!host.empty()) return host;
  }
  return {};
}

std::string reason_of(const Event& e) {
  for (const char* name : {"HoldReason", "Reason", "RemoveReason", "Message"})
    if (std::string text = e.text(name); !text.empty()) return words(std::move(text));
  return {};
}

Wall seconds_since_1970(const Event& e, std::string_view name) {
  constexpr std::int64_t kLast = 253'402'300'799;  // the year 9999
  const auto s = e.integer(name).value_or(0);
  return Wall{s > 0 && s <= kLast ? s * 1000 : 0};
}

void add_outcome(PilotSeen& p, const Event& e) {
  p.ended = e.at;
  if (e.type != kTerminated) return;
  const auto code = e.integer("ReturnValue");
  if (p.state == PilotState::done && code && *code >= 0 && *code <= std::numeric_limits<std::int32_t>::max())
    p.exit_code = static_cast<std::int32_t>(*code);
  if (const auto wall = e.integer("TimeSlotBusyUsage"); wall && *wall >= 0) p.wall_s = static_cast<float>(*wall);
  p.cpu_s = htcondor::usage_seconds(e.text("TotalRemoteUsage"));
}

void add_circumstances(PilotSeen& p, const Event& e) {
  p.submitted = seconds_since_1970(e, "QDate");
  if (p.state != PilotState::pending) {
    p.started = seconds_since_1970(e, "JobCurrentStartDate");
    p.node = node_of(e);
  }
  if (p.state == PilotState::running && p.started.ms == 0 && (e.type == kExecute || e.type == kFileTransfer))
    p.started = e.at;
  if (p.state == PilotState::held) {
    p.hold = hold_kind(e.integer("HoldReasonCode").value_or(0), e.integer("HoldReasonSubCode").value_or(0));
    p.reason = reason_of(e);
  }
  if (ended(p.state)) add_outcome(p, e);
  if (p.state == PilotState::removed) p.reason = reason_of(e);
}

std::uint64_t key_of(const Event& e) {
  return static_cast<std::uint64_t>(e.cluster) << 32U | (static_cast<std::uint64_t>(e.proc) & 0xffffffffU);
}

bool is_job(const Event& e) { return e.cluster > 0 && e.cluster <= INT32_MAX && e.proc >= 0 && e.proc <= INT32_MAX; }

bool small(std::optional<std::int64_t> n) { return n && *n >= 0 && *n <= std::numeric_limits<std::int32_t>::max(); }

}  // namespace

std::optional<PilotEvents::Known> PilotEvents::identify(std::uint64_t key, const Event& e) {
  const auto run = e.integer("APF_RUN"), index = e.integer("APF_INDEX");
  Identity i;
  i.submission = e.text("APF_SUBMISSION");
  i.queue = e.text("MATCH_APF_QUEUE");
  const std::string instance = e.text("APF_INSTANCE");
  if (i.submission.empty() || instance.empty() || !small(run) || !small(index)) return std::nullopt;
  i.run = static_cast<std::uint32_t>(*run);
  i.foreign = instance != instance_;
  i.rerun = e.boolean("APF_RERUN").value_or(true);
  const auto it = known_.find(key);
  auto& known = it != known_.end() ? it->second.identity : last_;
  if (!known || !(*known == i)) known = std::make_shared<const Identity>(std::move(i));
  return Known{known, static_cast<std::uint32_t>(*index)};
}

void PilotEvents::take(Event event, Mono now, const Place& place, std::vector<PilotSeen>& out) {
  if (!is_job(event) || !state_after(event)) return;
  const std::uint64_t key = key_of(event);
  if (const auto it = bare_.find(key); it != bare_.end()) {
    const Event earlier = std::move(it->second.event);
    bare_.erase(it);
    if (!event.informed || earlier.type != event.type) untold(earlier, out);
  }
  if (!event.informed) {
    bare_.emplace(key, Kept{++kept_, now, place(), std::move(event), {}});
    return;
  }
  if (event.text("APF_FACTORY_ID") != factory_id_) return;
  const auto who = identify(key, event);
  if (who)
    told(key, event, *who, now, place, out);
  else
    doubt_ = fmt::format("the information of job {}.{} lacks attributes", event.cluster, event.proc);
}

void PilotEvents::told(std::uint64_t key, const Event& event, const Known& who, Mono now, const Place& place,
                       std::vector<PilotSeen>& out) {
  evicted_.erase(key);
  PilotSeen p;
  p.batch_id = fmt::format("{}.{}", event.cluster, event.proc);
  p.submission = who.identity->submission;
  p.queue = who.identity->queue;
  p.run = who.identity->run;
  p.foreign = who.identity->foreign;
  p.index = who.index;
  p.state = *state_after(event);
  const bool never_again =
      goes_back(event.type) && !who.identity->rerun && event.integer("NumJobStarts").value_or(0) > 0;
  if (never_again) p.state = PilotState::failed;
  p.evicted = never_again;
  add_circumstances(p, event);
  if (never_again) p.reason = std::string(kNotRunAgain) + reason_of(event);
  if (ended(p.state))
    known_.erase(key);
  else if (known_.size() < kMostKnown)
    known_.insert_or_assign(key, who);
  if (never_again || (goes_back(event.type) && event.type != kReleased))
    evicted_.emplace(key, Kept{++kept_, now, place(), {}, std::move(p)});
  else
    out.push_back(std::move(p));
}

// Its information did not come. What is not known of the pilot is not guessed.
void PilotEvents::untold(const Event& event, std::vector<PilotSeen>& out) {
  const std::uint64_t key = key_of(event);
  const auto it = known_.find(key);
  if (it == known_.end() || goes_back(event.type)) {
    doubt_ =
        fmt::format("event {} of job {}.{} came without the job's attributes", event.type, event.cluster, event.proc);
    return;
  }
  const Known who = it->second;
  told(key, event, who, Mono{}, [] { return std::string(); }, out);
}

void PilotEvents::settle(Mono now, std::vector<PilotSeen>& out) {
  for (auto it = bare_.begin(); it != bare_.end();) {
    if (now - it->second.since < kPatience) {
      ++it;
      continue;
    }
    const Event event = std::move(it->second.event);
    it = bare_.erase(it);
    untold(event, out);
  }
  for (auto it = evicted_.begin(); it != evicted_.end();) {
    if (now - it->second.since < kPatience) {
      ++it;
      continue;
    }
    out.push_back(std::move(it->second.pilot));
    it = evicted_.erase(it);
  }
}

const PilotEvents::Kept* PilotEvents::oldest_kept() const {
  const Kept* oldest = nullptr;
  for (const Jobs* jobs : {&bare_, &evicted_})
    for (const auto& [key, kept] : *jobs)
      if (oldest == nullptr || kept.number < oldest->number) oldest = &kept;
  return oldest;
}

std::optional<Mono> PilotEvents::due() const {
  const Kept* oldest = oldest_kept();
  return oldest == nullptr ? std::nullopt : std::optional(oldest->since + kPatience);
}

std::optional<std::string> PilotEvents::oldest() const {
  const Kept* oldest = oldest_kept();
  return oldest == nullptr ? std::nullopt : std::optional(oldest->place);
}

std::string PilotEvents::take_doubt() { return std::exchange(doubt_, {}); }

}  // namespace apf::batch_htcondor
