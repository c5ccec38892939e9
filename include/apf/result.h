// Errors are values. Every operation that can fail for a reason outside the program returns Result<T>.
//
// Thread-safety: plain values.
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>

namespace apf {

// What the caller may conclude from a failure.
enum class Kind : std::uint8_t {
  config,     // the configuration or the command line is wrong; a person has to change it
  transient,  // surely without effect; trying again later may work
  permanent,  // surely without effect; trying again will not help
  uncertain,  // may have taken effect: settle by looking it up, never just retry (RULES R8)
  bug,        // our own fault
};

// A failure in words an operator can act on: what went wrong, where, and what to do about it.
struct Error {
  Kind kind = Kind::bug;
  std::string code;    // stable, lower-case, dotted: "config.unknown_key"; pinned by a golden file
  std::string what;    // "unknown key 'intervall'"
  std::string where;   // "examples/a.toml:12" or "condor_q"; may be empty
  std::string advice;  // "did you mean 'interval'?"; may be empty

  // "where: what (advice) [code]"; parts that are empty are left out.
  [[nodiscard]] std::string text() const;
};

const char* name(Kind kind);

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

// `return fail(Kind::config, "config.missing_file", ...);`
inline tl::unexpected<Error> fail(Kind kind, std::string code, std::string what, std::string where = {},
                                  std::string advice = {}) {
  return tl::unexpected<Error>(Error{kind, std::move(code), std::move(what), std::move(where), std::move(advice)});
}
inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

}  // namespace apf
