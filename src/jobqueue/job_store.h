// The jobs of the job queue: every operation of its protocol, on SQLite. Operations run inside a group
// (begin ... commit) so that many requests share one fsync; what is kept in memory (counts, leases) changes only when
// the group has committed, so a full disk loses nothing and confuses nothing.
//
// Errors: "jobqueue.refused" (permanent: the request can't be granted, the message says why) and those of
// store::Database; after one of the latter the group must be rolled back.
// Thread-safety: none; one thread owns the store.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apf/result.h"
#include "apf/time.h"
#include "jobqueue/cells.h"
#include "jobqueue/job.h"
#include "jobqueue/leases.h"
#include "protocol/panda.h"
#include "store/database.h"

namespace apf::jobqueue {

struct StoreOptions {
  Duration lease = seconds{7200};
  Duration grace = seconds{60};               // the server gives a job out again after lease + grace
  Duration keep_ended = seconds{7L * 86400};  // ended jobs are deleted after that
  Duration keep_requests = seconds{86400};    // how long a repeated request is recognised
};

struct Now {
  Mono mono;
  Wall wall;
};

// Which jobs to list; empty texts are any.
struct JobFilter {
  std::string site;
  std::optional<JobStatus> status;
  std::int64_t after = 0;  // ids above this one
  std::size_t most = 100;
};

class JobStore {
 public:
  static Result<std::unique_ptr<JobStore>> open(const std::string& file, const StoreOptions& options, Now now);
  JobStore(const JobStore&) = delete;
  JobStore& operator=(const JobStore&) = delete;
  ~JobStore();

  Status begin();
  Status commit();  // on an error the group is rolled back
  void rollback();

  Result<std::vector<std::int64_t>> submit(const protocol::panda::SubmitRequest& request, Now now);
  // Nothing: no job that fits waits there.
  Result<std::vector<protocol::panda::Job>> acquire(const protocol::panda::AcquireRequest& request, Now now);
  Result<protocol::panda::UpdateReply> update(const protocol::panda::UpdateRequest& request, Now now);
  // Waiting jobs are cancelled, those of a pilot at its next update; false: not known or ended already.
  Result<std::vector<bool>> kill(std::span<const std::int64_t> ids, Now now);
  Status set_site(const std::string& name, const std::string& status);
  // Takes back jobs whose lease has ended, and deletes what is past its time; both a bounded number at a time.
  Result<std::size_t> expire(Now now);
  Result<std::size_t> forget(Now now);

  Result<std::optional<JobRow>> find(std::int64_t id);
  Result<std::vector<JobRow>> list(const JobFilter& filter);

  // As of the last commit.
  [[nodiscard]] const Cells& cells() const { return cells_; }
  [[nodiscard]] const std::map<std::string, std::string>& sites() const { return sites_; }
  [[nodiscard]] std::uint64_t version() const { return version_; }  // grows with counts and sites
  [[nodiscard]] std::uint64_t sites_version() const { return sites_version_; }
  [[nodiscard]] const Leases& leases() const { return leases_; }

 private:
  struct Statements;
  struct Staged;
  JobStore(store::Database db, const StoreOptions& options);

  Status load(Now now);
  Result<std::int64_t> cell_of(const protocol::panda::JobSpec& spec);
  Result<std::optional<std::string>> answered(const char* kind, const std::string& request);
  Status remember(const char* kind, const std::string& request, const std::string& answer, Wall now);
  Status insert(const protocol::panda::JobSpec& spec, std::int64_t cell, Now now, std::int64_t& id);
  Result<std::int64_t> pick(const protocol::panda::AcquireRequest& request);
  Result<protocol::panda::Job> give(std::int64_t id, const protocol::panda::AcquireRequest& request, Now now);
  Result<std::vector<protocol::panda::Job>> give_again(const std::string& answer, Now now);
  Status write(const JobRow& row, JobStatus before);
  Status take_result(JobRow& row, JobStatus to, const protocol::panda::UpdateRequest& request, Now now);
  Status end_lease(std::int64_t id, Now now);
  Result<std::vector<std::int64_t>> ids_of(std::int64_t cell, JobStatus status, std::int64_t after, std::size_t most);
  void lease_until(std::int64_t job, Mono end);
  void unlease(std::int64_t job);

  store::Database db_;
  std::unique_ptr<Statements> sql_;
  StoreOptions options_;
  Cells cells_;
  Leases leases_;
  std::map<std::string, std::string> sites_;
  std::uint64_t version_ = 1, sites_version_ = 1;
  std::unique_ptr<Staged> staged_;
};

}  // namespace apf::jobqueue
