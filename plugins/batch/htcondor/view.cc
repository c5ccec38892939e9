#include "view.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "hold.h"
#include "htcondor/rows.h"

namespace apf::batch_htcondor {
namespace {

using htcondor::Field;

// The one place that fixes the order of columns. A node's name and a reason are the batch system's words: they come
// last, and a reason loses its control characters, quotes and backslashes before it is printed.
enum Column : std::size_t {
  cluster,
  proc,
  status,
  starts,
  submitted,
  started,
  since,
  run,
  index,
  rerun,
  submission,
  instance,
  queue,
  exit_code,
  by_signal,
  hold_code,
  hold_subcode,
  node,
  reason,
  kQueueColumns,
  wall = kQueueColumns,
  user_cpu,
  sys_cpu,
  kHistoryColumns
};

constexpr std::array<const char*, kHistoryColumns> kAsked{
    "ClusterId",
    "ProcId",
    "JobStatus",
    "NumJobStarts",
    "QDate",
    "JobCurrentStartDate",
    "EnteredCurrentStatus",
    "APF_RUN",
    "APF_INDEX",
    "APF_RERUN",
    "APF_SUBMISSION",
    "APF_INSTANCE",
    "MATCH_APF_QUEUE",
    "ExitCode",
    "ExitBySignal",
    "HoldReasonCode",
    "HoldReasonSubCode",
    "RemoteHost ?: LastRemoteHost",
    R"(replaceall("[[:cntrl:]\"\\]", ifthenelse(JobStatus =?= 5, HoldReason, RemoveReason ?: VacateReason), " "))",
    "RemoteWallClockTime",
    "RemoteUserCpu",
    "RemoteSysCpu"};

tl::unexpected<Error> wrong(Listing listing, std::size_t row, std::string what) {
  return fail(Kind::transient, "htcondor.garbled", fmt::format("row {} {}", row, what),
              listing == Listing::queue ? "condor_q" : "condor_history", "the view is refused");
}

// A time beyond the year 9999 is no time.
Wall wall_of(const Field& f) {
  constexpr std::int64_t kLast = 253'402'300'799;
  const auto s = f.integer();
  return Wall{s && *s > 0 && *s <= kLast ? *s * 1000 : 0};
}

template <class Int>
bool assign(Int& to, const Field& f, std::int64_t least = 0) {
  const auto v = f.integer();
  if (!v || *v < least || *v > static_cast<std::int64_t>(std::numeric_limits<Int>::max())) return false;
  to = static_cast<Int>(*v);
  return true;
}

// JobStatus: 1 idle, 2 running, 3 removed, 4 completed, 5 held, 6 transferring output, 7 suspended.
PilotState state_of(std::int64_t status, std::int64_t starts, bool rerun) {
  switch (status) {
    case 1: return starts > 0 && !rerun ? PilotState::failed : PilotState::pending;  // evicted: it never starts again
    case 2: return PilotState::running;
    case 3: return PilotState::removed;
    case 4: return PilotState::done;
    case 5: return PilotState::held;
    case 6: return PilotState::transferring;
    case 7: return PilotState::suspended;
    default: return PilotState::unknown;
  }
}

// "slot1_3@node.example.org" -> "node.example.org".
std::string node_of(const Field& f) {
  std::string name = f.string();
  if (const std::size_t at = name.find('@'); at != std::string::npos) name.erase(0, at + 1);
  return name;
}

void add_outcome(PilotSeen& p, std::span<const Field> f) {
  if (p.state != PilotState::done) return;
  if (f[by_signal].boolean() != false)
    p.state = PilotState::failed;
  else if (const auto code = f[exit_code].integer())
    p.exit_code = static_cast<std::int32_t>(*code);
}

void add_usage(PilotSeen& p, std::span<const Field> f) {
  const auto user = f[user_cpu].real(), sys = f[sys_cpu].real();
  if (const auto w = f[wall].real()) p.wall_s = static_cast<float>(*w);
  if (user && sys) p.cpu_s = static_cast<float>(*user + *sys);
}

void add_circumstances(PilotSeen& p, std::int64_t times_started, std::span<const Field> f) {
  p.submitted = wall_of(f[submitted]);
  if (times_started > 0 || p.state == PilotState::running) p.started = wall_of(f[started]);
  if (ended(p.state)) p.ended = wall_of(f[since]);
  p.node = node_of(f[node]);
  if (p.state != PilotState::running) p.reason = f[reason].string();
}

void add_hold(PilotSeen& p, std::span<const Field> f) {
  if (p.state != PilotState::held) return;
  const std::int64_t code = f[hold_code].integer().value_or(0);
  if (code == kSpoolingInput)
    p.state = PilotState::pending;
  else
    p.hold = hold_kind(code, f[hold_subcode].integer().value_or(0));
}

Result<PilotSeen> pilot_of(std::span<const Field> f, Listing listing, std::size_t row, std::string_view mine) {
  std::int64_t job = 0, jobs_status = 0;
  std::int32_t number = 0;
  PilotSeen p;
  if (!assign(job, f[cluster], 1) || !assign(number, f[proc]) || !assign(jobs_status, f[status], 1) || jobs_status > 7)
    return wrong(listing, row, "has no proper job id and status");
  if (!f[submission].quoted || f[submission].text.empty() || !f[instance].quoted || !f[queue].quoted ||
      !assign(p.run, f[run]) || !assign(p.index, f[index]))
    return wrong(listing, row,
                 fmt::format("(job {}.{}) lacks attributes that the factory gave each pilot", job, number));
  const std::int64_t times_started = f[starts].integer().value_or(0);
  p.batch_id = fmt::format("{}.{}", job, number);
  p.submission = f[submission].string();
  p.queue = f[queue].string();
  p.foreign = f[instance].text != mine;
  p.state = state_of(jobs_status, times_started, f[rerun].boolean().value_or(true));
  add_hold(p, f);
  add_circumstances(p, times_started, f);
  p.evicted = jobs_status == 1 && p.state == PilotState::failed;
  if (p.evicted) p.reason = std::string(kNotRunAgain) + p.reason;
  add_outcome(p, f);
  if (listing == Listing::history) add_usage(p, f);
  return p;
}

// Identical twins are dropped; a pilot with two different stories makes the view worthless.
Status drop_twins(std::vector<PilotSeen>& pilots, Listing listing) {
  std::vector<std::pair<std::uint64_t, std::size_t>> order(pilots.size());
  for (std::size_t i = 0; i < pilots.size(); ++i) order[i] = {job_key(pilots[i].batch_id), i};
  std::sort(order.begin(), order.end());
  std::vector<std::size_t> twins;
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (order[i].first != order[i - 1].first) continue;
    const PilotSeen &a = pilots[order[i - 1].second], &b = pilots[order[i].second];
    if (a.submission != b.submission || a.index != b.index || a.queue != b.queue || a.state != b.state)
      return wrong(listing, order[i].second + 1, fmt::format("contradicts another one about job {}", b.batch_id));
    twins.push_back(order[i].second);
  }
  std::sort(twins.rbegin(), twins.rend());
  for (const std::size_t i : twins) pilots.erase(pilots.begin() + static_cast<std::ptrdiff_t>(i));
  return {};
}

}  // namespace

