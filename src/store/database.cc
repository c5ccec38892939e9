#include "store/database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

namespace apf::store {
namespace {

constexpr int kApplicationId = 0x41504631;  // "APF1": what file(1) and we see in the file's header

Error make_error(Kind kind, const char* code, std::string what, std::string where, std::string advice = {}) {
  return Error{kind, code, std::move(what), std::move(where), std::move(advice)};
}

bool out_of_space(int extended, int system_errno) {
  const int primary = extended & 0xff;
  if (primary == SQLITE_FULL) return true;
  if (primary != SQLITE_IOERR) return false;
  // The shared-memory file of WAL is grown by its own code, which keeps no errno: it fails for lack of space only.
  return extended == SQLITE_IOERR_SHMSIZE || system_errno == ENOSPC || system_errno == EDQUOT;
}

// SQLite's result in our words. `extended` is the extended code.
Error from_sqlite(int extended, int system_errno, const std::string& message, const std::string& file) {
  if (out_of_space(extended, system_errno)) {
    return make_error(Kind::transient, "store.full", "no space left for the database", file,
                      "free some space; it goes on by itself");
  }
  switch (extended & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return make_error(Kind::permanent, "store.corrupt", "the database is damaged: " + message, file,
                        "move the file away and restore a copy, or start with an empty one");
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return make_error(Kind::config, "store.read_only", "the database can't be written: " + message, file,
                        "give this user write access to the file and its directory");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return make_error(Kind::transient, "store.busy", "another process holds the database: " + message, file);
    case SQLITE_CANTOPEN:
      return make_error(Kind::config, "store.cannot_open", "the database can't be opened: " + message, file,
                        "check the path and its access rights");
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
      return make_error(Kind::transient, "store.failed", "the database failed: " + message, file);
    case SQLITE_CONSTRAINT:
      return make_error(Kind::permanent, "store.failed", "the database refused a row: " + message, file);
    default:
      return make_error(Kind::bug, "store.failed", "the database failed: " + message, file);
  }
}

Error last_error(sqlite3* db, const std::string& file) {
  return from_sqlite(sqlite3_extended_errcode(db), sqlite3_system_errno(db), sqlite3_errmsg(db), file);
}

bool directory_writable(const std::string& file) {
  auto directory = std::filesystem::path(file).parent_path();
  if (directory.empty()) directory = ".";
  return faccessat(AT_FDCWD, directory.c_str(), W_OK, AT_EACCESS) == 0;
}

struct Connection {  // closes at the end; statements may outlive it (SQLite then closes with the last of them)
  sqlite3* db = nullptr;
  std::string file;
  Connection() = default;
  Connection(Connection&& other) noexcept : db(std::exchange(other.db, nullptr)), file(std::move(other.file)) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  Connection& operator=(Connection&&) = delete;
  ~Connection() { sqlite3_close_v2(db); }
  [[nodiscard]] Error error() const { return last_error(db, file); }
  [[nodiscard]] Status execute(const std::string& sql) const {
    if (sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return fail(error());
    return {};
  }
};

// The first column of the first row; empty text and 0 when there is none.
struct Scalar {
  std::int64_t number = 0;
  std::string text;
};
Result<Scalar> scalar(const Connection& c, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(c.db, sql, -1, &statement, nullptr) != SQLITE_OK) return fail(c.error());
  Scalar value;
  const int rc = sqlite3_step(statement);
  if (rc == SQLITE_ROW) {
    value.number = sqlite3_column_int64(statement, 0);
    if (const auto* text = sqlite3_column_text(statement, 0)) value.text = reinterpret_cast<const char*>(text);
  }
  if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
    Error error = c.error();
    sqlite3_finalize(statement);
    return fail(std::move(error));
  }
  sqlite3_finalize(statement);
  return value;
}

// SQLite would create the file readable by all; ours hold secrets. Its WAL and index inherit the mode.
Status create_private(const std::string& file) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0) {
    ::close(fd);
    return {};
  }
  const int reason = errno;
  if (reason == EEXIST) return {};
  const auto message = std::error_code(reason, std::generic_category()).message();
  if (reason == ENOSPC || reason == EDQUOT) return fail(from_sqlite(SQLITE_FULL, reason, message, file));
  if (reason == EROFS || reason == EACCES || reason == EPERM) {
    return fail(from_sqlite(SQLITE_READONLY, reason, message, file));
  }
  return fail(from_sqlite(SQLITE_CANTOPEN, reason, message, file));
}

