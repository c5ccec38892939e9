#include "monitor/store/pilots.h"

#include <algorithm>
#include <functional>

#include "monitor/store/keys.h"
#include "monitor/store/pilot_rows.h"

namespace apf::monitor {
namespace {

constexpr std::int64_t kMost = 1000;

// Of a label; each by its index (schema.h).
constexpr std::string_view kLive =
    "SELECT " APF_PILOT_COLUMNS " FROM pilot WHERE label = $1 AND ended = 0 AND id < $2 ORDER BY id DESC LIMIT $3";
constexpr std::string_view kLiveOfState =
    "SELECT " APF_PILOT_COLUMNS
    " FROM pilot WHERE label = $1 AND ended = 0 AND state = $2 AND id < $3 ORDER BY id DESC LIMIT $4 OFFSET $5";
constexpr std::string_view kOverOfState =
    "SELECT " APF_PILOT_COLUMNS
    " FROM pilot WHERE label = $1 AND ended > 0 AND state = $2 AND id < $3 ORDER BY id DESC LIMIT $4 OFFSET $5";

constexpr std::string_view kOfFactory =
    "SELECT " APF_PILOT_COLUMNS " FROM pilot WHERE id >= $1 AND id < $2 ORDER BY id DESC LIMIT $3 OFFSET $4";
constexpr std::string_view kLiveIds =
    "SELECT id FROM pilot WHERE label = $1 AND ended = 0 AND state = $2 AND id >= $3 AND id < $4 ORDER BY id DESC "
    "LIMIT "
    "$5";
constexpr std::string_view kOverIds =
    "SELECT id FROM pilot WHERE label = $1 AND ended > 0 AND state = $2 AND id >= $3 AND id < $4 ORDER BY id DESC "
    "LIMIT "
    "$5";

Status select(db::Db& db, std::string_view sql, const db::Values& values, std::vector<Pilot>& to) {
  return db.run(sql, values, [&](const db::Row& row) { to.push_back(read_pilot(row)); });
}

// Keys are found label by label, in an index alone where pilots have ended; then only the rows that are shown are read.
Status of_factory_and_state(db::Db& db, const PilotFilter& f, PilotKey first, PilotKey end, std::int64_t limit,
                            std::int64_t offset, std::vector<Pilot>& to) {
  const std::int64_t needed = std::min(limit + offset, 10 * kMost);
  std::vector<PilotKey> keys;
  for (const LabelNo label : f.labels) {
    auto ok = db.run(live(*f.state) ? kLiveIds : kOverIds,
                     {std::int64_t{label}, static_cast<std::int64_t>(*f.state), first, end, needed},
                     [&](const db::Row& row) { keys.push_back(row.integer(0)); });
    if (!ok) return ok;
  }
  std::sort(keys.begin(), keys.end(), std::greater());
  keys.erase(keys.begin(), keys.begin() + std::min<std::ptrdiff_t>(offset, std::ssize(keys)));
  if (std::ssize(keys) > limit) keys.resize(static_cast<std::size_t>(limit));
  auto found = load_pilots(db, keys);
  if (!found) return fail(std::move(found.error()));
  for (const PilotKey key : keys)
    if (const auto it = found->find(key); it != found->end()) to.push_back(std::move(it->second));
  return {};
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

Result<std::vector<Pilot>> list_pilots(db::Db& db, const PilotFilter& f) {
  const std::int64_t limit = std::clamp<std::int64_t>(f.limit, 1, kMost);
  const std::int64_t offset = std::max<std::int64_t>(f.offset, 0);
  const std::int64_t label = f.label;
  std::vector<Pilot> found;
  Status ok;
  const auto of_state = [&](PilotState state, std::int64_t most, std::int64_t from) {
    ok = select(db, live(state) ? kLiveOfState : kOverOfState,
                {label, static_cast<std::int64_t>(state), f.before, most, from}, found);
  };
  if (f.label == 0) {
    const PilotKey first = first_key(f.factory), end = std::min(f.before, last_key(f.factory));
    ok = f.state ? of_factory_and_state(db, f, first, end, limit, offset, found)
                 : select(db, kOfFactory, {first, end, limit, offset}, found);
  } else if (f.state) {
    of_state(*f.state, limit, offset);
  } else {  // in any state: each by its index, then merged, so that no label is ever read as a whole
    const std::int64_t needed = std::min(limit + offset, 10 * kMost);
    ok = select(db, kLive, {label, f.before, needed}, found);
    if (ok) of_state(PilotState::done, needed, 0);
    if (ok) of_state(PilotState::fault, needed, 0);
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
