// Opening, groups, reading.
#include "jobqueue/job_store.h"

#include <algorithm>

#include "jobqueue/job_sql.h"

namespace apf::jobqueue {

Status JobStore::Statements::prepare(store::Database& db) {
  const std::pair<store::Statement*, const char*> all[] = {
      {&cell, "INSERT INTO cells(site, resource_type, label) VALUES(?,?,?) RETURNING id"},
      {&insert,
       "INSERT INTO jobs(cell, status, priority, memory_mb, disk_mb, walltime_s, max_attempts, submitted, spec) "
       "VALUES(?,0,?,?,?,?,?,?,?) RETURNING id"},
      {&pick,
       "SELECT id, priority FROM jobs INDEXED BY jobs_ready WHERE status=0 AND cell=?1 AND (?2=0 OR memory_mb<=?2) "
       "AND (?3=0 OR disk_mb<=?3) AND (?4=0 OR walltime_s<=?4) ORDER BY priority DESC, id LIMIT 1"},
      {&find,
       "SELECT cell, status, attempt, max_attempts, kill, reported, attempt_key, node, error, exit_code, cpu_s, "
       "wall_s, submitted, started, ended, spec FROM jobs WHERE id=?"},
      {&write,
       "UPDATE jobs SET status=?2, attempt=?3, kill=?4, reported=?5, attempt_key=?6, node=?7, error=?8, exit_code=?9, "
       "cpu_s=?10, wall_s=?11, started=?12, ended=?13 WHERE id=?1"},
      {&ids, "SELECT id FROM jobs WHERE cell=? AND status=? AND id>? ORDER BY id LIMIT ?"},
      {&request, "SELECT answer FROM requests WHERE kind=? AND id=?"},
      {&remember, "INSERT INTO requests(kind, id, made, answer) VALUES(?,?,?,?)"},
      {&site, "INSERT INTO sites(name, status) VALUES(?,?) ON CONFLICT(name) DO UPDATE SET status=excluded.status"},
      {&old_jobs, "SELECT id, cell, status FROM jobs WHERE ended>0 AND ended<? LIMIT ?"},
      {&forget_job, "DELETE FROM jobs WHERE id=?"},
      {&forget_requests,
       "DELETE FROM requests WHERE (kind, id) IN (SELECT kind, id FROM requests WHERE made<? LIMIT ?)"},
  };
  for (const auto& [statement, sql] : all) {
    auto prepared = db.prepare(sql);
    if (!prepared) return fail(std::move(prepared.error()));
    *statement = std::move(*prepared);
  }
  return {};
}

JobStore::JobStore(store::Database db, const StoreOptions& options)
    : db_(std::move(db)),
      sql_(std::make_unique<Statements>()),
      options_(options),
      staged_(std::make_unique<Staged>()) {}

JobStore::~JobStore() = default;

Result<std::unique_ptr<JobStore>> JobStore::open(const std::string& file, const StoreOptions& options, Now now) {
  auto db = store::Database::open(file, kMigrations, {.owner = "apf job queue"});
  if (!db) return fail(std::move(db.error()));
  if (auto ok = db->synchronous(true); !ok) return fail(ok.error());
  std::unique_ptr<JobStore> jobs(new JobStore(std::move(*db), options));
  if (auto ok = jobs->sql_->prepare(jobs->db_); !ok) return fail(ok.error());
  if (auto ok = jobs->load(now); !ok) return fail(ok.error());
  return jobs;
}

// R12: no lease ends before the server's start + lease.
Status JobStore::load(Now now) {
  auto cells = db_.prepare("SELECT id, site, resource_type, label FROM cells");
  if (!cells) return fail(cells.error());
  Result<bool> row = false;
  while ((row = cells->step()) && *row) cells_.add(cells->integer(0), {cells->text(1), cells->text(2), cells->text(3)});
  if (!row) return fail(row.error());

  auto counts = db_.prepare("SELECT cell, status, count(*) FROM jobs GROUP BY cell, status");
  if (!counts) return fail(counts.error());
  while ((row = counts->step()) && *row)
    cells_.count(counts->integer(0), static_cast<JobStatus>(counts->integer(1)), counts->integer(2));
  if (!row) return fail(row.error());

  auto sites = db_.prepare("SELECT name, status FROM sites");
  if (!sites) return fail(sites.error());
  while ((row = sites->step()) && *row) sites_[sites->text(0)] = sites->text(1);
  if (!row) return fail(row.error());

  for (const auto& [id, cell] : cells_.all())
    for (auto s = JobStatus::sent; leased(s); s = static_cast<JobStatus>(static_cast<int>(s) + 1)) {
      if (cell.of(s) == 0) continue;
      const auto out = ids_of(id, s, 0, static_cast<std::size_t>(INT64_MAX));
      if (!out) return fail(out.error());
      for (const std::int64_t job : *out) leases_.set(job, now.mono + options_.lease + options_.grace);
    }
  return {};
}

Status JobStore::begin() { return db_.begin(); }

Status JobStore::commit() {
  if (auto ok = db_.commit(); !ok) {
    rollback();
    return ok;
  }
  for (const auto& c : staged_->counts) cells_.count(c.cell, c.status, c.delta);
  for (const auto& [job, end] : staged_->leases) {
    if (end)
      leases_.set(job, *end);
    else
      leases_.drop(job);
  }
  for (auto& [site, status] : staged_->sites) sites_[site] = status;
  if (!staged_->counts.empty() || !staged_->sites.empty()) ++version_;
  if (!staged_->sites.empty()) ++sites_version_;
  *staged_ = {};
  return {};
}

void JobStore::rollback() {
  db_.rollback();
  for (const std::int64_t cell : staged_->new_cells) cells_.remove(cell);
  *staged_ = {};
}

Result<std::optional<JobRow>> JobStore::find(std::int64_t id) {
  auto& q = sql_->find;
  auto row = q.bind(1, id).step();
  if (!row) return fail(row.error());
  if (!*row) {
    q.reset();
    return std::optional<JobRow>();
  }
  JobRow r;
  r.id = id;
  r.cell = q.integer(0);
  r.status = static_cast<JobStatus>(q.integer(1));
  r.attempt = static_cast<int>(q.integer(2));
  r.max_attempts = static_cast<int>(q.integer(3));
  r.kill = q.integer(4) != 0;
  r.reported = q.integer(5) != 0;
  r.attempt_key = q.text(6);
  r.node = q.text(7);
  r.error = q.text(8);
  if (!q.is_null(9)) r.exit_code = q.integer(9);
  if (!q.is_null(10)) r.cpu_s = q.real(10);
  if (!q.is_null(11)) r.wall_s = q.real(11);
  r.submitted.ms = q.integer(12);
  r.started.ms = q.integer(13);
  r.ended.ms = q.integer(14);
  r.spec = q.text(15);
  q.reset();
  return std::optional<JobRow>(std::move(r));
}

// Changes everything of a row that can change, and counts its move.
Status JobStore::write(const JobRow& r, JobStatus before) {
  auto& q = sql_->write;
  q.bind(1, r.id).bind(2, static_cast<std::int64_t>(r.status)).bind(3, static_cast<std::int64_t>(r.attempt));
  q.bind(4, static_cast<std::int64_t>(r.kill)).bind(5, static_cast<std::int64_t>(r.reported));
  q.bind(6, std::string_view(r.attempt_key)).bind(7, std::string_view(r.node)).bind(8, std::string_view(r.error));
  r.exit_code ? q.bind(9, *r.exit_code) : q.bind_null(9);
  r.cpu_s ? q.bind(10, *r.cpu_s) : q.bind_null(10);
  r.wall_s ? q.bind(11, *r.wall_s) : q.bind_null(11);
  if (auto ok = q.bind(12, r.started.ms).bind(13, r.ended.ms).run(); !ok) return ok;
  staged_->move(r.cell, before, r.status);
  return {};
}

Result<std::vector<std::int64_t>> JobStore::ids_of(std::int64_t cell, JobStatus status, std::int64_t after,
                                                   std::size_t most) {
  auto& q = sql_->ids;
  q.bind(1, cell).bind(2, static_cast<std::int64_t>(status)).bind(3, after).bind(4, static_cast<std::int64_t>(most));
  std::vector<std::int64_t> out;
  Result<bool> row = false;
  while ((row = q.step()) && *row) out.push_back(q.integer(0));
  q.reset();
  if (!row) return fail(row.error());
  return out;
}

// Each (cell, status) is a range of an index: the first `most` of every range hold the first `most` of all.
Result<std::vector<JobRow>> JobStore::list(const JobFilter& filter) {
  std::vector<std::int64_t> ids;
  for (const auto& [cell, counted] : cells_.all()) {
    if (!filter.site.empty() && counted.key.site != filter.site) continue;
    for (int i = 0; i < kJobStatuses; ++i) {
      const auto s = static_cast<JobStatus>(i);
      if ((filter.status && s != *filter.status) || counted.of(s) == 0) continue;
      const auto some = ids_of(cell, s, filter.after, filter.most);
      if (!some) return fail(some.error());
      ids.insert(ids.end(), some->begin(), some->end());
    }
  }
  std::sort(ids.begin(), ids.end());
  if (ids.size() > filter.most) ids.resize(filter.most);
  std::vector<JobRow> rows;
  for (const std::int64_t id : ids) {
    auto row = find(id);
    if (!row) return fail(row.error());
    if (*row) rows.push_back(std::move(**row));
  }
  return rows;
}

void JobStore::lease_until(std::int64_t job, Mono end) { staged_->leases.emplace_back(job, end); }
void JobStore::unlease(std::int64_t job) { staged_->leases.emplace_back(job, std::nullopt); }

}  // namespace apf::jobqueue
