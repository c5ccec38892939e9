#include "jobqueue/tokens.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "jobqueue/secret.h"

namespace apf::jobqueue {
namespace {

tl::unexpected<Error> bad_file(const std::string& file, std::string what, std::string advice = {}) {
  return fail(Kind::config, "jobqueue.bad_token_file", std::move(what), file, std::move(advice));
}

// A name is only ever linked to a whole token: a crash leaves none half written.
Status make(const std::string& file) {
  auto token = random_secret();
  if (!token) return fail(std::move(token.error()));
  *token += '\n';
  const std::string fresh = file + ".new";
  unlink(fresh.c_str());
  const int fd = open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return bad_file(fresh, std::string("can't be made: ") + std::strerror(errno));
  const bool written = write(fd, token->data(), token->size()) == static_cast<ssize_t>(token->size()) && fsync(fd) == 0;
  close(fd);
  if (!written || rename(fresh.c_str(), file.c_str()) != 0)
    return bad_file(file, std::string("can't be written: ") + std::strerror(errno));
  return {};
}

Result<std::string> read_token(const std::string& file) {
  const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return bad_file(file, std::string("can't be read: ") + std::strerror(errno));
  struct stat st{};
  std::array<char, 512> text{};
  const bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
  const ssize_t n = regular ? read(fd, text.data(), text.size()) : -1;
  close(fd);
  if (n < 0) return bad_file(file, "is not a readable file");
  if ((st.st_mode & 077U) != 0) return bad_file(file, "others may read it", "chmod 600");
  std::string token(text.data(), static_cast<std::size_t>(n));
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' ')) token.pop_back();
  if (token.size() < 32 || token.find_first_of(" \t\r\n") != std::string::npos)
    return bad_file(file, "holds no token of at least 32 characters", "remove it: a new one is made at the next start");
  return token;
}

}  // namespace

Scope Tokens::scope(std::string_view authorization) const {
  constexpr std::string_view bearer = "Bearer ";
  if (!authorization.starts_with(bearer)) return Scope::nobody;
  const std::string_view token = authorization.substr(bearer.size());
  Scope found = Scope::nobody;  // all three are compared always
  if (same_secret(token, read)) found = Scope::read;
  if (same_secret(token, pilot)) found = Scope::pilot;
  if (same_secret(token, submit)) found = Scope::submit;
  return found;
}

bool allows(Scope has, Scope needed) {
  if (needed == Scope::anybody) return true;
  return has == needed || (has == Scope::submit && needed == Scope::read);
}

Result<Tokens> load_tokens(const std::string& directory) {
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return bad_file(directory, std::string("can't be made: ") + std::strerror(errno));
  Tokens tokens;
  for (const auto& [scope, to] : {std::pair<const char*, std::string*>{"submit", &tokens.submit},
                                  {"pilot", &tokens.pilot},
                                  {"read", &tokens.read}}) {
    const std::string file = directory + "/" + scope + ".token";
    if (access(file.c_str(), F_OK) != 0)
      if (auto ok = make(file); !ok) return fail(std::move(ok.error()));
    auto token = read_token(file);
    if (!token) return fail(std::move(token.error()));
    *to = std::move(*token);
  }
  return tokens;
}

}  // namespace apf::jobqueue
