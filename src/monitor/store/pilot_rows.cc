#include "monitor/store/pilot_rows.h"

#include <algorithm>
#include <charconv>

#include "monitor/store/keys.h"

namespace apf::monitor {
namespace {

constexpr std::string_view kSelect = "SELECT " APF_PILOT_COLUMNS " FROM pilot WHERE id = $1";
constexpr std::string_view kInsert = "INSERT INTO pilot(" APF_PILOT_COLUMNS
                                     ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, "
                                     "$16, $17, $18)";
constexpr std::string_view kUpdate =
    "UPDATE pilot SET label = $2, state = $3, created = $4, running = $5, exiting = $6, ended = $7, seen = $8, "
    "flags = $9, rc = $10, payloads = $11, node = $12, place = $13, failure = $14, reason = $15, submission = $16, "
    "payload_ids = $17, line = $18 WHERE id = $1";
constexpr std::string_view kDetails =
    "INSERT INTO pilot_detail(id, details) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET details = excluded.details";

constexpr std::int64_t kPayloadStarted = 1, kAged = 2, kHeldTold = 4, kHeld = 8;
constexpr std::int64_t kReportsAt = 256;  // how many reports: the bits from here on

std::optional<std::int32_t> optional_of(const db::Row& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return static_cast<std::int32_t>(row.integer(column));
}

template <class T>
db::Value value_of(const std::optional<T>& n) {
  return n ? db::Value(std::int64_t{*n}) : db::Value();
}

db::Values values_of(const Pilot& p, const std::string& line) {
  const std::int64_t flags = (p.payload_started ? kPayloadStarted : 0) | (p.aged ? kAged : 0) |
                             (p.held ? kHeldTold : 0) | (p.held.value_or(false) ? kHeld : 0) | (p.reports * kReportsAt);
  return {p.key,
          std::int64_t{p.label},
          static_cast<std::int64_t>(p.state),
          p.created.ms,
          p.running.ms,
          p.exiting.ms,
          p.ended.ms,
          p.seen.ms,
          flags,
          value_of(p.rc),
          value_of(p.payloads),
          std::int64_t{p.node},
          value_of(p.index),
          std::string_view(p.failure),
          std::string_view(p.reason),
          std::string_view(p.submission),
          std::string_view(p.payload_ids),
          std::string_view(line)};
}

// Tabs and line breaks part fields and entries; texts hold none (ingest makes blanks of control characters).
std::string_view field(std::string_view& rest, char end) {
  const std::size_t at = std::min(rest.find(end), rest.size());
  const std::string_view found = rest.substr(0, at);
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return found;
}

std::string write_details(const std::vector<Detail>& details) {
  std::string text;
  for (const Detail& d : details) text += d.name + '\t' + d.value + '\n';
  return text;
}

std::vector<Detail> read_details(const std::string& text) {
  std::vector<Detail> details;
  std::string_view rest = text;
  while (!rest.empty()) {
    std::string_view entry = field(rest, '\n');
    Detail d;
    d.name = field(entry, '\t');
    d.value = entry;
    details.push_back(std::move(d));
  }
  return details;
}

Status write_pilots(db::Db& db, std::string_view sql, std::span<const Pilot* const> pilots) {
  std::vector<std::string> lines, details;
  std::vector<db::Values> rows, detail_rows;
  lines.reserve(pilots.size());
  details.reserve(pilots.size());
  rows.reserve(pilots.size());
  for (const Pilot* p : pilots) {
    rows.push_back(values_of(*p, lines.emplace_back(write_line(p->line))));
    if (!p->details.empty())
      detail_rows.push_back({p->key, std::string_view(details.emplace_back(write_details(p->details)))});
  }
  if (auto ok = db.run_all(sql, rows); !ok) return ok;
  return detail_rows.empty() ? Status{} : db.run_all(kDetails, detail_rows);
}

}  // namespace

std::string write_line(const std::vector<Moment>& line) {
  std::string text;
  for (const Moment& m : line) {
    text += std::to_string(m.at.ms);
    text += '\t';
    text += static_cast<char>('0' + static_cast<int>(m.state));
    text += '\t';
    text += m.source;
    text += '\t';
    text += m.text;
    text += '\n';
  }
  return text;
}

std::vector<Moment> read_line(const std::string& text) {
  std::vector<Moment> line;
  std::string_view rest = text;
  while (!rest.empty()) {
    std::string_view entry = field(rest, '\n');
    const std::string_view at = field(entry, '\t');
    const std::string_view state = field(entry, '\t');
    Moment m;
    std::from_chars(at.data(), at.data() + at.size(), m.at.ms);
    if (state.size() == 1 && state[0] >= '0' && state[0] < static_cast<char>('0' + kStates))
      m.state = static_cast<PilotState>(state[0] - '0');
    m.source = field(entry, '\t');
    m.text = entry;
    line.push_back(std::move(m));
  }
  return line;
}

Pilot read_pilot(const db::Row& row) {
  Pilot p;
  p.key = row.integer(0);
  p.factory = factory_of(p.key);
  if (!is_numbered(p.key)) p.id = id_of(p.key);
  p.label = static_cast<LabelNo>(row.integer(1));
  p.state = static_cast<PilotState>(std::clamp<std::int64_t>(row.integer(2), 0, kStates - 1));
  p.created.ms = row.integer(3);
  p.running.ms = row.integer(4);
  p.exiting.ms = row.integer(5);
  p.ended.ms = row.integer(6);
  p.seen.ms = row.integer(7);
  p.payload_started = (row.integer(8) & kPayloadStarted) != 0;
  p.aged = (row.integer(8) & kAged) != 0;
  if ((row.integer(8) & kHeldTold) != 0) p.held = (row.integer(8) & kHeld) != 0;
  p.reports = static_cast<int>(row.integer(8) / kReportsAt);
  p.rc = optional_of(row, 9);
  p.payloads = optional_of(row, 10);
  p.node = static_cast<NodeNo>(row.integer(11));
  if (!row.is_null(12)) p.index = static_cast<std::uint32_t>(row.integer(12));
  p.failure = row.text(13);
  p.reason = row.text(14);
  p.submission = row.text(15);
  p.payload_ids = row.text(16);
  p.line = read_line(row.text(17));
  return p;
}

Result<std::map<PilotKey, Pilot>> load_pilots(db::Db& db, std::span<const PilotKey> keys) {
  std::vector<db::Values> values;
  values.reserve(keys.size());
  for (const PilotKey key : keys) values.push_back({key});
  std::map<PilotKey, Pilot> found;
  auto ok = db.run_all(kSelect, values, [&](std::size_t, const db::Row& row) {
    Pilot p = read_pilot(row);
    const PilotKey key = p.key;
    found.emplace(key, std::move(p));
  });
  if (!ok) return fail(std::move(ok.error()));
  return found;
}

Status load_details(db::Db& db, std::span<Pilot* const> pilots) {
  if (pilots.empty()) return {};
  std::vector<db::Values> values;
  values.reserve(pilots.size());
  for (const Pilot* p : pilots) values.push_back({p->key});
  return db.run_all("SELECT details FROM pilot_detail WHERE id = $1", values,
                    [&](std::size_t i, const db::Row& row) { pilots[i]->details = read_details(row.text(0)); });
}

Status complete(db::Db& db, Pilot& p) {
  if (is_numbered(p.key))
    if (auto ok = db.run("SELECT name FROM pilot_name WHERE pilot = $1", {p.key},
                         [&](const db::Row& row) { p.id = row.text(0); });
        !ok)
      return ok;
  Pilot* const one[] = {&p};
  return load_details(db, one);
}

Status insert_pilots(db::Db& db, std::span<const Pilot* const> pilots) { return write_pilots(db, kInsert, pilots); }
Status update_pilots(db::Db& db, std::span<const Pilot* const> pilots) { return write_pilots(db, kUpdate, pilots); }

}  // namespace apf::monitor