Result<Connection> connect(const std::string& file, const OpenOptions& options) {
  if (!options.read_only) {
    if (auto made = create_private(file); !made) return fail(made.error());
  }
  Connection c;
  c.file = file;
  const int access = options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  const int rc = sqlite3_open_v2(file.c_str(), &c.db, access | SQLITE_OPEN_NOMUTEX, nullptr);
  if (c.db == nullptr) return fail(from_sqlite(rc, 0, sqlite3_errstr(rc), file));
  sqlite3_extended_result_codes(c.db, 1);
  if (rc != SQLITE_OK) return fail(c.error());
  sqlite3_busy_timeout(c.db, options.busy_ms);
  if (!options.read_only && sqlite3_db_readonly(c.db, "main") == 1) {
    return fail(from_sqlite(SQLITE_READONLY, 0, "access denied", file));
  }
  return c;
}

Status configure(const Connection& c, const OpenOptions& options) {
  // An untrusted schema can't call functions; cells are checked when a page is read.
  if (auto s = c.execute("PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA foreign_keys=ON"); !s) return s;
  if (options.read_only) return {};
  auto mode = scalar(c, "PRAGMA journal_mode=WAL");
  if (!mode) {
    // A file that may be written in a directory that may not: the WAL can't be made.
    if (mode.error().code == "store.cannot_open" && !directory_writable(c.file)) {
      return fail(from_sqlite(SQLITE_READONLY, 0, "its directory is read-only", c.file));
    }
    return fail(mode.error());
  }
  if (mode->text != "wal") {
    return fail(make_error(Kind::config, "store.cannot_open", "the file system does not support WAL mode", c.file,
                           "keep the state on a local file system"));
  }
  return c.execute("PRAGMA synchronous=NORMAL; PRAGMA journal_size_limit=67108864");
}

Status check_whole(const Connection& c) {
  auto found = scalar(c, "PRAGMA quick_check(1)");
  if (!found) return fail(found.error());
  if (found->text != "ok") return fail(from_sqlite(SQLITE_CORRUPT, 0, found->text, c.file));
  return {};
}

// What the file says about itself. version 0: empty, it is to be made.
struct Identity {
  int version = 0;
  bool empty = false;
  std::string owner;
};
Result<Identity> identify(const Connection& c) {
  auto id = scalar(c, "PRAGMA application_id");
  if (!id) return fail(id.error());
  auto tables = scalar(c, "SELECT count(*) FROM sqlite_schema");
  if (!tables) return fail(tables.error());
  auto version = scalar(c, "PRAGMA user_version");
  if (!version) return fail(version.error());
  Identity found{static_cast<int>(version->number), tables->number == 0 && id->number == 0, {}};
  if (found.empty) return found;
  if (id->number != kApplicationId) {
    return fail(make_error(Kind::config, "store.foreign", "the database belongs to another program", c.file,
                           "name another file or state directory"));
  }
  auto owner = scalar(c, "SELECT owner FROM apf_owner");
  if (!owner) return fail(owner.error());
  found.owner = owner->text;
  return found;
}

// The same as of one moment: another process may be making the file right now.
Result<Identity> identify_at_once(const Connection& c) {
  if (auto s = c.execute("BEGIN"); !s) return fail(s.error());
  auto found = identify(c);
  sqlite3_exec(c.db, "ROLLBACK", nullptr, nullptr, nullptr);
  return found;
}

