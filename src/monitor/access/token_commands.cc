// apf-monitor token create|revoke|list: works on the data directory, whether the server runs or not.
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <ostream>

#include "monitor/access/tokens.h"
#include "monitor/commands.h"

namespace apf::monitor {
namespace {

TokenKind kind_of(const TokenArgs& args) { return args.admin ? TokenKind::admin : TokenKind::factory; }
std::string file_of(const TokenArgs& args) { return args.data + "/tokens"; }

}  // namespace

int create_token(const TokenArgs& args, std::ostream& out, std::ostream& err) {
  if (::mkdir(args.data.c_str(), 0700) != 0 && errno != EEXIST)
    return complain(
        {Kind::config, "token.bad_file", std::string("can't be made: ") + std::strerror(errno), args.data, {}}, err);
  const auto token = create_token(file_of(args), kind_of(args), args.name, wall_now());
  if (!token) return complain(token.error(), err);
  out << *token << "\n";
  return kGood;
}

int revoke_token(const TokenArgs& args, std::ostream& out, std::ostream& err) {
  const auto gone = revoke_tokens(file_of(args), kind_of(args), args.name);
  if (!gone) return complain(gone.error(), err);
  out << fmt::format("{} {} token{} of {} revoked\n", *gone, name(kind_of(args)), *gone == 1 ? "" : "s", args.name);
  return kGood;
}

int list_tokens(const TokenArgs& args, std::ostream& out, std::ostream& err) {
  const auto entries = read_tokens(file_of(args));
  if (!entries) return complain(entries.error(), err);
  for (const TokenEntry& e : *entries) out << fmt::format("{:<8} {:<32} {}\n", name(e.kind), e.name, iso8601(e.made));
  return kGood;
}

}  // namespace apf::monitor
