// Runs HTCondor's command-line tools: which program, for which schedd and pool, as which account.
//
// Thread-safety: immutable after construction.
#pragma once

#include <string>
#include <vector>

#include "apf/context.h"
#include "apf/options.h"

namespace apf::htcondor {

struct Account {
  std::string name, home;
  unsigned uid = 0, gid = 0;

  // Root acts for another account: what it makes has to be handed over.
  [[nodiscard]] bool foreign() const;
};

// Which tools, and which schedd: options that all plug-ins of HTCondor have.
inline constexpr OptionSpec kToolsOption{
    .name = "tools", .type = OptionType::path, .doc = "directory of HTCondor's tools; unset: they are on PATH"};
inline constexpr OptionSpec kConfigOption{
    .name = "condor_config", .type = OptionType::path, .doc = "CONDOR_CONFIG for the tools; unset: theirs"};
inline constexpr OptionSpec kScheddOption{.name = "schedd", .doc = "name of the schedd; unset: the local one"};
inline constexpr OptionSpec kPoolOption{
    .name = "pool", .doc = "address of the collector that knows the schedd; unset: the configured one"};

class Tools {
 public:
  // From the options above and 'user'. Errors: Kind::config.
  static Result<Tools> make(const Options& options);

  // Runs `tool` with the options that name schedd and pool, then `arguments`. An error only when it did not start.
  Result<Finished> run(const std::string& tool, const std::vector<std::string>& arguments, Context& context) const;

  // As run(), for tools that change nothing: what is not a full and proper answer is an error (Kind::transient, codes
  // "htcondor.timeout", "htcondor.failed", "htcondor.truncated").
  Result<std::string> query(const std::string& tool, const std::vector<std::string>& arguments, Context& context) const;

  // As query(), without naming schedd and pool: what this machine's configuration says.
  Result<std::string> query_here(const std::string& tool, const std::vector<std::string>& arguments,
                                 Context& context) const;
  // As query(), of the pool's collector.
  Result<std::string> query_pool(const std::string& tool, const std::vector<std::string>& arguments,
                                 Context& context) const;
  [[nodiscard]] const std::string& schedd() const { return schedd_; }  // as configured; empty: the local one
  // What tells this schedd from others: two of equal text are one.
  [[nodiscard]] std::string target() const;

  // The account that tools run as and that must reach the files of a submission; empty name: the factory's own.
  [[nodiscard]] const Account& account() const { return account_; }

 private:
  [[nodiscard]] Result<Finished> start(const std::string& tool, std::vector<std::string> arguments,
                                       Context& context) const;
  static Result<std::string> full_answer(Result<Finished> f, const std::string& tool);

  std::string directory_, schedd_, pool_, config_;
  Account account_;
};

// The lines of a tool's standard error that say something, joined and shortened, for messages.
std::string complaint(const Finished& f);

}  // namespace apf::htcondor
