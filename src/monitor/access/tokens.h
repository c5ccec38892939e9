// Who may tell the monitor something: tokens of factories and of administrators, made by `apf-monitor token`.
//
// DIR/tokens holds a line for each (mode 0600): kind, name, time of creation, SHA-256 of the token. The token itself is
// shown once, when it is made, and kept nowhere. A running server sees a change of the file within a second.
//
// Thread-safety: TokenFile from any thread; the rest are pure functions over files.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "apf/result.h"
#include "apf/time.h"

namespace apf::monitor {

enum class TokenKind : std::uint8_t { factory, admin };
const char* name(TokenKind kind);

struct TokenEntry {
  TokenKind kind = TokenKind::factory;
  std::string name;  // of the factory, or of the administrator
  Wall made;
  std::string digest;  // SHA-256 in hex
  bool operator==(const TokenEntry&) const = default;
};

// Errors (config): "token.bad_file", "token.bad_name", "token.unknown"; "secret.no_random".
Result<std::vector<TokenEntry>> read_tokens(const std::string& file);  // a file that is missing: none
// Adds one; several of the same name may be valid, so that it can be exchanged without a gap. Gives the token.
Result<std::string> create_token(const std::string& file, TokenKind kind, const std::string& name, Wall now);
// Removes all of this kind and name; says how many.
Result<int> revoke_tokens(const std::string& file, TokenKind kind, const std::string& name);

// The tokens as the file says at present.
class TokenFile {
 public:
  explicit TokenFile(std::string file) : file_(std::move(file)) {}
  // Whose token is it? Null: nobody's. While the file can't be read, what it held before is valid; trouble() says why.
  [[nodiscard]] std::shared_ptr<const TokenEntry> find(std::string_view token);
  [[nodiscard]] std::string trouble() const;

 private:
  using Entries = std::vector<std::shared_ptr<const TokenEntry>>;
  void look(Mono now);  // mutex_ is held

  const std::string file_;
  mutable std::mutex mutex_;
  Entries entries_;      // guarded by mutex_
  std::string version_;  // guarded by mutex_: what the file looked like
  std::string trouble_;  // guarded by mutex_
  Mono looked_;          // guarded by mutex_
};

}  // namespace apf::monitor
