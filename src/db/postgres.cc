// PostgreSQL by libpq. run_all() uses the protocol's pipeline: many statements are on their way at a time.
#include <fmt/format.h>
#include <poll.h>
#include <postgresql/libpq-fe.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <iterator>
#include <map>

#include "apf/time.h"
#include "db/db.h"

namespace apf::db {
namespace {

constexpr seconds kPatience{20};                                   // with a server that says nothing
constexpr seconds kMigrationPatience{3600};                        // indexes of millions of rows
constexpr const char* kConnectPatience = "10";                     // seconds, unless `server` says otherwise
constexpr std::string_view kPassing[] = {"40", "53", "55", "58"};  // classes of SQLSTATE
constexpr std::size_t kInPipeline = 100;       // so that both sides' buffers hold them: neither waits for the other
constexpr std::int64_t kMigrating = 0x415046;  // of the advisory lock while the schema is made
constexpr std::int64_t kWriting = 0x415047;    // of the one that writes, as long as its connection lives

struct Clear {
  void operator()(PGresult* r) const { PQclear(r); }
  void operator()(PGconn* c) const { PQfinish(c); }
};
using ResultPtr = std::unique_ptr<PGresult, Clear>;

std::string one_line(const char* message) {
  std::string text = message == nullptr ? "" : message;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::size_t at = 0;
  while ((at = text.find('\n', at)) != std::string::npos) text[at] = ' ';
  return text;
}

class PostgresRow final : public Row {
 public:
  PostgresRow(const PGresult* result, int row) : result_(result), row_(row) {}
  [[nodiscard]] std::int64_t integer(int column) const override {
    const char* text = PQgetvalue(result_, row_, column);
    std::int64_t n = 0;
    std::from_chars(text, text + PQgetlength(result_, row_, column), n);
    return n;
  }
  [[nodiscard]] std::string text(int column) const override {
    return {PQgetvalue(result_, row_, column), static_cast<std::size_t>(PQgetlength(result_, row_, column))};
  }
  [[nodiscard]] bool is_null(int column) const override { return PQgetisnull(result_, row_, column) != 0; }

 private:
  const PGresult* result_;
  int row_;
};

// Values as libpq wants them. Pointers into `texts` and into the values' own texts.
struct Parameters {
  std::vector<std::string> texts;
  std::vector<const char*> pointers;
  explicit Parameters(const Values& values) {
    texts.reserve(values.size());
    for (const Value& value : values) {
      if (const auto* n = std::get_if<std::int64_t>(&value))
        pointers.push_back(texts.emplace_back(std::to_string(*n)).c_str());
      else if (const auto* text = std::get_if<std::string_view>(&value))
        pointers.push_back(texts.emplace_back(*text).c_str());
      else
        pointers.push_back(nullptr);
    }
  }
};

bool good(const PGresult* r) {
  const ExecStatusType status = PQresultStatus(r);
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

// Sends what waits to be sent and waits until the next result can be read at once. False: the server said nothing for
// so long: it hangs, or its machine has gone without a word.
bool comes(PGconn* c, std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    if (PQstatus(c) == CONNECTION_BAD) return true;
    const int unsent = PQflush(c);
    if (unsent < 0 || (unsent == 0 && PQisBusy(c) == 0)) return true;  // broken: the result says so
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    pollfd ready{PQsocket(c), static_cast<short>(POLLIN | (unsent == 1 ? POLLOUT : 0)), 0};
    if (left.count() <= 0 || poll(&ready, 1, static_cast<int>(left.count())) == 0) return false;
    if ((ready.revents & ~POLLOUT) != 0 && PQconsumeInput(c) != 1) return true;
  }
}

class Postgres final : public Db {
 public:
  explicit Postgres(std::unique_ptr<PGconn, Clear> connection, Use use)
      : connection_(std::move(connection)), use_(use) {
    PQsetnonblocking(connection_.get(), 1);  // else a server that hangs could hold us while something is sent to it
  }
  void be_patient(bool patient) { patience_ = patient ? kMigrationPatience : kPatience; }

  Status begin() override {
    if (auto ok = mend(); !ok) return ok;
    return simple("BEGIN");
  }
  Status commit() override {
    const ResultPtr r = only(PQsendQuery(connection_.get(), "COMMIT"));
    if (!good(r.get())) return fail(error(r.get()));
    if (std::string_view(PQcmdStatus(r.get())) != "COMMIT")
      return fail(Kind::transient, "db.failed", "the server rolled the transaction back", where());
    return {};
  }
  void rollback() override {
    if (!lost_ && PQtransactionStatus(connection_.get()) != PQTRANS_IDLE) std::ignore = simple("ROLLBACK");
  }

