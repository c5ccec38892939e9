// The journal of decisions: JSON lines in <state_dir>/journal/decisions.NNNNNN.jsonl, so that every number the factory
// ever chose can be read and computed again (apf explain, apf replay).
//
//   {"v":2,"k":"config","at":…,"version":"…","chains":[[{"use":"ready","options":{…}},…],…],"queues":{"Q":0,…}}
//   {"v":2,"k":"d","at":…,"q":"Q",…}            a decision in full: it changed, or its n is not 0
//   {"v":2,"k":"r","at":…,"q":"Q","from":…,"count":17}   the last decision of that queue came up 17 times more
//   {"v":2,"k":"dropped","at":…,"count":9}      lines that a full disk cost
//
// Every file begins with a config line and so stands alone. Lines are appended whole; a torn last line (crash, full
// disk) is skipped by the reader. When nothing can be written, lines are dropped and counted: the factory never waits.
//
// Thread-safety: a Journal belongs to one thread (the ledger writer's); the reader is in journal_reader.h.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>

#include "core/event.h"

namespace apf::engine {

struct JournalOptions {
  std::string directory;
  Duration age = seconds{30L * 86400};          // older files are deleted
  std::int64_t size = std::int64_t{256} << 20;  // bytes of all files together
  Duration fold = seconds{600};                 // a count of repeats is written at least this often
};

class Journal {
 public:
  explicit Journal(JournalOptions options);
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  ~Journal();  // writes the counts that are open

  // From now on decisions are made with these chains.
  void config(std::shared_ptr<const core::Config> config, Wall now);
  void append(std::span<const core::Decision> decisions, Wall now);
  void flush(Wall now);  // writes the open counts of repeats

  // Lines lost since the journal could last be written; 0: all is well.
  [[nodiscard]] std::int64_t dropped() const { return dropped_; }
  [[nodiscard]] const std::string& trouble() const { return trouble_; }  // why; empty: all is well
  [[nodiscard]] std::string file() const;

 private:
  struct Last {  // of a queue: what repeats are compared with
    std::size_t hash = 0;
    std::int64_t repeats = 0;
    Wall from, at;
  };
  void add(const core::Decision& d);
  void count_line(const std::string& queue, Last& last);
  void write(Wall now);
  bool open(Wall now);
  void lose(std::int64_t lines, int error);
  void rotate(Wall now);
  void clean(Wall now) const;
  [[nodiscard]] std::string name(std::uint64_t number) const;

  JournalOptions options_;
  std::shared_ptr<const core::Config> config_;
  std::string pending_;  // lines to write
  std::int64_t pending_lines_ = 0;
  std::unordered_map<std::string, Last> last_;
  std::uint64_t number_ = 0;  // of the current file
  int fd_ = -1;
  std::int64_t written_ = 0;  // bytes in the current file
  bool torn_ = false;         // the file may end within a line
  std::int64_t dropped_ = 0;
  std::string trouble_;
};

// The files of a journal, oldest first.
std::vector<std::string> journal_files(const std::string& directory);

}  // namespace apf::engine
