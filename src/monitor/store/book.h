// The monitor's book: what it is told goes into the store, a group in one transaction, and then into the figures of
// memory. Time's work, too: pilots age, old ones go, histories are written down.
//
// A call that fails (disk full, server gone) has changed neither store nor figures; it may be tried again.
// Thread-safety: none; the writer's thread owns it.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "db/db.h"
#include "monitor/pilot.h"
#include "monitor/store/names.h"
#include "monitor/store/report_keys.h"
#include "monitor/store/tally.h"

namespace apf::monitor {

struct BookOptions {
  AgeingRules ageing;
  Limits limits;
  Duration keep_pilots = seconds{7 * 86400};   // after their end
  Duration keep_steps = seconds{2 * 86400};    // figures of five minutes
  Duration keep_hours = seconds{366 * 86400};  // figures of an hour; labels and factories without news go after that
  Duration keep_nodes = seconds{30 * 86400};   // without news
  std::int64_t most_pilots = 5'000'000;        // then the oldest ended ones go earlier
  std::size_t most_keys = 1'000'000;           // of submissions
};

// What became of one News.
struct Taken {
  bool new_factory = false;
  std::int32_t new_labels = 0;
  std::int32_t created = 0;      // pilots that were not known
  std::int32_t updated = 0;      // pilots that it told something new of
  std::int32_t unchanged = 0;    // repetitions
  std::int32_t refused = 0;      // pilots and labels beyond the limits
  bool not_yet = false;          // a pilot with a key that its factory has not told yet
  const char* denied = nullptr;  // why a pilot with a key was not believed
};

struct PilotChange {
  PilotKey key = 0;
  LabelNo label = 0;
  NodeNo node = 0;
  PilotState state = PilotState::created;
  bool created = false;
};

class Book {
 public:
  static Result<std::unique_ptr<Book>> open(const db::Place& place, const BookOptions& options, Wall now);

  // What else is to be done in the transaction, by other parts of the program.
  using Job = std::function<Status(db::Db&)>;
  // `taken` gets one for each of `news`; `changes` what changed.
  Status take(std::span<const News* const> news, std::span<const Job> jobs, Wall now, std::vector<Taken>& taken,
              std::vector<PilotChange>& changes);
  // Pilots that time changes: at most `most`.
  Status age(Wall now, std::size_t most, std::vector<PilotChange>& changes);
  // Writes figures of the last steps down.
  Status write_history(Wall now);
  // Deletes what is past its time, at most `most` pilots. The number of pilots that went.
  Result<std::size_t> forget(Wall now, std::size_t most);

  [[nodiscard]] Tally& tally() { return tally_; }
  [[nodiscard]] const ReportKeys& report_keys() const { return report_keys_; }  // from any thread
  [[nodiscard]] Names& names() { return names_; }

 private:
  struct Work {  // a pilot of the open transaction
    Pilot pilot;
    Brief before;
    bool is_new = false, dirty = false;
    bool another = false;  // its id came back: what other tables have of it is of the earlier one
    std::string live_in;   // before: the submission, of a live one
  };
  using Works = std::map<PilotKey, Work>;

  Book(std::unique_ptr<db::Db> db, const BookOptions& options);
  Status load(Wall now);
  Status in_transaction(const std::function<Status()>& work);
  Status take_inside(std::span<const News* const> news, std::span<const Job> jobs, Wall now, Works& works,
                     std::vector<Taken>& taken);
  KnownFactory* take_factory(const FactoryNews& news, Wall now, Taken& taken);
  void take_label(KnownFactory& factory, const LabelNews& news, Wall now, Taken& taken);
  void take_report(KnownFactory& factory, PilotNews news, PilotKey key, Wall now, Works& works, Taken& taken);
  NodeNo take_node(const PilotNews& news, Wall now);
  void take_pilot(KnownFactory& factory, const PilotNews& news, PilotKey key, Wall now, Works& works, Taken& taken);
  Result<std::vector<PilotKey>> keys_of(std::span<const News* const> news, const std::vector<KnownFactory*>& factories);
  Status load_works(const std::vector<PilotKey>& keys, Works& works);
  // Of pilots that the news tell details of: theirs are added.
  Status load_details(std::span<const News* const> news, const std::vector<PilotKey>& keys, Works& works);
  Status save(const Works& works);
  void settle(const Works& works, Wall now, std::vector<PilotChange>& changes);
  Status forget_names(Wall now);
  Status forget_keys(Wall now);
  void count_live(const Work& work, Wall now);

  std::unique_ptr<db::Db> db_;
  BookOptions options_;
  Names names_;
  Tally tally_;
  ReportKeys report_keys_;
  std::int64_t next_number_ = 1;  // of pilots whose id is no number
};

}  // namespace apf::monitor
