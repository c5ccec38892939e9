// Jobs come in and go out: submit and acquire.
#include <charconv>

#include "jobqueue/job_sql.h"
#include "protocol/panda_legacy.h"
#include "serve/secret.h"

namespace apf::jobqueue {
namespace {

namespace panda = protocol::panda;

std::int64_t in_seconds(Duration d) { return std::chrono::duration_cast<seconds>(d).count(); }

// "4:1 5:2 " -> (4,1), (5,2): jobs and attempts of an earlier answer, or first id and number of a submission.
std::vector<std::pair<std::int64_t, std::int64_t>> pairs(const std::string& answer) {
  std::vector<std::pair<std::int64_t, std::int64_t>> out;
  const char* p = answer.data();
  const char* const end = p + answer.size();
  while (p < end) {
    std::int64_t a = 0;
    std::int64_t b = 0;
    const auto first = std::from_chars(p, end, a);
    if (first.ec != std::errc{} || first.ptr == end) break;
    const auto second = std::from_chars(first.ptr + 1, end, b);
    if (second.ec != std::errc{} || second.ptr == end) break;
    out.emplace_back(a, b);
    p = second.ptr + 1;
  }
  return out;
}

std::string pair_text(std::int64_t a, std::int64_t b) { return std::to_string(a) + ":" + std::to_string(b) + " "; }

}  // namespace

Result<std::optional<std::string>> JobStore::answered(const char* kind, const std::string& request) {
  if (request.empty()) return std::optional<std::string>();
  auto& q = sql_->request;
  auto row = q.bind(1, std::string_view(kind)).bind(2, std::string_view(request)).step();
  if (!row) return fail(row.error());
  std::optional<std::string> answer;
  if (*row) answer = q.text(0);
  q.reset();
  return answer;
}

Status JobStore::remember(const char* kind, const std::string& request, const std::string& answer, Wall now) {
  if (request.empty()) return {};
  auto& q = sql_->remember;
  q.bind(1, std::string_view(kind)).bind(2, std::string_view(request));
  return q.bind(3, now.ms).bind(4, std::string_view(answer)).run();
}

Result<std::int64_t> JobStore::cell_of(const panda::JobSpec& spec) {
  const CellKey key{spec.site, spec.resource_type, spec.label};
  if (const auto known = cells_.find(key); known != 0) return known;
  auto& q = sql_->cell;
  q.bind(1, std::string_view(key.site)).bind(2, std::string_view(key.resource_type));
  auto row = q.bind(3, std::string_view(key.label)).step();
  if (!row) return fail(row.error());
  const std::int64_t id = q.integer(0);
  q.reset();
  cells_.add(id, key);
  staged_->new_cells.push_back(id);
  if (!sites_.contains(spec.site))  // a queue's first job makes it
    if (auto ok = set_site(spec.site, "online"); !ok) return fail(ok.error());
  return id;
}

Status JobStore::insert(const panda::JobSpec& spec, std::int64_t cell, Now now, std::int64_t& id) {
  auto& q = sql_->insert;
  const std::string text = panda::write_job_spec(spec);
  q.bind(1, cell).bind(2, spec.priority).bind(3, spec.memory_mb).bind(4, spec.disk_mb).bind(5, spec.walltime_s);
  q.bind(6, static_cast<std::int64_t>(spec.max_attempts)).bind(7, now.wall.ms).bind(8, std::string_view(text));
  auto row = q.step();
  if (!row) return fail(row.error());
  id = q.integer(0);
  q.reset();
  return {};
}

Result<std::vector<std::int64_t>> JobStore::submit(const panda::SubmitRequest& request, Now now) {
  const auto before = answered("submit", request.request_id);
  if (!before) return fail(before.error());
  std::vector<std::int64_t> ids;
  if (*before) {
    for (const auto& [first, n] : pairs(**before))
      for (std::int64_t i = 0; i < n; ++i) ids.push_back(first + i);
    return ids;
  }
  for (const panda::JobSpec& spec : request.jobs) {
    const auto cell = cell_of(spec);
    if (!cell) return fail(cell.error());
    std::int64_t id = 0;
    if (auto ok = insert(spec, *cell, now, id); !ok) return fail(ok.error());
    staged_->counts.push_back({*cell, JobStatus::activated, 1});
    ids.push_back(id);
  }
  const auto n = static_cast<std::int64_t>(ids.size());  // one writer: the ids of a group follow each other
  if (auto ok = remember("submit", request.request_id, ids.empty() ? "" : pair_text(ids.front(), n), now.wall); !ok)
    return fail(ok.error());
  return ids;
}

// The best waiting job that fits, over all cells that the request may draw from; 0: none.
Result<std::int64_t> JobStore::pick(const panda::AcquireRequest& r) {
  const auto site = sites_.find(r.site);
  const std::string status = site == sites_.end() ? "online" : site->second;
  if (status == "offline") return 0;
  // PanDA's words: unified is any label, and a site under test runs test jobs only
  const std::string label = status == "test" ? "test" : r.label == "unified" ? "" : r.label;
  std::int64_t best = 0;
  std::int64_t best_priority = 0;
  for (const std::int64_t cell : cells_.of_site(r.site, r.resource_type, label)) {
    auto& q = sql_->pick;
    auto row = q.bind(1, cell).bind(2, r.memory_mb).bind(3, r.disk_mb).bind(4, r.remaining_s).step();
    if (!row) return fail(row.error());
    if (*row) {
      const std::int64_t id = q.integer(0);
      const std::int64_t priority = q.integer(1);
      if (best == 0 || priority > best_priority || (priority == best_priority && id < best)) {
        best = id;
        best_priority = priority;
      }
    }
    q.reset();
  }
  return best;
}

Result<panda::Job> JobStore::give(std::int64_t id, const panda::AcquireRequest& request, Now now) {
  auto found = find(id);
  if (!found) return fail(found.error());
  auto key = serve::random_secret();
  if (!key) return fail(key.error());
  JobRow& row = **found;
  auto spec = panda::read_job_spec(row.spec);
  if (!spec) return fail(Kind::bug, "jobqueue.bad_row", "job " + std::to_string(id) + ": " + spec.error().what);
  row.status = JobStatus::sent;
  ++row.attempt;
  std::int64_t attempt = row.attempt;
  if (request.plain) {
    attempt = panda::legacy_guard(*key, row.attempt);
    *key = std::to_string(attempt);
  }
  row.attempt_key = std::move(*key);
  row.reported = false;
  row.kill = false;
  row.node = request.node;
  row.started = now.wall;
  if (auto ok = write(row, JobStatus::activated); !ok) return fail(ok.error());
  lease_until(id, now.mono + options_.lease + options_.grace);
  return panda::Job{id, attempt, std::move(*spec), in_seconds(options_.lease), row.attempt_key};
}

// R12: a repeated request gets the same jobs, as long as they are still that pilot's.
Result<std::vector<panda::Job>> JobStore::give_again(const std::string& answer, Now now) {
  std::vector<panda::Job> jobs;
  for (const auto& [id, attempt] : pairs(answer)) {
    auto row = find(id);
    if (!row) return fail(row.error());
    if (!*row || (*row)->attempt != attempt || !leased((*row)->status)) continue;
    auto spec = panda::read_job_spec((*row)->spec);
    if (!spec) return fail(Kind::bug, "jobqueue.bad_row", "job " + std::to_string(id) + ": " + spec.error().what);
    lease_until(id, now.mono + options_.lease + options_.grace);
    jobs.push_back({id, (*row)->attempt, std::move(*spec), in_seconds(options_.lease), (*row)->attempt_key});
  }
  if (jobs.empty())
    return refuse("the jobs of this request have ended or were taken back: ask with a new apf_request_id");
  return jobs;
}

Result<std::vector<panda::Job>> JobStore::acquire(const panda::AcquireRequest& request, Now now) {
  const auto before = answered("acquire", request.request_id);
  if (!before) return fail(before.error());
  if (*before) return give_again(**before, now);
  std::vector<panda::Job> jobs;
  std::string answer;
  while (jobs.size() < static_cast<std::size_t>(request.n_jobs)) {
    const auto id = pick(request);
    if (!id) return fail(id.error());
    if (*id == 0) break;
    auto job = give(*id, request, now);
    if (!job) return fail(job.error());
    answer += pair_text(job->id, job->attempt);
    jobs.push_back(std::move(*job));
  }
  if (!jobs.empty())  // "no jobs" is not remembered: the same request may find some later
    if (auto ok = remember("acquire", request.request_id, answer, now.wall); !ok) return fail(ok.error());
  return jobs;
}

}  // namespace apf::jobqueue
