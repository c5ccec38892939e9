#include "store/database.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <utility>

#include "store/connection.h"
#include "store/migrate.h"

namespace apf::store {

// ---- Statement ----

struct Statement::Impl {
  sqlite3_stmt* stmt = nullptr;
  int bind_error = SQLITE_OK;
  std::string file;
  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { sqlite3_finalize(stmt); }
  // SQLite refuses to bind while a row stands.
  sqlite3_stmt* ready() const {
    if (sqlite3_stmt_busy(stmt) != 0) sqlite3_reset(stmt);
    return stmt;
  }
  void note(int rc) {
    if (rc != SQLITE_OK) bind_error = rc;
  }
};

Statement::Statement() = default;
Statement::Statement(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Statement::Statement(Statement&&) noexcept = default;
Statement& Statement::operator=(Statement&&) noexcept = default;
Statement::~Statement() = default;

Statement& Statement::bind(int at, std::int64_t value) {
  if (impl_) impl_->note(sqlite3_bind_int64(impl_->ready(), at, value));
  return *this;
}
Statement& Statement::bind(int at, double value) {
  if (impl_) impl_->note(sqlite3_bind_double(impl_->ready(), at, value));
  return *this;
}
Statement& Statement::bind(int at, std::string_view value) {
  const char* text = value.data() == nullptr ? "" : value.data();  // an empty view is empty text, not NULL
  if (impl_) {
    impl_->note(sqlite3_bind_text64(impl_->ready(), at, text, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  }
  return *this;
}
Statement& Statement::bind_null(int at) {
  if (impl_) impl_->note(sqlite3_bind_null(impl_->ready(), at));
  return *this;
}

Result<bool> Statement::step() {
  if (!impl_) return fail(make_error(Kind::bug, "store.failed", "a statement was used that was never prepared", ""));
  if (const int rc = std::exchange(impl_->bind_error, SQLITE_OK); rc != SQLITE_OK) {
    return fail(make_error(
        Kind::bug, "store.failed",
        fmt::format("a value can't be bound ({}) in: {}", sqlite3_errstr(rc), sqlite3_sql(impl_->stmt)), impl_->file));
  }
  const int rc = sqlite3_step(impl_->stmt);
  if (rc == SQLITE_ROW) return true;
  if (rc == SQLITE_DONE) {
    sqlite3_reset(impl_->stmt);
    return false;
  }
  Error error = last_error(sqlite3_db_handle(impl_->stmt), impl_->file);
  sqlite3_reset(impl_->stmt);  // else it would hold its lock
  return fail(std::move(error));
}

Status Statement::run() {
  for (;;) {
    auto row = step();
    if (!row) return fail(row.error());
    if (!*row) return {};
  }
}

void Statement::reset() {
  if (impl_) sqlite3_reset(impl_->stmt);
}

std::int64_t Statement::integer(int column) const { return impl_ ? sqlite3_column_int64(impl_->stmt, column) : 0; }
double Statement::real(int column) const { return impl_ ? sqlite3_column_double(impl_->stmt, column) : 0; }
bool Statement::is_null(int column) const { return !impl_ || sqlite3_column_type(impl_->stmt, column) == SQLITE_NULL; }
std::string Statement::text(int column) const {
  if (!impl_) return {};
  const auto* text = sqlite3_column_text(impl_->stmt, column);
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text), static_cast<std::size_t>(sqlite3_column_bytes(impl_->stmt, column))};
}

// ---- Database ----

struct Database::Impl {
  Connection connection;
  bool created = false;
  std::function<void(int)> after_commit = {};
};

Database::Database(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

Result<Database> Database::open(const std::string& file, std::span<const Migration> migrations,
                                const OpenOptions& options) {
  auto c = connect(file, options);
  if (!c) return fail(c.error());
  if (auto s = configure(*c, options); !s) return fail(s.error());
  if (options.check) {
    if (auto s = check_whole(*c); !s) return fail(s.error());
  }
  auto created = bring_up_to_date(*c, migrations, options);
  if (!created) return fail(created.error());
  return Database(std::make_unique<Impl>(Impl{std::move(*c), *created}));
}

Result<Statement> Database::prepare(std::string_view sql) {
  auto impl = std::make_unique<Statement::Impl>();
  impl->file = impl_->connection.file;
  const char* tail = nullptr;
  const int rc = sqlite3_prepare_v3(impl_->connection.db, sql.data(), static_cast<int>(sql.size()),
                                    SQLITE_PREPARE_PERSISTENT, &impl->stmt, &tail);
  if (rc != SQLITE_OK) return fail(impl_->connection.error());
  const std::string_view rest(tail, static_cast<std::size_t>(sql.data() + sql.size() - tail));
  if (impl->stmt == nullptr || rest.find_first_not_of(" \t\r\n;") != std::string_view::npos) {
    return fail(make_error(Kind::bug, "store.failed", fmt::format("not exactly one statement: {}", sql), impl->file));
  }
  return Statement(std::move(impl));
}

Status Database::execute(std::string_view sql) { return impl_->connection.execute(std::string(sql)); }
Status Database::begin() { return impl_->connection.execute("BEGIN IMMEDIATE"); }
Status Database::commit() { return impl_->connection.execute("COMMIT"); }
void Database::rollback() {
  if (sqlite3_get_autocommit(impl_->connection.db) != 0) return;
  sqlite3_exec(impl_->connection.db, "ROLLBACK", nullptr, nullptr, nullptr);  // fails only when there is none
}
void Database::own_checkpoints(std::function<void(int pages)> after) {
  impl_->after_commit = std::move(after);
  const auto hook = [](void* impl, sqlite3*, const char*, int pages) {
    static_cast<Impl*>(impl)->after_commit(pages);
    return SQLITE_OK;
  };
  sqlite3_wal_hook(impl_->connection.db, hook, impl_.get());  // takes the place of the automatic checkpoint
}
Result<int> Database::checkpoint() {
  int pages = 0, copied = 0;
  const int rc = sqlite3_wal_checkpoint_v2(impl_->connection.db, nullptr, SQLITE_CHECKPOINT_PASSIVE, &pages, &copied);
  if (rc == SQLITE_BUSY) return 0;
  if (rc != SQLITE_OK) return fail(impl_->connection.error());
  return copied;
}
Status Database::synchronous(bool full) {
  return impl_->connection.execute(full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
}
bool Database::created() const { return impl_->created; }

}  // namespace apf::store
