#include "engine/ledger.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <map>
#include <utility>

#include "engine/ledger_rows.h"
#include "engine/random.h"
#include "store/database.h"

namespace apf::engine {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;
constexpr int kNewestEnded = 1000;

bool is_over(const core::Pilot& p) { return p.lost || ended(p.state); }

// Which file this is; a copy gets another inode. Empty when that can't be told.
std::string inode_of(const std::string& file) {
  struct stat st{};
  return stat(file.c_str(), &st) == 0 ? std::to_string(st.st_ino) : std::string();
}

// A number that we stored as such; 0 for anything else.
std::uint64_t number(const std::string& text) {
  std::uint64_t v = 0;
  std::from_chars(text.data(), text.data() + text.size(), v);
  return v;
}

constexpr std::string_view kPutPilot =
    "INSERT INTO pilots ({}, closed) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,"
    "?21,?22) ON CONFLICT (no) DO UPDATE SET batch_id=?2, submission=?3, queue=?4, batch=?5, idx=?6, run=?7, state=?8, "
    "missing=?9, lost=?10, exit_code=?11, wall_s=?12, cpu_s=?13, submitted=?14, started=?15, ended=?16, "
    "payload_start=?17, payloads=?18, node=?19, reason=?20, rule=?21, "
    "closed = CASE WHEN closed > 0 AND ?22 > 0 THEN closed ELSE ?22 END";
constexpr std::string_view kPutSubmission =
    "INSERT INTO submissions ({}) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10) ON CONFLICT (id) DO UPDATE SET queue=?2, "
    "batch=?3, n=?4, got=?5, state=?6, run=?7, planned=?8, answered=?9, note=?10";

}  // namespace

struct Ledger::Impl {
  store::Database db;
  std::string path, machine;
  Identity me;
  std::string doubt;
  store::Statement put_meta{}, put_pilot{}, put_submission{}, put_queue{}, put_hold{}, put_cursor{};

  Status prepare() {
    const std::pair<store::Statement*, std::string> all[] = {
        {&put_meta, "INSERT INTO meta VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2"},
        {&put_pilot, fmt::format(fmt::runtime(kPutPilot), kPilotColumns)},
        {&put_submission, fmt::format(fmt::runtime(kPutSubmission), kSubmissionColumns)},
        {&put_queue, "INSERT OR REPLACE INTO queues VALUES (?1, ?2, ?3, ?4)"},
        {&put_hold, "INSERT INTO holds VALUES (?1, ?2, ?3, ?4, ?5, ?6)"},
        {&put_cursor, "INSERT OR REPLACE INTO cursors VALUES (?1, ?2)"}};
    for (const auto& [statement, sql] : all) {
      auto made = db.prepare(sql);
      if (!made) return fail(made.error());
      *statement = std::move(*made);
    }
    return {};
  }

  Status meta(std::string_view key, std::string_view value) { return put_meta.bind(1, key).bind(2, value).run(); }
  Status meta(std::string_view key, std::int64_t value) { return put_meta.bind(1, key).bind(2, value).run(); }
  Result<std::map<std::string, std::string>> read_meta();
  Status begin_run(const std::string& factory_id, Wall now);
  Status write_identity(const std::map<std::string, std::string>& known, Wall now);
  Status write(const core::LedgerBatch& batch, Wall now);
  Status write_pilots(const core::LedgerBatch& batch, Wall now);
  Status write_holds(const core::LedgerBatch& batch);

  // Runs `work` in one transaction.
  template <class Work>
  Status in_transaction(Work work) {
    if (auto begun = db.begin(); !begun) return begun;
    Status done = work();
    if (done) done = db.commit();
    if (!done) db.rollback();
    return done;
  }
  // Calls `row` for each row of a query without parameters.
  template <class Row>
  Status each(const std::string& sql, Row row) {
    auto query = db.prepare(sql);
    if (!query) return fail(query.error());
    while (true) {
      auto more = query->step();
      if (!more) return fail(more.error());
      if (!*more) return {};
      row(*query);
    }
  }
};

