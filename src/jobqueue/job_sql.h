// Schema and prepared statements of the job store; private to its source files.
#pragma once

#include <array>

#include "jobqueue/job_store.h"

namespace apf::jobqueue {

// jobs_ready is all that acquire reads: it walks down the priorities of a cell without touching the rows.
inline constexpr std::array kMigrations{store::Migration{1, R"sql(
CREATE TABLE cells(id INTEGER PRIMARY KEY, site TEXT NOT NULL, resource_type TEXT NOT NULL, label TEXT NOT NULL,
  UNIQUE(site, resource_type, label));
CREATE TABLE sites(name TEXT PRIMARY KEY, status TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE jobs(id INTEGER PRIMARY KEY AUTOINCREMENT, cell INTEGER NOT NULL, status INTEGER NOT NULL,
  priority INTEGER NOT NULL, memory_mb INTEGER NOT NULL, disk_mb INTEGER NOT NULL, walltime_s INTEGER NOT NULL,
  attempt INTEGER NOT NULL DEFAULT 0, max_attempts INTEGER NOT NULL, kill INTEGER NOT NULL DEFAULT 0,
  reported INTEGER NOT NULL DEFAULT 0, attempt_key TEXT NOT NULL DEFAULT '', node TEXT NOT NULL DEFAULT '',
  error TEXT NOT NULL DEFAULT '', exit_code INTEGER, cpu_s REAL, wall_s REAL, submitted INTEGER NOT NULL,
  started INTEGER NOT NULL DEFAULT 0, ended INTEGER NOT NULL DEFAULT 0, spec TEXT NOT NULL);
CREATE INDEX jobs_ready ON jobs(cell, priority DESC, id, memory_mb, disk_mb, walltime_s) WHERE status=0;
CREATE INDEX jobs_cell ON jobs(cell, status);
CREATE INDEX jobs_ended ON jobs(ended) WHERE ended>0;
CREATE TABLE requests(kind TEXT NOT NULL, id TEXT NOT NULL, made INTEGER NOT NULL, answer TEXT NOT NULL,
  PRIMARY KEY(kind, id)) WITHOUT ROWID;
CREATE INDEX requests_made ON requests(made);
)sql"}};

struct JobStore::Statements {
  store::Statement cell, insert, pick, find, write, ids, request, remember, site, old_jobs, forget_job, forget_requests;
  Status prepare(store::Database& db);
};

// What a group has changed; applied to the memory when it has committed.
struct JobStore::Staged {
  struct Count {
    std::int64_t cell;
    JobStatus status;
    std::int64_t delta;
  };
  std::vector<Count> counts;
  std::vector<std::pair<std::int64_t, std::optional<Mono>>> leases;
  std::vector<std::int64_t> new_cells;
  std::vector<std::pair<std::string, std::string>> sites;

  void move(std::int64_t cell, JobStatus from, JobStatus to) {
    if (from == to) return;
    counts.push_back({cell, from, -1});
    counts.push_back({cell, to, 1});
  }
};

inline tl::unexpected<Error> refuse(std::string what) {
  return fail(Kind::permanent, "jobqueue.refused", std::move(what));
}

}  // namespace apf::jobqueue
