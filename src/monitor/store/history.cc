#include "monitor/store/history.h"

namespace apf::monitor {
namespace {

#define APF_HISTORY_COLUMNS                                                                          \
  "created, started, done, fault, empty, unstarted, ran, live_created, live_running, live_exiting, " \
  "live_stale"
#define APF_HISTORY_INSERT                                                                                           \
  "INSERT INTO history(label, width, at, " APF_HISTORY_COLUMNS                                                       \
  ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT (label, width, at) DO UPDATE " \
  "SET created = excluded.created, started = excluded.started, done = excluded.done, fault = excluded.fault, "       \
  "empty = excluded.empty, unstarted = excluded.unstarted, ran = excluded.ran"

constexpr std::string_view kFlow = APF_HISTORY_INSERT;
constexpr std::string_view kFlowAndLive = APF_HISTORY_INSERT
    ", live_created = excluded.live_created, live_running = excluded.live_running, "
    "live_exiting = excluded.live_exiting, live_stale = excluded.live_stale";

}  // namespace

Result<std::vector<HistoryRow>> history(db::Db& db, LabelNo label, Width width, Wall from, Wall to) {
  std::vector<HistoryRow> rows;
  auto ok = db.run("SELECT at, " APF_HISTORY_COLUMNS
                   " FROM history WHERE label = $1 AND width = $2 AND at >= $3 AND at < $4 ORDER BY at",
                   {std::int64_t{label}, static_cast<std::int64_t>(width), from.ms, to.ms}, [&](const db::Row& row) {
                     const auto count = [&](int column) { return static_cast<std::int32_t>(row.integer(column)); };
                     HistoryRow r;
                     r.at.ms = row.integer(0);
                     r.flow = {count(1), count(2), count(3), count(4), count(5), count(6), row.integer(7)};
                     r.live = {row.integer(8), row.integer(9), row.integer(10), row.integer(11)};
                     rows.push_back(r);
                   });
  if (!ok) return fail(std::move(ok.error()));
  return rows;
}

std::vector<HistoryRow> in_steps_of(const std::vector<HistoryRow>& rows, std::int64_t ms) {
  std::vector<HistoryRow> out;
  for (const HistoryRow& row : rows) {
    const Wall at{row.at.ms - row.at.ms % ms};
    if (out.empty() || out.back().at != at) out.push_back({at, {}, {}});
    out.back().flow += row.flow;
    out.back().live = row.live;
  }
  return out;
}

Status write_history(db::Db& db, const std::vector<HistoryEntry>& entries, bool with_live) {
  std::vector<db::Values> rows;
  rows.reserve(entries.size());
  for (const HistoryEntry& e : entries) {
    const Flow& f = e.row.flow;
    const Live& l = e.row.live;
    const auto n = [](auto count) { return static_cast<std::int64_t>(count); };
    rows.push_back({n(e.label), n(e.width), e.row.at.ms, n(f.created), n(f.started), n(f.done), n(f.fault), n(f.empty),
                    n(f.unstarted), f.seconds_ran, l.created, l.running, l.exiting, l.stale});
  }
  return db.run_all(with_live ? kFlowAndLive : kFlow, rows);
}

}  // namespace apf::monitor
