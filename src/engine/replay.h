// Computes journalled decisions again: the chains as the journal recorded them, the inputs as they were, and the same
// pure fold. Any difference is a defect (or a journal of a program with other formulas), and is shown.
//
// Thread-safety: pure function of the files and the registry.
#pragma once

#include <functional>
#include <string>

#include "apf/registry.h"
#include "engine/journal_reader.h"

namespace apf::engine {

// The chain of these steps. Kind::config "config.unknown_plugin", or what the plug-in says of its options.
Result<core::Chain> make_chain(const std::vector<StepSpec>& steps, const Registry& registry);

struct ReplayResult {
  std::int64_t decisions = 0, equal = 0, different = 0, skipped = 0;  // skipped: their configuration is not there
  JournalCount journal;
};

// `differs` is called with each decision that came out otherwise, and what came out now.
Result<ReplayResult> replay(const std::string& path, const JournalFilter& filter, const Registry& registry,
                            const std::function<void(const core::Decision&, const core::Decision&)>& differs);

}  // namespace apf::engine
