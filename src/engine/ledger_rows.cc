#include "engine/ledger_rows.h"

#include <algorithm>
#include <array>

namespace apf::engine {
namespace {

// `closed` is our own time of the end: retention must not depend on what a batch system calls the time.
constexpr std::string_view kVersion1 = R"sql(
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE pilots (
  no INTEGER PRIMARY KEY,
  batch_id TEXT NOT NULL, submission TEXT NOT NULL, queue TEXT NOT NULL, batch TEXT NOT NULL,
  idx INTEGER NOT NULL, run INTEGER NOT NULL, state INTEGER NOT NULL, missing INTEGER NOT NULL, lost INTEGER NOT NULL,
  exit_code INTEGER NOT NULL, wall_s REAL NOT NULL, cpu_s REAL NOT NULL,
  submitted INTEGER NOT NULL, started INTEGER NOT NULL, ended INTEGER NOT NULL, payload_start INTEGER NOT NULL,
  payloads INTEGER NOT NULL, node TEXT NOT NULL, reason TEXT NOT NULL, rule TEXT NOT NULL,
  closed INTEGER NOT NULL);
CREATE INDEX pilots_live ON pilots (no) WHERE closed = 0;
CREATE INDEX pilots_closed ON pilots (closed) WHERE closed > 0;
CREATE TABLE submissions (
  id TEXT PRIMARY KEY, queue TEXT NOT NULL, batch TEXT NOT NULL,
  n INTEGER NOT NULL, got INTEGER NOT NULL, state INTEGER NOT NULL, run INTEGER NOT NULL,
  planned INTEGER NOT NULL, answered INTEGER NOT NULL, note TEXT NOT NULL);
CREATE INDEX submissions_planned ON submissions (planned);
CREATE INDEX submissions_open ON submissions (id) WHERE state = 0;
CREATE TABLE queues (
  name TEXT PRIMARY KEY, life_submitted INTEGER NOT NULL, life_done INTEGER NOT NULL, life_failed INTEGER NOT NULL)
  WITHOUT ROWID;
CREATE TABLE holds (
  verb TEXT NOT NULL, scope TEXT NOT NULL, who TEXT NOT NULL, reason TEXT NOT NULL,
  since INTEGER NOT NULL, until INTEGER NOT NULL);
CREATE TABLE cursors (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
)sql";

constexpr std::array<store::Migration, 1> kMigrations{{{1, kVersion1}}};

// A state that a later program may have written is read as unknown, never past the end of the names.
PilotState pilot_state_of(std::int64_t v) {
  return v >= 0 && v <= static_cast<std::int64_t>(PilotState::removed) ? static_cast<PilotState>(v)
                                                                       : PilotState::unknown;
}
core::SubmissionState submission_state_of(std::int64_t v) {
  return v >= 0 && v <= static_cast<std::int64_t>(core::SubmissionState::not_submitted)
             ? static_cast<core::SubmissionState>(v)
             : core::SubmissionState::open;
}

// Reads columns one after the other.
class Reader {
 public:
  explicit Reader(const store::Statement& row) : row_(row) {}
  std::string text() { return row_.text(at_++); }
  float real() { return static_cast<float>(row_.real(at_++)); }
  Wall wall() { return Wall{row_.integer(at_++)}; }
  std::int64_t integer() { return row_.integer(at_++); }
  template <class T>
  T as() {
    return static_cast<T>(row_.integer(at_++));
  }

 private:
  const store::Statement& row_;
  int at_ = 0;
};

// Binds values one after the other.
class Binder {
 public:
  explicit Binder(store::Statement& statement) : statement_(statement) {}
  Binder& operator<<(std::string_view v) {
    statement_.bind(at_++, v);
    return *this;
  }
  Binder& operator<<(std::int64_t v) {
    statement_.bind(at_++, v);
    return *this;
  }
  Binder& operator<<(float v) {
    statement_.bind(at_++, static_cast<double>(v));
    return *this;
  }
  Binder& operator<<(Wall v) { return *this << v.ms; }

 private:
  store::Statement& statement_;
  int at_ = 1;
};

}  // namespace

std::span<const store::Migration> ledger_migrations() { return kMigrations; }

core::Pilot read_pilot(const store::Statement& row) {
  Reader r(row);
  core::Pilot p;
  p.no = r.as<std::uint64_t>();
  p.batch_id = r.text();
  p.submission = r.text();
  p.queue = r.text();
  p.batch = r.text();
  p.index = r.as<std::uint32_t>();
  p.run = r.as<std::uint32_t>();
  p.state = pilot_state_of(r.integer());
  p.missing = r.integer() != 0;
  p.lost = r.integer() != 0;
  p.exit_code = r.as<std::int32_t>();
  p.wall_s = r.real();
  p.cpu_s = r.real();
  p.submitted = r.wall();
  p.started = r.wall();
  p.ended = r.wall();
  p.payload_start = r.wall();
  p.payloads = r.as<std::int32_t>();
  p.node = r.text();
  p.reason = r.text();
  p.rule = r.text();
  return p;
}

core::Submission read_submission(const store::Statement& row) {
  Reader r(row);
  core::Submission s;
  s.id = r.text();
  s.queue = r.text();
  s.batch = r.text();
  s.n = r.as<std::int32_t>();
  s.got = r.as<std::int32_t>();
  s.state = submission_state_of(r.integer());
  s.run = r.as<std::uint32_t>();
  s.planned = r.wall();
  s.answered = r.wall();
  s.note = r.text();
  return s;
}

void bind_pilot(store::Statement& statement, const core::Pilot& p, Wall closed) {
  using I = std::int64_t;
  Binder b(statement);
  b << static_cast<I>(p.no) << p.batch_id << p.submission << p.queue << p.batch << I{p.index} << I{p.run}
    << static_cast<I>(p.state) << I{p.missing} << I{p.lost} << I{p.exit_code} << p.wall_s << p.cpu_s << p.submitted
    << p.started << p.ended << p.payload_start << I{p.payloads} << p.node << p.reason << p.rule << closed;
}

void bind_submission(store::Statement& statement, const core::Submission& s) {
  using I = std::int64_t;
  Binder b(statement);
  b << s.id << s.queue << s.batch << I{s.n} << I{s.got} << static_cast<I>(s.state) << I{s.run} << s.planned
    << s.answered << s.note;
}

}  // namespace apf::engine