Status check_identity(const Identity& found, int newest, const OpenOptions& options, const std::string& file) {
  if (!found.empty && found.owner != options.owner) {
    return fail(make_error(Kind::config, "store.foreign",
                           fmt::format("the database belongs to '{}', not to '{}'", found.owner, options.owner), file,
                           "name another file or state directory"));
  }
  if (found.version > newest) {
    return fail(make_error(
        Kind::config, "store.newer",
        fmt::format("the database has schema version {}, this program knows up to {}", found.version, newest), file,
        fmt::format("run the newer program, or restore the copy that it made ({}.v{} or older)", file, newest)));
  }
  if (options.read_only && found.version < newest) {
    return fail(make_error(Kind::config, "store.older",
                           fmt::format("the database has schema version {}, {} is needed", found.version, newest), file,
                           "start the program that owns it once: it migrates the file"));
  }
  return {};
}

Status copy_pages(const Connection& from, const Connection& to) {
  sqlite3_backup* backup = sqlite3_backup_init(to.db, "main", from.db, "main");
  if (backup == nullptr) return fail(to.error());
  const int rc = sqlite3_backup_step(backup, -1);
  sqlite3_backup_finish(backup);
  if (rc != SQLITE_DONE) return fail(from_sqlite(rc, sqlite3_system_errno(to.db), sqlite3_errstr(rc), to.file));
  return {};
}

// FILE.v<old>, complete or not there at all.
Status back_up(const Connection& c, int old_version) {
  const std::string target = fmt::format("{}.v{}", c.file, old_version);
  const std::string part = target + ".part";
  std::error_code ignored;
  std::filesystem::remove(part, ignored);
  {
    auto copy = connect(part, {});
    if (!copy) return fail(copy.error());
    if (auto s = copy_pages(c, *copy); !s) return s;
  }
  std::error_code failed;
  std::filesystem::rename(part, target, failed);
  if (failed) {
    return fail(
        make_error(Kind::transient, "store.failed", "the copy before a migration failed: " + failed.message(), target));
  }
  return {};
}

Status run_migrations(const Connection& c, std::span<const Migration> migrations, const OpenOptions& options) {
  auto found = identify(c);  // again, inside the transaction: another process may have been faster
  if (!found) return fail(found.error());
  const int newest = migrations.empty() ? 0 : migrations.back().to;
  if (auto s = check_identity(*found, newest, options, c.file); !s) return s;
  if (found->empty) {
    if (auto s = c.execute(
            fmt::format("PRAGMA application_id={}; CREATE TABLE apf_owner(owner TEXT NOT NULL)", kApplicationId));
        !s) {
      return s;
    }
    char* quoted = sqlite3_mprintf("INSERT INTO apf_owner VALUES(%Q)", options.owner.c_str());
    auto s = c.execute(quoted);
    sqlite3_free(quoted);
    if (!s) return s;
  }
  for (const auto& migration : migrations) {
    if (migration.to <= found->version) continue;
    if (auto s = c.execute(std::string(migration.sql)); !s) return s;
  }
  return c.execute(fmt::format("PRAGMA user_version={}", newest));
}

Status migrate(const Connection& c, const Identity& found, std::span<const Migration> migrations,
               const OpenOptions& options) {
  if (!found.empty) {
    if (auto s = back_up(c, found.version); !s) return s;
  }
  if (auto s = c.execute("BEGIN IMMEDIATE"); !s) return s;
  auto done = run_migrations(c, migrations, options);
  if (done) done = c.execute("COMMIT");
  if (!done && sqlite3_get_autocommit(c.db) == 0) sqlite3_exec(c.db, "ROLLBACK", nullptr, nullptr, nullptr);
  return done;
}

}  // namespace

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
  auto found = identify_at_once(*c);
  if (!found) return fail(found.error());
  const int newest = migrations.empty() ? 0 : migrations.back().to;
  if (auto s = check_identity(*found, newest, options, file); !s) return fail(s.error());
  if (found->empty || found->version < newest) {
    if (auto s = migrate(*c, *found, migrations, options); !s) return fail(s.error());
  }
  return Database(std::make_unique<Impl>(Impl{std::move(*c), found->empty}));
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
Status Database::synchronous(bool full) {
  return impl_->connection.execute(full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
}
bool Database::created() const { return impl_->created; }

}  // namespace apf::store