Ledger::Ledger(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Ledger::Ledger(Ledger&&) noexcept = default;
Ledger& Ledger::operator=(Ledger&&) noexcept = default;
Ledger::~Ledger() = default;

const Identity& Ledger::identity() const { return impl_->me; }
std::string Ledger::file(const std::string& state_dir) { return state_dir + "/ledger.db"; }

Result<Ledger> Ledger::open(const LedgerOptions& options) {
  const std::string path = file(options.state_dir);
  auto db = store::Database::open(path, ledger_migrations(), {.owner = kLedgerOwner});
  if (!db) return fail(db.error());
  auto impl = std::unique_ptr<Impl>(new Impl{std::move(*db), path, options.machine, {}, {}});
  if (auto ready = impl->prepare(); !ready) return fail(ready.error());
  if (auto begun = impl->begin_run(options.factory_id, options.now); !begun) return fail(begun.error());
  return Ledger(std::move(impl));
}

Result<std::map<std::string, std::string>> Ledger::Impl::read_meta() {
  std::map<std::string, std::string> all;
  auto read = each("SELECT key, value FROM meta", [&](const store::Statement& row) { all[row.text(0)] = row.text(1); });
  if (!read) return fail(read.error());
  return all;
}

// Counts the start. The run counter also passes every run seen in the pilots, so that a ledger that was made anew and
// adopted its pilots does not fall behind them (R9).
Status Ledger::Impl::begin_run(const std::string& factory_id, Wall now) {
  auto known = read_meta();
  if (!known) return fail(known.error());
  const auto& old = (*known)["factory_id"];
  if (!old.empty() && old != factory_id)
    return fail(Kind::config, "ledger.other_factory",
                fmt::format("this ledger belongs to the factory '{}', not to '{}'", old, factory_id), path,
                "set factory_id back, or give this factory a state_dir of its own");
  std::uint64_t most = number((*known)["run"]);
  auto runs = each("SELECT coalesce(max(run), 0) FROM pilots WHERE closed = 0", [&](const store::Statement& row) {
    most = std::max(most, static_cast<std::uint64_t>(row.integer(0)));
  });
  if (!runs) return runs;
  me = {factory_id, (*known)["instance"], (*known)["secret"], static_cast<std::uint32_t>(most + 1)};
  if (me.instance.empty()) me.instance = random_name(8);
  if (me.secret.empty()) me.secret = random_hex(32);
  if (auto full = db.synchronous(true); !full) return full;
  return in_transaction([&] { return write_identity(*known, now); });
}

// A copied directory keeps the marks of the original until the operator says whose it is, so that the doubt stays.
Status Ledger::Impl::write_identity(const std::map<std::string, std::string>& known, Wall now) {
  const auto mark = [&](const char* key) {
    const auto at = known.find(key);
    return at == known.end() ? std::string() : at->second;
  };
  const std::string inode = inode_of(path);
  if (!mark("inode").empty() && mark("inode") != inode) {
    doubt = mark("machine") == machine
                ? "the state directory was copied or restored: its ledger is another file than at the last start"
                : "the state directory was copied from another machine";
  } else {
    if (auto done = meta("inode", inode); !done) return done;
    if (auto done = meta("machine", machine); !done) return done;
  }
  for (const auto& [key, value] : {std::pair<const char*, const std::string*>{"factory_id", &me.factory_id},
                                   {"instance", &me.instance},
                                   {"secret", &me.secret}})
    if (auto done = meta(key, *value); !done) return done;
  if (auto done = meta("run", std::int64_t{me.run}); !done) return done;
  return meta("wall", now.ms);
}

Status Ledger::adopt() {
  return impl_->in_transaction([&] {
    if (auto done = impl_->meta("inode", inode_of(impl_->path)); !done) return done;
    return impl_->meta("machine", impl_->machine);
  });
}

Result<core::LedgerImage> Ledger::load(Wall now) {
  core::LedgerImage image;
  image.fresh = impl_->db.created();
  image.doubt = impl_->doubt;
  auto known = impl_->read_meta();
  if (!known) return fail(known.error());
  image.seq = number((*known)["seq"]);
  image.next_pilot = std::max<std::uint64_t>(number((*known)["next_pilot"]), 1);

  const std::int64_t lately = now.ms - kHourMs;
  const auto pilot = [&](const store::Statement& row) { image.pilots.push_back(read_pilot(row)); };
  const auto submission = [&](const store::Statement& row) { image.submissions.push_back(read_submission(row)); };
  const std::string live = fmt::format("SELECT {} FROM pilots WHERE closed = 0", kPilotColumns);
  // Sources tell ends again. The newest are known by their numbers, too: the clock may have been stepped.
  const std::string lately_ended = fmt::format(
      "SELECT {0} FROM pilots WHERE closed > {1} "
      "UNION SELECT {0} FROM (SELECT * FROM pilots WHERE closed > 0 ORDER BY no DESC LIMIT {2})",
      kPilotColumns, std::max<std::int64_t>(lately, 0), kNewestEnded);
  const std::string submissions = fmt::format(
      "SELECT {0} FROM submissions WHERE state = 0 OR planned > {1} OR answered > {1} "
      "OR id IN (SELECT submission FROM pilots WHERE closed = 0)",
      kSubmissionColumns, lately);
  Status read = impl_->each(live, pilot);
  if (read) read = impl_->each(lately_ended, pilot);
  if (read) read = impl_->each(submissions, submission);
  if (read)
    read = impl_->each("SELECT name, life_submitted, life_done, life_failed FROM queues", [&](const auto& row) {
      image.queues.push_back({row.text(0), row.integer(1), row.integer(2), row.integer(3)});
    });
  if (read)
    read = impl_->each("SELECT verb, scope, who, reason, since, until FROM holds ORDER BY rowid", [&](const auto& row) {
      image.holds.push_back(
          {row.text(0), row.text(1), row.text(2), row.text(3), Wall{row.integer(4)}, Wall{row.integer(5)}});
    });
  if (read)
    read = impl_->each("SELECT name, value FROM cursors",
                       [&](const auto& row) { image.cursors.emplace_back(row.text(0), row.text(1)); });
  if (!read) return fail(read.error());
  // A program killed between two commits may have handed out numbers that no row shows.
  for (const auto& p : image.pilots) image.next_pilot = std::max(image.next_pilot, p.no + 1);
  return image;
}

Status Ledger::commit(const core::LedgerBatch& batch, Wall now) {
  if (auto set = impl_->db.synchronous(batch.full_sync); !set) return set;
  return impl_->in_transaction([&] { return impl_->write(batch, now); });
}

Status Ledger::Impl::write(const core::LedgerBatch& batch, Wall now) {
  using I = std::int64_t;
  for (const auto& s : batch.submissions) {
    bind_submission(put_submission, s);
    if (auto done = put_submission.run(); !done) return done;
  }
  if (auto done = write_pilots(batch, now); !done) return done;
  for (const auto& q : batch.queues) {
    put_queue.bind(1, std::string_view(q.name)).bind(2, q.life_submitted).bind(3, q.life_done).bind(4, q.life_failed);
    if (auto done = put_queue.run(); !done) return done;
  }
  if (batch.holds_changed)
    if (auto done = write_holds(batch); !done) return done;
  for (const auto& [name, value] : batch.cursors)
    if (auto done = put_cursor.bind(1, std::string_view(name)).bind(2, std::string_view(value)).run(); !done)
      return done;
  if (auto done = meta("seq", static_cast<I>(batch.seq)); !done) return done;
  if (auto done = meta("next_pilot", static_cast<I>(batch.next_pilot)); !done) return done;
  return meta("wall", now.ms);
}

Status Ledger::Impl::write_pilots(const core::LedgerBatch& batch, Wall now) {
  for (const auto& p : batch.pilots) {
    bind_pilot(put_pilot, p, is_over(p) ? now : Wall{});
    if (auto done = put_pilot.run(); !done) return done;
  }
  return {};
}

Status Ledger::Impl::write_holds(const core::LedgerBatch& batch) {
  if (auto gone = db.execute("DELETE FROM holds"); !gone) return gone;
  for (const auto& h : batch.holds) {
    put_hold.bind(1, std::string_view(h.verb)).bind(2, std::string_view(h.scope)).bind(3, std::string_view(h.who));
    put_hold.bind(4, std::string_view(h.reason)).bind(5, h.since.ms).bind(6, h.until.ms);
    if (auto done = put_hold.run(); !done) return done;
  }
  return {};
}

Result<std::int64_t> Ledger::trim(Wall before, std::int64_t most) {
  std::int64_t gone = 0;
  const std::string pilots = fmt::format(
      "DELETE FROM pilots WHERE no IN (SELECT no FROM pilots WHERE closed > 0 AND closed < {} ORDER BY closed LIMIT "
      "{})",
      before.ms, most);
  const std::string submissions = fmt::format(
      "DELETE FROM submissions WHERE id IN (SELECT id FROM submissions WHERE planned < {} AND state <> 0 "
      "AND id NOT IN (SELECT submission FROM pilots WHERE closed = 0) ORDER BY planned LIMIT {})",
      before.ms, most);
  if (auto set = impl_->db.synchronous(false); !set) return fail(set.error());
  auto done = impl_->in_transaction([&]() -> Status {
    for (const auto& sql : {pilots, submissions}) {
      if (auto ran = impl_->db.execute(sql); !ran) return ran;
      auto counted = impl_->each("SELECT changes()", [&](const auto& row) { gone += row.integer(0); });
      if (!counted) return counted;
    }
    return {};
  });
  if (!done) return fail(done.error());
  return gone;
}

std::string machine_id() {
  std::ifstream file("/etc/machine-id");
  std::string id;
  std::getline(file, id);
  return id;
}

}  // namespace apf::engine
