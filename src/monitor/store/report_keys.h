// Keys with which pilots report here directly: a factory tells the SHA-256 of the key of each of its submissions, a
// pilot shows the key itself (docs/monitor.md).
//
// A key is forgotten an hour after it was told or the last live pilot of its submission went, whichever is later; and
// when there are too many: the oldest go.
// Thread-safety: find() and size() from any thread; the rest belongs to the writer's.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "db/db.h"
#include "monitor/model.h"

namespace apf::monitor {

class ReportKeys {
 public:
  struct Owner {
    std::string factory;
    ReportKey key;
  };
  explicit ReportKeys(std::size_t most = 1'000'000) : most_(most) {}

  // Whose key has this SHA-256 (hex)?
  [[nodiscard]] std::optional<Owner> find(const std::string& digest) const;
  [[nodiscard]] std::size_t size() const;

  Status load(db::Db& db, Wall now);
  // Rows of those that are new or changed, in the open transaction; find() knows them once that is saved().
  Status save(db::Db& db, const std::string& factory, std::span<const SubmissionNews> all, Wall now);
  void saved(Wall now);
  void undo();
  // So many live pilots more, or fewer, of a submission that may have no key.
  void live(const std::string& factory, const std::string& submission, int change, Wall now);
  // Deletes what is past its time, in the open transaction; forgotten() once that is committed.
  Status forget(db::Db& db, Wall now);
  void forgotten();

 private:
  using Name = std::pair<std::string, std::string>;  // factory, submission
  struct Entry {
    Name name;
    std::string digest;
    std::uint32_t pilots = 0;
    std::int64_t live = 0;
    Wall used;  // told, or had a live pilot
  };
  using Place = std::list<Entry>::iterator;
  Status delete_rows(db::Db& db, std::span<const Name> names);
  void put(const Name& name, const SubmissionNews& news, Wall now);  // mutex_ is held
  void drop(const Name& name);                                       // mutex_ is held
  void drop_all(std::set<Name>& names);

  const std::size_t most_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;                          // guarded by mutex_; oldest first
  std::map<Name, Place> by_name_;                     // guarded by mutex_
  std::unordered_map<std::string, Place> by_digest_;  // guarded by mutex_
  // Of the open transaction.
  std::map<Name, SubmissionNews> fresh_;
  std::set<std::string> fresh_digests_;
  std::set<Name> going_;
};

}  // namespace apf::monitor
