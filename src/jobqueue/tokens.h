// Who may do what: one token a scope, in files that only their owner can read.
//
//   submit  submits and kills jobs, sets the status of sites, reads everything
//   pilot   acquires and updates jobs, nothing else: a payload that finds its pilot's token can't submit work
//   read    statistics, site specs, lists
//
// Thread-safety: plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "apf/result.h"

namespace apf::jobqueue {

enum class Scope : std::uint8_t { nobody, anybody, read, pilot, submit };

struct Tokens {
  std::string submit, pilot, read;

  // Of an Authorization header: "Bearer <token>". nobody: missing or unknown.
  [[nodiscard]] Scope scope(std::string_view authorization) const;
};

// May the holder of `has` make a call that needs `needed`?
bool allows(Scope has, Scope needed);

// Reads DIR/{submit,pilot,read}.token; makes those that are missing, mode 0600. Errors: "serve.bad_token_file".
Result<Tokens> load_tokens(const std::string& directory);

}  // namespace apf::jobqueue
