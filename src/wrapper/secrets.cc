#include "wrapper/secrets.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace apf::wrapper {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kLongest = 64 << 10U;

bool in_working_directory(const std::string& file) {
  std::error_code ignored;
  const fs::path parent = fs::path(file).parent_path();
  return parent.empty() || fs::equivalent(parent, ".", ignored);
}

tl::unexpected<Error> no_credential(std::string what, const std::string& file) {
  return fail(Kind::config, "wrapper.no_credential", std::move(what), file);
}

}  // namespace

Result<std::string> take_secret(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return no_credential(std::string("cannot be read: ") + std::strerror(errno), file);
  std::string text(kLongest, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  if (in_working_directory(file)) ::unlink(file.c_str());
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  while (!text.empty() && blank(text.back())) text.pop_back();
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), blank));
  if (text.empty()) return no_credential("is empty", file);
  // It becomes a line of an HTTP header.
  if (std::any_of(text.begin(), text.end(), [](char c) { return c < 0x20 || c == 0x7f; }))
    return no_credential("holds more than one line or bytes that are not text", file);
  return text;
}

void scrub_environment(bool only_ours) {
  ::unsetenv("APF_REPORT_KEY_FILE");
  if (only_ours) return;
  for (const char* name : {"BEARER_TOKEN", "BEARER_TOKEN_FILE", "PANDA_AUTH_TOKEN"}) ::unsetenv(name);
}

void hide_process() { ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

}  // namespace apf::wrapper
