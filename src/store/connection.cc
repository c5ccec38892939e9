#include "store/connection.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

namespace apf::store {
namespace {

bool out_of_space(int extended, int system_errno) {
  const int primary = extended & 0xff;
  if (primary == SQLITE_FULL) return true;
  if (primary != SQLITE_IOERR) return false;
  // The shared-memory file of WAL is grown by its own code, which keeps no errno: it fails for lack of space only.
  return extended == SQLITE_IOERR_SHMSIZE || system_errno == ENOSPC || system_errno == EDQUOT;
}

bool directory_writable(const std::string& file) {
  auto directory = std::filesystem::path(file).parent_path();
  if (directory.empty()) directory = ".";
  return faccessat(AT_FDCWD, directory.c_str(), W_OK, AT_EACCESS) == 0;
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

}  // namespace

Error make_error(Kind kind, const char* code, std::string what, std::string where, std::string advice) {
  return Error{kind, code, std::move(what), std::move(where), std::move(advice)};
}

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
    case SQLITE_NOMEM: return make_error(Kind::transient, "store.failed", "the database failed: " + message, file);
    case SQLITE_CONSTRAINT:
      return make_error(Kind::permanent, "store.failed", "the database refused a row: " + message, file);
    default: return make_error(Kind::bug, "store.failed", "the database failed: " + message, file);
  }
}

Error last_error(sqlite3* db, const std::string& file) {
  return from_sqlite(sqlite3_extended_errcode(db), sqlite3_system_errno(db), sqlite3_errmsg(db), file);
}

Connection::Connection(Connection&& other) noexcept
    : db(std::exchange(other.db, nullptr)), file(std::move(other.file)) {}
Connection::~Connection() { sqlite3_close_v2(db); }

Status Connection::execute(const std::string& sql) const {
  if (sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return fail(error());
  return {};
}

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

}  // namespace apf::store
