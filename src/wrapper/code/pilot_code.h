// Which pilot code a pilot runs: versions with weights, where each is fetched from, and what proves that it is the
// right one. From pilots.conf of the tarball:
//
//   # TYPE   VERSION    WEIGHT  CHECK           URL,URL,...
//   pilot3   3.11.5.1   99      sha256:HEX      https://a.example.org/pilot3.tar.gz,file:///cvmfs/x/pilot3.tar.gz
//   pilot3   3.12.0.1   1       ed25519:KEY     https://a.example.org/pilot3-new.tar.gz
//   pilot3   dev        test    none            /cvmfs/x/pilot3-dev
//
// or from the options --wrapperpilotcode [A,B],C, --wrapperpilotcodechecksum and --wrapperpilotcoderatio.
// A version with the weight "test" is taken by test pilots, and by no others.
//
// Thread-safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apf/result.h"
#include "wrapper/options/code_options.h"

namespace apf::wrapper {

struct Check {
  enum class How : std::uint8_t { none, sha256, ed25519 } how = How::none;
  std::string value{};  // 64 lower-case hexadecimal digits, or the 32 bytes of a public key
  bool operator==(const Check&) const = default;
};
// "none", "sha256:HEX" or HEX alone, "ed25519:KEY": base64 of the key's 32 bytes, or the line of its PEM file.
// Error: Kind::config "wrapper.bad_check".
Result<Check> read_check(std::string_view text);
std::optional<std::string> from_base64(std::string_view text);  // empty: it is not

struct Source {
  std::string url{};  // http:, https:, file: or an absolute path
  Check check{};
};
struct PilotVersion {
  std::string type{}, version{};
  std::int64_t weight = 1;
  bool development = false;
  std::vector<Source> sources{};  // tried in this order
};

// Error: Kind::config "wrapper.bad_table".
Result<std::vector<PilotVersion>> read_pilots(std::string_view text);
// What --wrapperpilotcode and its companions say. Error: Kind::config "wrapper.bad_option".
Result<std::vector<PilotVersion>> pilots_of_options(const CodeOptions& options);

// A pilot's place in the order of all pilots: those of one submission are neighbours.
std::uint64_t position_of(std::string_view submission, std::uint64_t index);

// Which of the weights has the turn at this position. Exact: any run of as many positions as the weights' sum gives
// each its weight's share, 50/30/20 of 100; and spread: a light one's turns don't come in a row. (Smooth weighted
// round robin.) The sum is at most kMostWeight; when it is 0 the first one has it.
constexpr std::int64_t kMostWeight = 100000;
std::size_t turn(std::span<const std::int64_t> weights, std::uint64_t position);

// The version of this type whose turn it is: a test pilot takes development versions, where there are any, in turn.
// nullptr: the type has none.
const PilotVersion* choose(std::span<const PilotVersion> versions, std::string_view type, bool test,
                           std::uint64_t position);

}  // namespace apf::wrapper
