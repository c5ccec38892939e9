#include "monitor/store/pilots.h"

#include <algorithm>

#include "monitor/store/keys.h"
#include "monitor/store/pilot_rows.h"

namespace apf::monitor {
namespace {

constexpr std::int64_t kMost = 1000;

constexpr std::string_view kOfState = "SELECT " APF_PILOT_COLUMNS
                                      " FROM pilot WHERE label = $1 AND state = $2 AND id < $3 ORDER BY id DESC LIMIT "
                                      "$4 OFFSET $5";
constexpr std::string_view kOfFactory =
    "SELECT " APF_PILOT_COLUMNS " FROM pilot WHERE id >= $1 AND id < $2 ORDER BY id DESC LIMIT $3 OFFSET $4";
constexpr std::string_view kOfFactoryAndState =
    "SELECT " APF_PILOT_COLUMNS
    " FROM (SELECT * FROM pilot WHERE id >= $1 AND id < $2 ORDER BY id DESC LIMIT 100000) AS latest WHERE state = $3 "
    "ORDER BY id DESC LIMIT $4 OFFSET $5";

Status select(db::Db& db, std::string_view sql, const db::Values& values, std::vector<Pilot>& to) {
  return db.run(sql, values, [&](const db::Row& row) { to.push_back(read_pilot(row)); });
}

}  // namespace

Result<std::optional<Pilot>> find_pilot(db::Db& db, PilotKey key) {
  const PilotKey keys[] = {key};
  auto found = load_pilots(db, keys);
  if (!found) return fail(std::move(found.error()));
  if (found->empty()) return std::nullopt;
  Pilot p = std::move(found->begin()->second);
  if (auto ok = complete(db, p); !ok) return fail(std::move(ok.error()));
  return p;
}

Result<std::optional<Pilot>> find_pilot(db::Db& db, FactoryNo factory, std::string_view id) {
  auto key = key_of(factory, id);
  if (!key) {
    auto ok = db.run("SELECT pilot FROM pilot_name WHERE factory = $1 AND name = $2", {std::int64_t{factory}, id},
                     [&](const db::Row& row) { key = row.integer(0); });
    if (!ok) return fail(std::move(ok.error()));
  }
  if (!key) return std::nullopt;
  return find_pilot(db, *key);
}

// Of a label in any state: each state by the index, then merged, so that no label is ever read as a whole.
Result<std::vector<Pilot>> list_pilots(db::Db& db, const PilotFilter& f) {
  const std::int64_t limit = std::clamp<std::int64_t>(f.limit, 1, kMost);
  const std::int64_t offset = std::max<std::int64_t>(f.offset, 0);
  std::vector<Pilot> found;
  Status ok;
  if (f.label == 0) {
    const PilotKey first = first_key(f.factory), end = std::min(f.before, last_key(f.factory));
    ok = f.state
             ? select(db, kOfFactoryAndState, {first, end, static_cast<std::int64_t>(*f.state), limit, offset}, found)
             : select(db, kOfFactory, {first, end, limit, offset}, found);
  } else if (f.state) {
    ok = select(db, kOfState, {std::int64_t{f.label}, static_cast<std::int64_t>(*f.state), f.before, limit, offset},
                found);
  } else {
    const std::int64_t needed = std::min(limit + offset, 10 * kMost);
    for (std::size_t s = 0; ok && s < kStates; ++s)
      ok = select(db, kOfState,
                  {std::int64_t{f.label}, static_cast<std::int64_t>(s), f.before, needed, std::int64_t{0}}, found);
    std::sort(found.begin(), found.end(), [](const Pilot& a, const Pilot& b) { return a.key > b.key; });
    found.erase(found.begin(), found.begin() + std::min<std::ptrdiff_t>(offset, std::ssize(found)));
    if (std::ssize(found) > limit) found.resize(static_cast<std::size_t>(limit));
  }
  for (Pilot& p : found)
    if (ok && p.id.empty()) ok = complete(db, p);
  if (!ok) return fail(std::move(ok.error()));
  return found;
}

}  // namespace apf::monitor
