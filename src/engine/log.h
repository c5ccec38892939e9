// The factory's own log: one line a fact, to standard error or a rotated file. spdlog stands behind it, in log.cc only.
//
// Thread-safety: all functions may be called from any thread.
#pragma once

#include <string>
#include <string_view>

#include "apf/context.h"
#include "apf/result.h"

namespace apf::engine {

struct LogOptions {
  std::string file;  // empty: standard error
  Level level = Level::info;
  std::int64_t size = std::int64_t{32} << 20U;  // bytes of one file
  int files = 5;                                // kept, the current one included
};

// Until this is called, messages go to standard error.
Status open_log(const LogOptions& options);
void flush_log();

// `topic` names the part that speaks: "ledger", "batch.pool". Control characters in `message` are masked: it may
// hold what an outside command said.
void log(Level level, std::string_view topic, std::string_view message);

}  // namespace apf::engine
