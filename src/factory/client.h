// The command line's way to the daemon: the API over the Unix socket in the state directory.
//
// Thread-safety: one thread.
#pragma once

#include <iosfwd>
#include <string>

#include "apf/result.h"

namespace apf::factory {

// Where the daemon is: --state-dir, else the environment's APF_STATE_DIR, else what --config says.
struct Target {
  std::string config = "/etc/apf/apf.toml";
  std::string state_dir;
  bool json = false;  // answer as the API does
};

// Kind::config "client.no_config" when no state directory can be told.
Result<std::string> find_state_dir(const Target& target);
// The factory.state_dir of a configuration, without checking the rest: the command line works beside a broken file.
Result<std::string> state_dir_of(const std::string& config_file);

// The API's answer. Kind::transient "client.not_running" when no daemon listens; what the API says otherwise.
Result<std::string> ask(const Target& target, const std::string& path);
Result<std::string> order(const Target& target, const std::string& path, const std::string& body);

// Prints an error as people (or, with --json, tools) want it; returns the exit code: 2 for mistakes of the caller,
// 3 when the daemon does not run, else 1.
int complain(const Target& target, const Error& error, std::ostream& out, std::ostream& err);

}  // namespace apf::factory
