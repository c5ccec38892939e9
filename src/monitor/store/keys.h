// Whole-number keys of pilots, made from their ids so that no index over texts is needed and pilots that were submitted
// together lie together:
//
//   bits 48..62  number of the factory
//   bits 46..47  form of the id: 0 "CLUSTER.PROC" (HTCondor), 1 "NUMBER", 2 "ARRAY_TASK" (Slurm), 3 any other
//   bits  0..45  form 0 and 2: 30 bits and 16 bits; form 3: a number that the store gives
//
// Thread-safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "monitor/model.h"

namespace apf::monitor {

constexpr FactoryNo kMostFactories = 32767;

// Nothing when the id is of form 3.
std::optional<PilotKey> key_of(FactoryNo factory, std::string_view id);
PilotKey numbered_key(FactoryNo factory, std::int64_t number);  // form 3
bool is_numbered(PilotKey key);
std::int64_t number_of(PilotKey key);  // of a form 3 key
std::string id_of(PilotKey key);       // forms 0 to 2
FactoryNo factory_of(PilotKey key);
// All keys of a factory are in [first, last].
PilotKey first_key(FactoryNo factory);
PilotKey last_key(FactoryNo factory);

}  // namespace apf::monitor
