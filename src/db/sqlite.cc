#include <algorithm>
#include <map>

#include "db/checkpoints.h"
#include "db/db.h"
#include "store/database.h"

namespace apf::db {
namespace {

// With a million rows updated at random SQLite's default of 2 MB reads nearly every page from the system again
// (measured). 96 MB.
constexpr std::string_view kForWriting = "PRAGMA cache_size=-98304";

class SqliteRow final : public Row {
 public:
  explicit SqliteRow(const store::Statement& statement) : statement_(statement) {}
  [[nodiscard]] std::int64_t integer(int column) const override { return statement_.integer(column); }
  [[nodiscard]] std::string text(int column) const override { return statement_.text(column); }
  [[nodiscard]] bool is_null(int column) const override { return statement_.is_null(column); }

 private:
  const store::Statement& statement_;
};

class Sqlite final : public Db {
 public:
  explicit Sqlite(store::Database database) : database_(std::move(database)) {}
  void checkpoint_with(store::Database beside) {
    checkpoints_ = std::make_unique<Checkpoints>(database_, std::move(beside), Checkpoints::Limits{});
  }
  Status begin() override { return database_.begin(); }
  Status commit() override {
    auto done = database_.commit();
    if (done && checkpoints_) checkpoints_->after_commit();
    return done;
  }
  void rollback() override { database_.rollback(); }
  Status run(std::string_view sql, const Values& values, const EachRow& each) override {
    return one(sql, values, [&](const Row& row) {
      if (each) each(row);
    });
  }
  Status run_all(std::string_view sql, std::span<const Values> values, const EachRowOf& each) override {
    for (std::size_t i = 0; i < values.size(); ++i)
      if (auto ok = one(sql, values[i],
                        [&](const Row& row) {
                          if (each) each(i, row);
                        });
          !ok)
        return ok;
    return {};
  }

 private:
  template <class Each>
  Status one(std::string_view sql, const Values& values, const Each& each) {
    auto statement = prepared(sql);
    if (!statement) return fail(std::move(statement.error()));
    store::Statement& s = **statement;
    for (std::size_t i = 0; i < values.size(); ++i) bind(s, static_cast<int>(i) + 1, values[i]);
    const SqliteRow row(s);
    for (;;) {
      const auto got = s.step();
      if (!got) return fail(got.error());
      if (!*got) return {};
      each(row);
    }
  }

  static void bind(store::Statement& s, int at, const Value& value) {
    if (const auto* n = std::get_if<std::int64_t>(&value))
      s.bind(at, *n);
    else if (const auto* text = std::get_if<std::string_view>(&value))
      s.bind(at, *text);
    else
      s.bind_null(at);
  }

  // SQLite counts "$1" by first appearance; "?1" means the first.
  Result<store::Statement*> prepared(std::string_view sql) {
    const auto it = statements_.find(sql);
    if (it != statements_.end()) return &it->second;
    std::string text(sql);
    std::replace(text.begin(), text.end(), '$', '?');
    auto statement = database_.prepare(text);
    if (!statement) return fail(std::move(statement.error()));
    return &statements_.emplace(std::string(sql), std::move(*statement)).first->second;
  }

  store::Database database_;
  std::map<std::string, store::Statement, std::less<>> statements_;
  std::unique_ptr<Checkpoints> checkpoints_;  // of one that writes
};

}  // namespace

Result<std::unique_ptr<Db>> open_sqlite(const Place& place, std::span<const Migration> migrations, Use use) {
  std::vector<std::string> texts;
  texts.reserve(migrations.size());  // views into them follow
  std::vector<store::Migration> ours;
  for (const Migration& m : migrations) {
    texts.push_back(in_words_of(m.sql, "INTEGER PRIMARY KEY", "WITHOUT ROWID"));
    ours.push_back({m.to, texts.back()});
  }
  store::OpenOptions options;
  options.owner = place.owner;
  options.read_only = use == Use::read;
  auto database = store::Database::open(place.file, ours, options);
  if (!database) return fail(std::move(database.error()));
  if (use == Use::write) {
    if (auto ok = database->synchronous(true); !ok) return fail(std::move(ok.error()));
    if (auto ok = database->execute(kForWriting); !ok) return fail(std::move(ok.error()));
  }
  auto db = std::make_unique<Sqlite>(std::move(*database));
  if (use == Use::read) return db;
  auto beside = store::Database::open(place.file, ours, options);
  if (!beside) return fail(std::move(beside.error()));
  db->checkpoint_with(std::move(*beside));
  return db;
}

}  // namespace apf::db
