#include "engine/ledger_reader.h"

#include <fmt/format.h>

#include <mutex>
#include <optional>
#include <utility>

#include "engine/ledger.h"
#include "engine/ledger_rows.h"

namespace apf::engine {
namespace {

// A WHERE clause and what its parameters stand for.
class Where {
 public:
  void text(const char* column, const std::string& value) {
    if (value.empty()) return;
    texts_.push_back(value);
    add(fmt::format("{} = ?{}", column, texts_.size()));
  }
  void add(const std::string& condition) { sql_ += (sql_.empty() ? " WHERE " : " AND ") + condition; }
  [[nodiscard]] const std::string& sql() const { return sql_; }
  void bind(store::Statement& statement) const {
    int at = 1;
    for (const auto& t : texts_) statement.bind(at++, std::string_view(t));
  }

 private:
  std::string sql_;
  std::vector<std::string> texts_;
};

Where where_of(const PilotFilter& f) {
  Where w;
  w.text("queue", f.queue);
  w.text("batch", f.batch);
  w.text("batch_id", f.batch_id);
  w.text("submission", f.submission);
  w.text("node", f.node);
  if (f.live_only) w.add("closed = 0");
  if (f.missing_only) w.add("missing = 1");
  if (f.after > 0) w.add(fmt::format("no > {}", f.after));
  if (f.submitted_before.ms > 0) w.add(fmt::format("submitted < {}", f.submitted_before.ms));
  if (f.ended_after.ms > 0) w.add(fmt::format("closed > {}", f.ended_after.ms));
  if (!f.states.empty()) {
    std::string list;
    for (const auto s : f.states) list += fmt::format("{}{}", list.empty() ? "" : ",", static_cast<int>(s));
    w.add("state IN (" + list + ")");
  }
  return w;
}

}  // namespace

struct LedgerReader::Impl {
  std::string file;
  std::mutex mutex;
  std::optional<store::Database> db;

  template <class Read>
  Status each(const std::string& sql, const Where& where, Read read) {
    const std::scoped_lock lock(mutex);
    if (!db) {
      auto opened = store::Database::open(file, ledger_migrations(), {.read_only = true, .owner = kLedgerOwner});
      if (!opened) return fail(opened.error());
      db.emplace(std::move(*opened));
    }
    auto query = db->prepare(sql);
    if (!query) return fail(query.error());
    where.bind(*query);
    while (true) {
      auto more = query->step();
      if (!more) return fail(more.error());
      if (!*more) return {};
      read(*query);
    }
  }
  template <class Row, class Read>
  Result<std::vector<Row>> all(const std::string& sql, const Where& where, Read read) {
    std::vector<Row> rows;
    auto done = each(sql, where, [&](const store::Statement& row) { rows.push_back(read(row)); });
    if (!done) return fail(done.error());
    return rows;
  }
};

LedgerReader::LedgerReader(const std::string& state_dir) : impl_(std::make_unique<Impl>()) {
  impl_->file = Ledger::file(state_dir);
}
LedgerReader::~LedgerReader() = default;

Result<std::vector<core::Pilot>> LedgerReader::pilots(const PilotFilter& filter) {
  const Where where = where_of(filter);
  return impl_->all<core::Pilot>(
      fmt::format("SELECT {} FROM pilots{} ORDER BY no LIMIT {}", kPilotColumns, where.sql(), filter.most), where,
      read_pilot);
}

Status LedgerReader::live_ids(const std::function<void(const std::string&)>& each) {
  return impl_->each("SELECT batch_id FROM pilots WHERE closed = 0", {},
                     [&](const store::Statement& row) { each(row.text(0)); });
}

Result<std::vector<core::Submission>> LedgerReader::submissions(bool open_only, std::int64_t most) {
  Where where;
  if (open_only) where.add("state = 0");
  return impl_->all<core::Submission>(
      fmt::format("SELECT {} FROM submissions{} ORDER BY planned DESC LIMIT {}", kSubmissionColumns, where.sql(), most),
      where, read_submission);
}

}  // namespace apf::engine
