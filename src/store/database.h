// SQLite by RAII, with migrations. Mechanism only: schemas live with their owners (ledger, job queue, monitor).
// SQLiteCpp stands behind it, in database.cc only.
//
// Thread-safety: a Database belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apf/result.h"

struct sqlite3_stmt;

namespace apf::store {

// A prepared statement. bind() counts from 1, column() from 0, as SQLite does.
class Statement {
 public:
  Statement() = default;
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
  std::string owner;     // "apf ledger": a file of another owner is refused
  int busy_ms = 2000;
};

// Errors: "store.cannot_open", "store.corrupt", "store.newer" (the file is of a newer program), "store.read_only",
// "store.full" (ENOSPC; transient), "store.busy" (transient), "store.failed".
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
  Status commit();
  void rollback();
  // full: fsync at every commit; otherwise commits survive a crash of the program, not of the machine.
  Status synchronous(bool full);
  [[nodiscard]] bool created() const;    // open() made the file

 private:
  struct Impl;
  explicit Database(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace apf::store
