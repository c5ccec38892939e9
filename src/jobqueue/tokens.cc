#include "jobqueue/tokens.h"

#include <sys/stat.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "serve/secret.h"
#include "serve/token_file.h"

namespace apf::jobqueue {

Scope Tokens::scope(std::string_view authorization) const {
  constexpr std::string_view bearer = "Bearer ";
  if (!authorization.starts_with(bearer)) return Scope::nobody;
  const std::string_view token = authorization.substr(bearer.size());
  Scope found = Scope::nobody;  // all three are compared always
  if (serve::same_secret(token, read)) found = Scope::read;
  if (serve::same_secret(token, pilot)) found = Scope::pilot;
  if (serve::same_secret(token, submit)) found = Scope::submit;
  return found;
}

bool allows(Scope has, Scope needed) {
  if (needed == Scope::anybody) return true;
  return has == needed || (has == Scope::submit && needed == Scope::read);
}

Result<Tokens> load_tokens(const std::string& directory) {
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return fail(Kind::config, "serve.bad_token_file",
                "can't be made: " + std::error_code(errno, std::generic_category()).message(), directory);
  Tokens tokens;
  for (const auto& [scope, to] : {std::pair<const char*, std::string*>{"submit", &tokens.submit},
                                  {"pilot", &tokens.pilot},
                                  {"read", &tokens.read}}) {
    auto token = serve::read_or_make_token(directory + "/" + scope + ".token");
    if (!token) return fail(std::move(token.error()));
    *to = std::move(*token);
  }
  return tokens;
}

}  // namespace apf::jobqueue