  Status run(std::string_view sql, const Values& values, const EachRow& each) override {
    if (auto ok = mend(); !ok) return ok;
    const auto name = prepared(sql);
    if (!name) return fail(name.error());
    const Parameters p(values);
    const ResultPtr r = only(PQsendQueryPrepared(connection_.get(), name->c_str(), static_cast<int>(p.pointers.size()),
                                                 p.pointers.data(), nullptr, nullptr, 0));
    if (!good(r.get())) return fail(error(r.get()));
    if (each)
      for (int i = 0; i < PQntuples(r.get()); ++i) each(PostgresRow(r.get(), i));
    return {};
  }

  Status run_all(std::string_view sql, std::span<const Values> values, const EachRowOf& each) override {
    if (auto ok = mend(); !ok) return ok;
    const auto name = prepared(sql);
    if (!name) return fail(name.error());
    for (std::size_t at = 0; at < values.size(); at += kInPipeline)
      if (auto ok = pipeline(*name, values.subspan(at, std::min(kInPipeline, values.size() - at)), at, each); !ok)
        return ok;
    return {};
  }

  Status simple(const char* sql) {
    const ResultPtr r = only(PQsendQuery(connection_.get(), sql));
    if (!good(r.get())) return fail(error(r.get()));
    return {};
  }

  // `r`: the result that is not good, when there is one.
  [[nodiscard]] Error error(const PGresult* r = nullptr) const {
    if (lost_)
      return {Kind::transient,
              "db.unreachable",
              fmt::format("the database server has not answered for {}", human(patience_)),
              where(),
              {}};
    const std::string message = one_line(PQerrorMessage(connection_.get()));
    const char* field = r != nullptr ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : nullptr;
    const std::string_view state = field != nullptr ? field : "";
    // 57P: it shuts down or ends this connection, and says so before it does.
    if (PQstatus(connection_.get()) == CONNECTION_BAD || state.starts_with("57P"))
      return {Kind::transient, "db.unreachable", "the database server does not answer: " + message, where(), {}};
    // No space or memory, rolled back for another's sake, locked, its disk fails: it may go well later.
    const bool passes = std::any_of(std::begin(kPassing), std::end(kPassing),
                                    [&](std::string_view begin) { return state.starts_with(begin); });
    return {passes ? Kind::transient : Kind::permanent,
            "db.failed",
            "the database server refused: " + message,
            where(),
            {}};
  }

 private:
  [[nodiscard]] std::string where() const {
    return fmt::format("postgresql://{}:{}/{}", PQhost(connection_.get()), PQport(connection_.get()),
                       PQdb(connection_.get()));
  }

  // A connection that broke, or whose server hung, is made anew outside of a transaction. What it began did not happen,
  // or was never answered.
  Status mend() {
    if (!lost_ && PQstatus(connection_.get()) == CONNECTION_OK) return {};
    PQreset(connection_.get());
    names_.clear();
    lost_ = false;
    PQsetnonblocking(connection_.get(), 1);
    if (PQstatus(connection_.get()) != CONNECTION_OK) return fail(error());
    auto done = greet();
    if (!done) lost_ = true;  // never used without its lock
    return done;
  }

  // The result of the one statement that was sent, the last of several; null when the server does not answer.
  ResultPtr only(int sent) {
    ResultPtr last;
    while (sent == 1) {
      if (!comes(connection_.get(), patience_)) {
        lost_ = true;
        return nullptr;
      }
      ResultPtr r(PQgetResult(connection_.get()));
      if (!r) break;
      if (!last || good(last.get())) last = std::move(r);
    }
    return last;
  }

 public:
  Status greet() {
    if (auto ok = simple("SET client_encoding = 'UTF8'"); !ok) return ok;
    if (use_ == Use::read) return simple("SET default_transaction_read_only = on");
    // The lock of one that has just ended may live on for a moment.
    if (auto ok = simple("SET lock_timeout = '5s'"); !ok) return ok;
    if (!run("SELECT pg_advisory_lock($1)", {kWriting}, {}))
      return fail(Kind::config, "db.in_use", "another server writes to this database: " + error().what, where(),
                  "stop it first");
    return simple("SET lock_timeout = 0");
  }

 private:
  Result<std::string> prepared(std::string_view sql) {
    const auto it = names_.find(sql);
    if (it != names_.end()) return it->second;
    std::string name = "s" + std::to_string(names_.size());
    const std::string text(sql);
    const ResultPtr r = only(PQsendPrepare(connection_.get(), name.c_str(), text.c_str(), 0, nullptr));
    if (!good(r.get())) return fail(error(r.get()));
    names_.emplace(text, name);
    return name;
  }

  Status pipeline(const std::string& name, std::span<const Values> values, std::size_t first, const EachRowOf& each) {
    PGconn* c = connection_.get();
    if (PQenterPipelineMode(c) != 1) return fail(error());
    bool sent = true;
    for (const Values& one : values) {
      const Parameters p(one);
      sent = sent && PQsendQueryPrepared(c, name.c_str(), static_cast<int>(p.pointers.size()), p.pointers.data(),
                                         nullptr, nullptr, 0) == 1;
    }
    Status done;
    if (!sent || PQpipelineSync(c) != 1) {
      done = fail(error());
    } else {
      done = answers(values.size(), first, each);
    }
    if (!lost_ && PQexitPipelineMode(c) != 1 && done) return fail(error());
    return done;
  }

