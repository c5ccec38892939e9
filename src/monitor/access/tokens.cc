#include "monitor/access/tokens.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <system_error>

#include "apf/files.h"
#include "config/sha256.h"
#include "net/open_beneath.h"
#include "serve/secret.h"

namespace apf::monitor {
namespace {

constexpr std::size_t kDigest = 64;
constexpr std::size_t kLongestName = 256;

tl::unexpected<Error> bad_file(const std::string& file, std::string what, std::string advice = {}) {
  return fail(Kind::config, "token.bad_file", std::move(what), file, std::move(advice));
}
tl::unexpected<Error> io(const std::string& file, const char* doing) {
  return bad_file(file, std::string("can't be ") + doing + ": " + std::system_category().message(errno));
}

bool good_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

bool hex(std::string_view text) { return text.find_first_not_of("0123456789abcdef") == std::string_view::npos; }

// "factory lab-1 1790000000000 9f86d0..."
Result<TokenEntry> read_line(const std::string& line, const std::string& where) {
  std::istringstream words(line);
  std::string kind, rest;
  TokenEntry e;
  words >> kind >> e.name >> e.made.ms >> e.digest;
  const bool whole = !words.fail() && !(words >> rest);
  if (!whole || (kind != "factory" && kind != "admin") || e.digest.size() != kDigest || !hex(e.digest))
    return bad_file(where, "the line is not KIND NAME TIME SHA-256", "remove it, and make the token anew");
  e.kind = kind == "admin" ? TokenKind::admin : TokenKind::factory;
  return e;
}

Status write_all(const std::string& file, const std::vector<TokenEntry>& entries) {
  std::string text = "# made by apf-monitor token; kind, name, time, SHA-256 of the token\n";
  for (const TokenEntry& e : entries)
    text += std::string(name(e.kind)) + " " + e.name + " " + std::to_string(e.made.ms) + " " + e.digest + "\n";
  return replace_file(file, text);
}

// Two commands at a time change the file one after the other.
class Lock {
 public:
  explicit Lock(const std::string& file)
      : fd_(::open((file + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) {
    if (fd_.get() >= 0) (void)::flock(fd_.get(), LOCK_EX);
  }
  [[nodiscard]] bool held() const { return fd_.get() >= 0; }

 private:
  net::OwnedFd fd_;
};

// What changes when the file does.
std::string version_of(const std::string& file) {
  struct stat st{};
  if (::stat(file.c_str(), &st) != 0) return errno == ENOENT ? "none" : "unknown";
  return std::to_string(st.st_ino) + "." + std::to_string(st.st_size) + "." + std::to_string(st.st_mtim.tv_sec) + "." +
         std::to_string(st.st_mtim.tv_nsec);
}

}  // namespace

const char* name(TokenKind kind) { return kind == TokenKind::admin ? "admin" : "factory"; }

Result<std::vector<TokenEntry>> read_tokens(const std::string& file) {
  struct stat st{};
  if (::stat(file.c_str(), &st) != 0) {
    if (errno == ENOENT) return std::vector<TokenEntry>{};
    return io(file, "read");
  }
  if (!S_ISREG(st.st_mode) || (st.st_mode & 077U) != 0) return bad_file(file, "others may read it", "chmod 600");
  std::ifstream in(file);
  if (!in) return io(file, "read");
  std::vector<TokenEntry> entries;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.empty() || line.front() == '#') continue;
    auto entry = read_line(line, file + ":" + std::to_string(number));
    if (!entry) return fail(std::move(entry.error()));
    entries.push_back(std::move(*entry));
  }
  return entries;
}

Result<std::string> create_token(const std::string& file, TokenKind kind, const std::string& name, Wall now) {
  if (!good_name(name))
    return fail(Kind::config, "token.bad_name", "'" + name + "' can't be a name: at most 256 characters, no blanks");
  const Lock lock(file);
  if (!lock.held()) return io(file + ".lock", "opened");
  auto entries = read_tokens(file);
  if (!entries) return fail(std::move(entries.error()));
  auto token = serve::random_secret();
  if (!token) return fail(std::move(token.error()));
  entries->push_back({kind, name, now, config::sha256_hex(*token)});
  if (auto ok = write_all(file, *entries); !ok) return fail(std::move(ok.error()));
  return token;
}

Result<int> revoke_tokens(const std::string& file, TokenKind kind, const std::string& name) {
  const Lock lock(file);
  if (!lock.held()) return io(file + ".lock", "opened");
  auto entries = read_tokens(file);
  if (!entries) return fail(std::move(entries.error()));
  const auto gone = std::erase_if(*entries, [&](const TokenEntry& e) { return e.kind == kind && e.name == name; });
  if (gone == 0)
    return fail(Kind::config, "token.unknown",
                std::string("there is no ") + monitor::name(kind) + " token of '" + name + "'", file,
                "`apf-monitor token list` shows them");
  if (auto ok = write_all(file, *entries); !ok) return fail(std::move(ok.error()));
  return static_cast<int>(gone);
}

void TokenFile::look(Mono now) {
  if (looked_.ns != 0 && now - looked_ < seconds{1}) return;
  looked_ = now;
  std::string version = version_of(file_);
  if (version == version_) return;
  auto read = read_tokens(file_);
  trouble_ = read ? "" : read.error().text();
  if (!read) return;
  version_ = std::move(version);
  entries_.clear();
  for (TokenEntry& e : *read) entries_.push_back(std::make_shared<const TokenEntry>(std::move(e)));
}

std::shared_ptr<const TokenEntry> TokenFile::find(std::string_view token) {
  const std::string digest = config::sha256_hex(token);
  const std::scoped_lock lock(mutex_);
  look(mono_now());
  const auto it = std::find_if(entries_.begin(), entries_.end(), [&](const auto& e) { return e->digest == digest; });
  return it == entries_.end() ? nullptr : *it;
}

std::string TokenFile::trouble() const {
  const std::scoped_lock lock(mutex_);
  return trouble_;
}

}  // namespace apf::monitor
