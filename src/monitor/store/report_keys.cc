#include "monitor/store/report_keys.h"

#include <algorithm>

namespace apf::monitor {
namespace {

constexpr std::int64_t kKeptMs = 3'600'000;

constexpr std::string_view kSave =
    "INSERT INTO report_key(factory, submission, digest, pilots, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (factory, "
    "submission) DO UPDATE SET digest = excluded.digest, pilots = excluded.pilots";

}  // namespace

std::optional<ReportKeys::Owner> ReportKeys::find(const std::string& digest) const {
  const std::lock_guard guard(mutex_);
  const auto it = by_digest_.find(digest);
  if (it == by_digest_.end()) return std::nullopt;
  const Entry& e = *it->second;
  return Owner{e.name.first, {e.name.second, e.pilots}};
}

std::size_t ReportKeys::size() const {
  const std::lock_guard guard(mutex_);
  return entries_.size();
}

Status ReportKeys::load(db::Db& db, Wall now) {
  const std::lock_guard guard(mutex_);
  return db.run("SELECT factory, submission, digest, pilots FROM report_key ORDER BY at, factory, submission", {},
                [&](const db::Row& row) {
                  put({std::string(row.text(0)), std::string(row.text(1))},
                      {.id = std::string(row.text(1)),
                       .digest = std::string(row.text(2)),
                       .pilots = static_cast<std::uint32_t>(row.integer(3))},
                      now);
                });
}

Status ReportKeys::save(db::Db& db, const std::string& factory, std::span<const SubmissionNews> all, Wall now) {
  std::vector<db::Values> rows;
  std::vector<Name> oldest;
  {
    const std::lock_guard guard(mutex_);
    for (const SubmissionNews& news : all) {
      const Name name{factory, news.id};
      const auto known = by_name_.find(name);
      const auto same_digest = by_digest_.find(news.digest);
      // A key is of one submission: what another has is not taken from it.
      if (same_digest != by_digest_.end() && same_digest->second->name != name) continue;
      if (known != by_name_.end() && !going_.contains(name)) {
        known->second->used = now;
        if (known->second->digest == news.digest && known->second->pilots == news.pilots) continue;
      }
      if (!fresh_digests_.insert(news.digest).second) continue;
      fresh_[name] = news;
      rows.push_back({std::string_view(factory), std::string_view(news.id), std::string_view(news.digest),
                      std::int64_t{news.pilots}, now.ms});
    }
    for (const Entry& e : entries_) {
      if (entries_.size() + fresh_.size() <= most_ + going_.size()) break;
      if (!fresh_.contains(e.name) && going_.insert(e.name).second) oldest.push_back(e.name);
    }
  }
  if (auto ok = delete_rows(db, oldest); !ok) return ok;
  return db.run_all(kSave, rows);
}

void ReportKeys::saved(Wall now) {
  for (const auto& [name, news] : fresh_) going_.erase(name);
  drop_all(going_);
  const std::lock_guard guard(mutex_);
  for (const auto& [name, news] : fresh_) put(name, news, now);
  fresh_.clear();
  fresh_digests_.clear();
}

void ReportKeys::undo() {
  fresh_.clear();
  fresh_digests_.clear();
  going_.clear();
}

void ReportKeys::live(const std::string& factory, const std::string& submission, int change, Wall now) {
  const std::lock_guard guard(mutex_);
  const auto it = by_name_.find({factory, submission});
  if (it == by_name_.end()) return;
  Entry& e = *it->second;
  e.live = std::max<std::int64_t>(0, e.live + change);
  e.used = now;
}

Status ReportKeys::forget(db::Db& db, Wall now) {
  std::vector<Name> names;
  {
    const std::lock_guard guard(mutex_);
    for (const Entry& e : entries_)
      if (e.live == 0 && now.ms - e.used.ms > kKeptMs) names.push_back(e.name);
  }
  going_.insert(names.begin(), names.end());
  return delete_rows(db, names);
}

void ReportKeys::forgotten() { drop_all(going_); }

Status ReportKeys::delete_rows(db::Db& db, std::span<const Name> names) {
  std::vector<db::Values> rows;
  rows.reserve(names.size());
  for (const Name& n : names) rows.push_back({std::string_view(n.first), std::string_view(n.second)});
  return db.run_all("DELETE FROM report_key WHERE factory = $1 AND submission = $2", rows);
}

void ReportKeys::put(const Name& name, const SubmissionNews& news, Wall now) {
  auto known = by_name_.find(name);
  if (known == by_name_.end()) {
    entries_.emplace_back().name = name;
    known = by_name_.emplace(name, std::prev(entries_.end())).first;
  } else {
    by_digest_.erase(known->second->digest);
  }
  Entry& e = *known->second;
  e.digest = news.digest;
  e.pilots = news.pilots;
  e.used = now;
  by_digest_[e.digest] = known->second;
}

void ReportKeys::drop(const Name& name) {
  const auto it = by_name_.find(name);
  if (it == by_name_.end()) return;
  by_digest_.erase(it->second->digest);
  entries_.erase(it->second);
  by_name_.erase(it);
}

void ReportKeys::drop_all(std::set<Name>& names) {
  const std::lock_guard guard(mutex_);
  for (const Name& name : names) drop(name);
  names.clear();
}

}  // namespace apf::monitor
