// Why a queue may submit nothing right now, and the caps outside its chain. For the core only.
#pragma once

#include "core/state.h"

namespace apf::core {

struct Held {
  std::string code, text;  // empty: not held
};
Held held(FactoryState& s, Queue& q, Mono now, Wall shown);

// A cap outside the chain (R3, R5, R6, R13): the most that may be submitted now, and the cap's name.
struct Cap {
  std::int64_t most = kMost;
  std::string name;
  Mono retry = kNever;  // when it may be larger
};
Cap caps(FactoryState& s, std::uint32_t queue, Mono now);
// Of them: at most so many pilots at a time that may be held yet (trial.cc).
Cap trial_cap(FactoryState& s, std::uint32_t queue, Mono now);

// Did the submission fail for want of a good credential, before the batch system was asked?
bool about_credential(std::string_view error_code);

// The hold of that verb which covers the queue, or nothing.
const Hold* hold_on(const FactoryState& s, const Queue& q, std::string_view verb, Wall shown);

}  // namespace apf::core
