// What happens to jobs that are out: updates, kills, leases that end; and forgetting.
#include "jobqueue/job_sql.h"
#include "serve/secret.h"

namespace apf::jobqueue {
namespace {

namespace panda = protocol::panda;

constexpr std::size_t kExpireAtOnce = 1000;
constexpr std::int64_t kForgetAtOnce = 2000;

// What a pilot may say of its job.
std::optional<JobStatus> pilots_status(const std::string& text) {
  const auto s = job_status(text);
  if (!s || *s < JobStatus::starting || *s > JobStatus::failed) return {};
  return s;
}

panda::UpdateReply not_accepted(const char* command, std::string why) { return {command, 0, std::move(why)}; }

// A lost answer makes a pilot repeat its last report: that is no second result.
bool repeated(const JobRow& row, JobStatus to) {
  if (!row.reported) return false;
  if (to == JobStatus::finished) return row.status == JobStatus::finished;
  return to == JobStatus::failed && row.status != JobStatus::finished;
}

}  // namespace

// A failed attempt goes back to the others while attempts are left; one that was to be killed does not.
Status JobStore::take_result(JobRow& row, JobStatus to, const panda::UpdateRequest& r, Now now) {
  const JobStatus before = row.status;
  row.reported = true;
  if (r.exit_code) row.exit_code = r.exit_code;
  if (r.cpu_s) row.cpu_s = r.cpu_s;
  if (r.wall_s) row.wall_s = r.wall_s;
  if (to == JobStatus::failed) {
    row.error = r.error_text;
    if (row.error.empty()) row.error = "exit code " + std::to_string(r.exit_code.value_or(-1));
    if (row.kill) to = JobStatus::cancelled;
    if (to == JobStatus::failed && row.attempt < row.max_attempts) to = JobStatus::activated;
  }
  row.status = to;
  if (ended(to)) row.ended = now.wall;
  unlease(row.id);
  return write(row, before);
}

Result<panda::UpdateReply> JobStore::update(const panda::UpdateRequest& r, Now now) {
  const auto to = pilots_status(r.status);
  if (!to) return refuse("Invalid job status: " + r.status);
  if (r.attempt_key.empty()) return refuse("'apf_attempt_key' is missing: it came with the job");
  auto found = find(r.id);
  if (!found) return fail(found.error());
  if (!*found) return refuse("job " + std::to_string(r.id) + " is not known");
  JobRow& row = **found;
  const bool number_fits = r.attempt == 0 || r.attempt == row.attempt || std::to_string(r.attempt) == row.attempt_key;
  if (!serve::same_secret(r.attempt_key, row.attempt_key) || !number_fits)
    return not_accepted("badattemptnr", "this attempt has been replaced by another one");
  if (repeated(row, *to)) return panda::UpdateReply{};
  const bool taken_back = row.status == JobStatus::activated && !row.reported;
  if (ended(row.status) || (row.status == JobStatus::activated && row.reported))
    return not_accepted("alreadydone", std::string("the job is ") + name(row.status) + " already");
  if (taken_back && *to != JobStatus::finished)
    return not_accepted("badattemptnr", "the lease has ended and the job waits for another pilot");

  if (ended(*to)) {
    if (auto ok = take_result(row, *to, r, now); !ok) return fail(ok.error());
    return panda::UpdateReply{};
  }
  if (row.status != *to || (!r.node.empty() && r.node != row.node)) {  // else a renewal, which writes nothing
    const JobStatus before = row.status;
    row.status = *to;
    if (!r.node.empty()) row.node = r.node;
    if (auto ok = write(row, before); !ok) return fail(ok.error());
  }
  lease_until(r.id, now.mono + options_.lease + options_.grace);
  return panda::UpdateReply{row.kill ? "tobekilled" : "", std::chrono::duration_cast<seconds>(options_.lease).count(),
                            ""};
}

Result<std::vector<bool>> JobStore::kill(std::span<const std::int64_t> ids, Now now) {
  std::vector<bool> out;
  for (const std::int64_t id : ids) {
    auto found = find(id);
    if (!found) return fail(found.error());
    const bool can = *found && !ended((*found)->status);
    out.push_back(can);
    if (!can) continue;
    JobRow& row = **found;
    const JobStatus before = row.status;
    row.kill = true;
    if (row.status == JobStatus::activated) {
      row.status = JobStatus::cancelled;
      row.ended = now.wall;
    }
    if (auto ok = write(row, before); !ok) return fail(ok.error());
  }
  return out;
}

Status JobStore::set_site(const std::string& name, const std::string& status) {
  auto& q = sql_->site;
  if (auto ok = q.bind(1, std::string_view(name)).bind(2, std::string_view(status)).run(); !ok) return ok;
  staged_->sites.emplace_back(name, status);
  return {};
}

Status JobStore::end_lease(std::int64_t id, Now now) {
  auto found = find(id);
  if (!found) return fail(found.error());
  unlease(id);
  if (!*found || !leased((*found)->status)) return {};
  JobRow& row = **found;
  const JobStatus before = row.status;
  row.error = "attempt " + std::to_string(row.attempt) + ": its lease ended";
  if (!row.node.empty()) row.error += " on " + row.node;
  if (row.kill)
    row.status = JobStatus::cancelled;
  else
    row.status = row.attempt < row.max_attempts ? JobStatus::activated : JobStatus::failed;
  if (ended(row.status)) row.ended = now.wall;
  return write(row, before);
}

Result<std::size_t> JobStore::expire(Now now) {
  const auto over = leases_.over(now.mono, kExpireAtOnce);
  for (const std::int64_t id : over)
    if (auto ok = end_lease(id, now); !ok) return fail(ok.error());
  return over.size();
}

Result<std::size_t> JobStore::forget(Now now) {
  const auto before = [&](Duration age) { return now.wall.ms - std::chrono::duration_cast<milliseconds>(age).count(); };
  auto& requests = sql_->forget_requests;
  if (auto ok = requests.bind(1, before(options_.keep_requests)).bind(2, kForgetAtOnce).run(); !ok)
    return fail(ok.error());
  auto& old = sql_->old_jobs;
  old.bind(1, before(options_.keep_ended)).bind(2, kForgetAtOnce);
  std::vector<std::int64_t> ids;
  Result<bool> row = false;
  while ((row = old.step()) && *row) {
    ids.push_back(old.integer(0));
    staged_->counts.push_back({old.integer(1), static_cast<JobStatus>(old.integer(2)), -1});
  }
  old.reset();
  if (!row) return fail(row.error());
  for (const std::int64_t id : ids)
    if (auto ok = sql_->forget_job.bind(1, id).run(); !ok) return fail(ok.error());
  return ids.size();
}

}  // namespace apf::jobqueue
