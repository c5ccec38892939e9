// The journal's lines as text. Written by hand: a pass may journal a thousand decisions, and a DOM would cost more than
// deciding. Numbers are written so that they read back bit for bit.
//
// Thread-safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "apf/queue.h"
#include "core/config.h"
#include "core/event.h"

namespace apf::engine {

// 2: cycle and ends in the input. Lines of version 1 read as if these were 0 and empty.
constexpr int kJournalVersion = 2;
constexpr int kOldestJournalVersion = 1;  // that can be read

void put_json_string(std::string& out, std::string_view text);
// {"factor":["r",0.5],…}: the type's letter (b i r s d l t) and the value; secrets are left out.
void put_options(std::string& out, const Options& options);
void put_config_line(std::string& out, const core::Config& config, Wall at);
void put_decision_line(std::string& out, const core::Decision& d);
// What makes a decision "the same again": steps (their messages name what they looked at), number, what bound or held
// it. Not its time, pass and number, and not inputs that no step used: else one pilot of any queue would make the
// decisions of all queues new.
std::size_t hash_of(const core::Decision& d);

}  // namespace apf::engine