  // Reads all of them, also behind a failure: the connection is used again.
  Status answers(std::size_t count, std::size_t first, const EachRowOf& each) {
    PGconn* c = connection_.get();
    Status done;
    for (std::size_t i = 0; i < count; ++i) {
      for (;;) {
        if (!comes(c, patience_)) {
          lost_ = true;
          return fail(error());
        }
        const ResultPtr r{PQgetResult(c)};
        if (!r) break;
        if (!done) continue;
        if (!good(r.get())) {
          done = fail(error(r.get()));
        } else if (each) {
          for (int row = 0; row < PQntuples(r.get()); ++row) each(first + i, PostgresRow(r.get(), row));
        }
      }
      if (PQstatus(c) == CONNECTION_BAD) return done ? Status(fail(error())) : done;
    }
    lost_ = !comes(c, patience_);
    if (lost_) return fail(error());
    const ResultPtr sync(PQgetResult(c));  // the end of the pipeline
    return done;
  }

  std::unique_ptr<PGconn, Clear> connection_;
  Use use_;
  milliseconds patience_ = kPatience;
  bool lost_ = false;                                      // it is to be made anew, whatever libpq thinks of it
  std::map<std::string, std::string, std::less<>> names_;  // of prepared statements, by text
};

Status migrate(Postgres& db, const Place& place, std::span<const Migration> migrations) {
  std::string owner;
  std::int64_t version = 0;
  if (auto ok = db.simple("CREATE TABLE IF NOT EXISTS apf_owner(owner text NOT NULL, version bigint NOT NULL)"); !ok)
    return ok;
  if (auto ok = db.run("SELECT owner, version FROM apf_owner", {},
                       [&](const Row& row) {
                         owner = row.text(0);
                         version = row.integer(1);
                       });
      !ok)
    return ok;
  if (!owner.empty() && owner != place.owner)
    return fail(Kind::config, "store.foreign", "the database belongs to '" + owner + "', not to '" + place.owner + "'",
                {}, "name another database");
  if (version > migrations.back().to)
    return fail(
        Kind::config, "db.newer",
        fmt::format("the database has schema version {}, this program knows up to {}", version, migrations.back().to),
        {}, "run the newer program");
  for (const Migration& m : migrations) {
    if (m.to <= version) continue;
    if (auto ok = db.simple(in_words_of(m.sql, "bigint PRIMARY KEY", "").c_str()); !ok) return ok;
    version = m.to;
  }
  if (auto ok = db.simple("DELETE FROM apf_owner"); !ok) return ok;
  return db.run("INSERT INTO apf_owner(owner, version) VALUES ($1, $2)", {std::string_view(place.owner), version}, {});
}

Status check_version(Postgres& db, std::span<const Migration> migrations) {
  std::int64_t version = 0;
  if (auto ok = db.run("SELECT version FROM apf_owner", {}, [&](const Row& row) { version = row.integer(0); }); !ok)
    return ok;
  if (version != migrations.back().to)
    return fail(Kind::config, "store.older", fmt::format("the database has schema version {}", version), {},
                "start the server first: it brings it up to date");
  return {};
}

}  // namespace

Result<std::unique_ptr<Db>> open_postgres(const Place& place, std::span<const Migration> migrations, Use use) {
  const char* const words[] = {"connect_timeout", "dbname", nullptr};
  const char* const values[] = {kConnectPatience, place.server.c_str(), nullptr};
  std::unique_ptr<PGconn, Clear> connection(PQconnectdbParams(words, values, 1));
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    const bool reached = PQsocket(connection.get()) >= 0 || PQconnectionNeedsPassword(connection.get()) == 1;
    return fail(reached ? Kind::config : Kind::transient, reached ? "db.refused" : "db.unreachable",
                "no connection to the database: " + one_line(PQerrorMessage(connection.get())), {},
                "check [store] server, and that the server runs and lets this user in");
  }
  PQsetNoticeProcessor(connection.get(), [](void*, const char*) {}, nullptr);
  auto db = std::make_unique<Postgres>(std::move(connection), use);
  if (auto ok = db->greet(); !ok) return fail(std::move(ok.error()));
  if (use == Use::read) {
    if (auto ok = check_version(*db, migrations); !ok) return fail(std::move(ok.error()));
    return db;
  }
  if (auto ok = db->begin(); !ok) return fail(std::move(ok.error()));
  Status done = db->run("SELECT pg_advisory_xact_lock($1)", {kMigrating}, {});
  db->be_patient(true);
  if (done) done = migrate(*db, place, migrations);
  if (done) done = db->commit();
  if (!done) {
    db->rollback();
    return fail(std::move(done.error()));
  }
  db->be_patient(false);
  return db;
}

}  // namespace apf::db
