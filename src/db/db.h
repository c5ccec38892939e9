// One way to speak to SQLite and to PostgreSQL: prepared statements with $1, $2, ... and transactions, in the SQL that
// both understand. Mechanism only: schemas live with their owners.
//
// Statements are prepared once a connection, by their text: use constants, not texts made for one call.
//
// Errors: those of store/database.h; of a server "db.unreachable" (transient), "db.refused" (config: password, no such
// database), "db.failed", "db.newer", "db.in_use" (another one writes).
// Thread-safety: a Db belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "apf/result.h"

namespace apf::db {

using Value = std::variant<std::monostate, std::int64_t, std::string_view>;  // nothing: NULL; texts: UTF-8 without NUL
using Values = std::vector<Value>;

class Row {  // valid during the call that gets it
 public:
  Row() = default;
  Row(const Row&) = delete;
  Row& operator=(const Row&) = delete;
  virtual ~Row() = default;
  [[nodiscard]] virtual std::int64_t integer(int column) const = 0;  // NULL: 0
  [[nodiscard]] virtual std::string text(int column) const = 0;      // NULL: ""
  [[nodiscard]] virtual bool is_null(int column) const = 0;
};
using EachRow = std::function<void(const Row&)>;
using EachRowOf = std::function<void(std::size_t which, const Row&)>;

class Db {
 public:
  Db() = default;
  Db(const Db&) = delete;
  Db& operator=(const Db&) = delete;
  virtual ~Db() = default;

  virtual Status run(std::string_view sql, const Values& values, const EachRow& each = {}) = 0;
  // The same statement with each of these values; `which` counts them. To a server they go without waiting for each
  // answer. The first failure is given, after it nothing more is done.
  virtual Status run_all(std::string_view sql, std::span<const Values> values, const EachRowOf& each = {}) = 0;
  virtual Status begin() = 0;
  virtual Status commit() = 0;  // after an error: rollback(), the whole transaction did not happen
  virtual void rollback() = 0;  // harmless outside a transaction
};

struct Migration {
  int to;  // versions count from 1, without gaps
  // In the common SQL with these words for what differs: {KEY} for the type of a whole-number primary key,
  // {NO_ROWID} at the end of a table with another primary key.
  std::string_view sql;
};

struct Place {
  std::string file;    // SQLite, when `server` is empty
  std::string server;  // PostgreSQL: "host=db.example.org dbname=apf user=apf password=..." or postgresql://...
  std::string owner;   // "apf monitor": what of another owner is refused
};

enum class Use : std::uint8_t { write, read };  // write: brings the schema up to date; one at a time

Result<std::unique_ptr<Db>> open(const Place& place, std::span<const Migration> migrations, Use use);

// For src/db.
Result<std::unique_ptr<Db>> open_sqlite(const Place& place, std::span<const Migration> migrations, Use use);
Result<std::unique_ptr<Db>> open_postgres(const Place& place, std::span<const Migration> migrations, Use use);
std::string in_words_of(std::string_view sql, std::string_view key, std::string_view no_rowid);

}  // namespace apf::db
