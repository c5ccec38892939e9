// SQLite by RAII, with migrations. Mechanism only: schemas live with their owners (ledger, job queue, monitor).
// SQLite's C interface stands behind it, in database.cc only.
//
// Files are in WAL mode and of mode 0600. PRAGMA user_version holds the schema's version, application_id says that the
// file is ours, the table apf_owner whose it is. A file may be open in several connections and processes at a time.
//
// Thread-safety: a Database and its Statements belong to one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apf/result.h"

struct sqlite3_stmt;

namespace apf::store {

// A prepared statement, made once and used again. bind() counts from 1, column() from 0, as SQLite does. Bound values
// stay until they are bound anew; bind() on a statement that stands on a row resets it first. A bind() that fails is
// told by the next step(). Columns are readable while step() has given true. May outlive its Database.
class Statement {
 public:
  Statement();
  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) noexcept;
  ~Statement();
  Statement& bind(int at, std::int64_t value);
  Statement& bind(int at, double value);
  Statement& bind(int at, std::string_view value);  // copied
  Statement& bind_null(int at);
  Result<bool> step();  // true: a row is there
  Status run();         // step to the end, then reset for the next use
  void reset();
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] double real(int column) const;
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] bool is_null(int column) const;

 private:
  friend class Database;
  struct Impl;
  explicit Statement(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct Migration {
  int to;                // versions count from 1, without gaps
  std::string_view sql;  // run in one transaction with the change of version
};

struct OpenOptions {
  bool read_only = false;
  std::string owner;   // "apf ledger": a file of another owner is refused
  int busy_ms = 2000;  // how long to wait for another process's write
  bool check = false;  // read the whole file at open and refuse it when anything is damaged (0.1 s for 30 MB)
};

// Errors: "store.cannot_open", "store.corrupt", "store.newer" (the file is of a newer program), "store.older" (only
// when opened read-only: it can't be migrated), "store.foreign" (of another owner), "store.read_only", "store.full"
// (ENOSPC or quota; transient), "store.busy" (transient), "store.failed" (I/O errors: transient; the rest: our own
// fault).
class Database {
 public:
  // Opens (or creates) and brings the schema up to date: a backup FILE.v<old> is made before a migration.
  static Result<Database> open(const std::string& file, std::span<const Migration> migrations,
                               const OpenOptions& options);
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  Result<Statement> prepare(std::string_view sql);
  Status execute(std::string_view sql);  // several statements, no results
  Status begin();                        // BEGIN IMMEDIATE
  Status commit();                       // after an error: rollback(), the whole transaction did not happen
  void rollback();                       // harmless outside a transaction
  // From now on SQLite copies nothing from its log (WAL) into the file by itself, and `after` is told after each commit
  // how many pages the log has.
  void own_checkpoints(std::function<void(int pages)> after);
  // Copies what the log holds into the file, as far as no reader stands in the way, without waiting for anybody:
  // nothing while another connection does the same. When all is copied the next commit begins the log anew. The number
  // of pages of the log that are in the file now.
  Result<int> checkpoint();
  // full: fsync at every commit; otherwise commits survive a crash of the program, not of the machine.
  Status synchronous(bool full);
  [[nodiscard]] bool created() const;  // open() made the file

 private:
  struct Impl;
  explicit Database(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace apf::store
