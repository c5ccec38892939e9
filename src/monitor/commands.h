// The subcommands of apf-monitor: arguments in, exit code out.
//
// Thread-safety: none needed; one command a process.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "apf/result.h"

namespace apf::monitor {

constexpr int kGood = 0;
constexpr int kFailed = 1;
constexpr int kBadInput = 2;  // arguments or files

struct RunArgs {
  std::string config, data;
  std::vector<std::string> listen;
};
int run(const RunArgs& args, std::ostream& err);  // until SIGTERM

struct TokenArgs {
  std::string data, name;
  bool admin = false;
};
int create_token(const TokenArgs& args, std::ostream& out, std::ostream& err);  // writes the token
int revoke_token(const TokenArgs& args, std::ostream& out, std::ostream& err);
int list_tokens(const TokenArgs& args, std::ostream& out, std::ostream& err);

// Writes the error and gives its exit code.
int complain(const Error& error, std::ostream& err);

}  // namespace apf::monitor