std::vector<std::string> columns(Listing listing) {
  const std::size_t n = listing == Listing::queue ? kQueueColumns : kHistoryColumns;
  std::vector<std::string> out{"-af:tV"};
  out.insert(out.end(), kAsked.begin(), kAsked.begin() + static_cast<std::ptrdiff_t>(n));
  return out;
}

std::uint64_t job_key(std::string_view batch_id) {
  std::uint64_t high = 0, low = 0;
  const char* const end = batch_id.data() + batch_id.size();
  const auto dot = std::from_chars(batch_id.data(), end, high);
  if (dot.ptr != end) std::from_chars(dot.ptr + 1, end, low);
  return high << 32U | (low & 0xffffffffU);
}

Result<std::vector<PilotSeen>> read(std::string_view out, Listing listing, std::string_view instance) {
  std::array<Field, kHistoryColumns> fields{};
  const std::span<Field> row(fields.data(), listing == Listing::queue ? kQueueColumns : kHistoryColumns);
  htcondor::RowReader reader(out, listing == Listing::queue ? "condor_q" : "condor_history");
  std::vector<PilotSeen> pilots;
  pilots.reserve(static_cast<std::size_t>(std::count(out.begin(), out.end(), '\n')));
  for (auto more = reader.next(row);; more = reader.next(row)) {
    if (!more) return fail(more.error());
    if (!*more) break;
    auto pilot = pilot_of(row, listing, reader.rows(), instance);
    if (!pilot) return fail(pilot.error());
    pilots.push_back(std::move(*pilot));
  }
  if (auto ok = drop_twins(pilots, listing); !ok) return fail(ok.error());
  return pilots;
}

}  // namespace apf::batch_htcondor
