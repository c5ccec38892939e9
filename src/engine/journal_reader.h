// Reads the journal: for `apf explain`, the API and replay. Lines that are torn, not JSON or of a later version are
// counted and skipped.
//
// Thread-safety: pure functions on files; safe beside the writing Journal.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "apf/queue.h"
#include "core/event.h"

namespace apf::engine {

struct JournalFilter {
  std::string queue;  // empty: all
  Wall since, until;  // 0: no bound
};

// The chains that a configuration line declares: version -> queue -> steps.
struct JournalConfig {
  std::string version;
  std::vector<std::vector<StepSpec>> chains;
  std::map<std::string, std::size_t> queues;  // -> index in chains
};

// What a file holds, in its order. A handler that is not set skips its lines.
struct JournalHandlers {
  std::function<void(const JournalConfig&)> config;
  std::function<void(const core::Decision&)> decision;
  std::function<void(const std::string& queue, Wall from, Wall to, std::int64_t count)> repeats;
};

struct JournalCount {
  std::int64_t lines = 0, unreadable = 0, dropped = 0;
};

// One file, or all files of a journal's directory. Kind::config "journal.cannot_read".
Result<JournalCount> read_journal(const std::string& path, const JournalFilter& filter,
                                  const JournalHandlers& handlers);

// One line (fuzzed). False: not a line that we can read.
bool read_journal_line(std::string_view line, const JournalFilter& filter, const JournalHandlers& handlers,
                       JournalCount& count);

// A queue's last decisions, newest first. Reads files from the newest backwards, and no more than it needs.
struct DecisionEntry {
  core::Decision decision;
  std::int64_t repeats = 0;  // how often it came up again
  Wall last;                 // when it last did
};
std::vector<DecisionEntry> last_decisions(const std::string& directory, const std::string& queue, std::size_t most);

}  // namespace apf::engine
