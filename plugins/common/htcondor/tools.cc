#include "tools.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

namespace apf::htcondor {
namespace {

Result<Account> account_of(const std::string& name) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 16384> space{};
  if (getpwnam_r(name.c_str(), &entry, space.data(), space.size(), &found) != 0 || found == nullptr)
    return fail(Kind::config, "htcondor.no_account", fmt::format("there is no account '{}'", name), "option 'user'",
                "create it, or leave the option out");
  if (geteuid() != 0 && geteuid() != entry.pw_uid)
    return fail(Kind::config, "htcondor.no_account",
                fmt::format("only root can submit as another account ('{}')", name), "option 'user'",
                "leave the option out");
  return Account{name, entry.pw_dir, entry.pw_uid, entry.pw_gid};
}

tl::unexpected<Error> no_answer(std::string code, std::string what, const std::string& tool, std::string advice = "") {
  return fail(Kind::transient, std::move(code), std::move(what), tool, std::move(advice));
}

}  // namespace

bool Account::foreign() const { return !name.empty() && geteuid() == 0; }

std::string complaint(const Finished& f) {
  std::vector<std::string_view> lines;
  for (std::string_view rest = f.err; !rest.empty();) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r')) line.remove_suffix(1);
    if (!line.empty()) lines.push_back(line);
  }
  return fmt::format("{:.400}", fmt::to_string(fmt::join(lines, " / ")));
}

Result<Tools> Tools::make(const Options& options) {
  Tools t;
  t.directory_ = options.text_or("tools", "");
  t.schedd_ = options.text_or("schedd", "");
  t.pool_ = options.text_or("pool", "");
  t.config_ = options.text_or("condor_config", "");
  if (const std::string user = options.text_or("user", ""); !user.empty()) {
    auto account = account_of(user);
    if (!account) return fail(account.error());
    t.account_ = *account;
  }
  return t;
}

std::string Tools::target() const { return fmt::format("{}\n{}\n{}", schedd_, pool_, config_); }

Result<Finished> Tools::start(const std::string& tool, std::vector<std::string> arguments, Context& context) const {
  Command command;
  if (account_.foreign()) {
    const std::string uid = std::to_string(account_.uid), gid = std::to_string(account_.gid);
    command.argv = {"setpriv", "--reuid", uid, "--regid", gid, "--init-groups", "--"};
    command.environment = {{"HOME", account_.home}, {"USER", account_.name}, {"LOGNAME", account_.name}};
    command.directory.assign(1, '/');  // the factory's own may be closed to that account
  }
  command.argv.push_back(directory_.empty() ? tool : directory_ + "/" + tool);
  std::move(arguments.begin(), arguments.end(), std::back_inserter(command.argv));
  if (!config_.empty()) command.environment["CONDOR_CONFIG"] = config_;
  return context.run(command);
}

Result<Finished> Tools::run(const std::string& tool, const std::vector<std::string>& arguments,
                            Context& context) const {
  std::vector<std::string> all;
  if (!schedd_.empty()) all.insert(all.end(), {"-name", schedd_});
  if (!pool_.empty()) all.insert(all.end(), {"-pool", pool_});
  all.insert(all.end(), arguments.begin(), arguments.end());
  return start(tool, std::move(all), context);
}

Result<std::string> Tools::query(const std::string& tool, const std::vector<std::string>& arguments,
                                 Context& context) const {
  return full_answer(run(tool, arguments, context), tool);
}

Result<std::string> Tools::query_here(const std::string& tool, const std::vector<std::string>& arguments,
                                      Context& context) const {
  return full_answer(start(tool, arguments, context), tool);
}

Result<std::string> Tools::query_pool(const std::string& tool, const std::vector<std::string>& arguments,
                                      Context& context) const {
  std::vector<std::string> all;
  if (!pool_.empty()) all = {"-pool", pool_};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return full_answer(start(tool, std::move(all), context), tool);
}

Result<std::string> Tools::full_answer(Result<Finished> f, const std::string& tool) {
  if (!f) return fail(f.error());
  if (f->timed_out)
    return no_answer("htcondor.timeout", "no answer before the deadline", tool, "is the schedd up and not overloaded?");
  if (f->exit_code != 0)
    return no_answer("htcondor.failed",
                     f->signal != 0 ? fmt::format("ended by signal {}", f->signal)
                                    : fmt::format("exit code {}: {}", f->exit_code, complaint(*f)),
                     tool);
  if (f->truncated) return no_answer("htcondor.truncated", "more output than is read", tool);
  // Some failures to fetch still end with exit code 0; an empty answer with a complaint is no answer.
  if (f->err.find("-- Failed") != std::string::npos || (f->out.empty() && f->err.find("rror") != std::string::npos))
    return no_answer("htcondor.failed", complaint(*f), tool);
  return std::move(f->out);
}

}  // namespace apf::htcondor
