// A connection to an SQLite file, and its errors in our words. For src/store only.
//
// Thread-safety: a Connection belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <string>

#include "store/database.h"

struct sqlite3;

namespace apf::store {

Error make_error(Kind kind, const char* code, std::string what, std::string where, std::string advice = {});
// SQLite's result as an error; `extended` is the extended code.
Error from_sqlite(int extended, int system_errno, const std::string& message, const std::string& file);
Error last_error(sqlite3* db, const std::string& file);

struct Connection {  // closes at the end; statements may outlive it (SQLite then closes with the last of them)
  sqlite3* db = nullptr;
  std::string file;
  Connection() = default;
  Connection(Connection&& other) noexcept;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  Connection& operator=(Connection&&) = delete;
  ~Connection();
  [[nodiscard]] Error error() const { return last_error(db, file); }
  [[nodiscard]] Status execute(const std::string& sql) const;
};

// Opens the file, which it makes with mode 0600 unless read_only.
Result<Connection> connect(const std::string& file, const OpenOptions& options);
// WAL and what else we always want.
Status configure(const Connection& c, const OpenOptions& options);
Status check_whole(const Connection& c);  // reads every page

// The first column of the first row; empty text and 0 when there is none.
struct Scalar {
  std::int64_t number = 0;
  std::string text;
};
Result<Scalar> scalar(const Connection& c, const char* sql);

}  // namespace apf::store
