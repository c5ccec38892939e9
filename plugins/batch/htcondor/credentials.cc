#include "credentials.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <system_error>

#include "files.h"
#include "htcondor/text.h"
#include "lines.h"

namespace apf::batch_htcondor {
namespace {

namespace fs = std::filesystem;

constexpr Duration kPause = seconds{300};  // between two runs of a queue's command
constexpr Duration kRenew = seconds{60};   // between two looks for renewed credentials
constexpr Duration kProxyLife =
    seconds{86400};                             // unless the queue says otherwise: pending plus running time of a pilot
constexpr Duration kTokenLife = seconds{1200};  // a token serves to submit, and is renewed while pilots wait
constexpr std::int64_t kForgetMs = 7LL * 86400 * 1000;  // a copy that ended so long ago has no pilots left
constexpr std::size_t kLongest = std::size_t{1} << 20U;
constexpr const char* kFolder = "/credential/";
constexpr const char* kProxy = "proxy.pem";
constexpr const char* kToken = "apf-token";
constexpr const char* kSource = "source";

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string shown(const std::string& file, const std::vector<std::string>& command) {
  return file.empty() ? fmt::format("credential_command '{}'", fmt::join(command, " ")) : file;
}

credential::Expected expected(const Options& o, credential::Type type) {
  credential::Expected e;
  e.fqan = o.text_or("credential_fqan", "");
  e.audience = o.text_or("credential_audience", "");
  e.issuer = o.text_or("credential_issuer", "");
  e.scope = o.text_or("credential_scope", "");
  e.min_life = type == credential::Type::proxy ? kProxyLife : kTokenLife;
  if (o.has("credential_min_life")) e.min_life = o.duration("credential_min_life");
  return e;
}

Error at(Error error, const std::string& where) {
  error.kind = Kind::transient;  // it may be renewed at any time
  if (error.where.empty()) error.where = where;
  return error;
}

Result<std::string> answer_of(const std::vector<std::string>& argv, Context& context) {
  Command command;
  command.argv = argv;
  command.output_cap = kLongest;
  const auto failed = [](std::string what) {
    return fail(Kind::transient, "credential.command", std::move(what), "", "run it by hand");
  };
  auto f = context.run(command);
  if (!f) return failed("could not be started: " + f.error().what);
  if (f->timed_out) return failed("gave no credential before the deadline");
  if (f->exit_code != 0) return failed(fmt::format("failed, exit code {}: {}", f->exit_code, htcondor::complaint(*f)));
  if (f->truncated) return failed("printed more than 1 MiB");
  return std::move(f->out);
}

}  // namespace

std::string Credentials::Source::key() const {
  return fmt::format("{:016x}", std::hash<std::string>{}(shown(file, command)));
}

Credentials::Source Credentials::source_of(const Options& submit) {
  Source s;
  s.file = submit.text_or("credential", "");
  if (submit.has("credential_command")) s.command = submit.list("credential_command");
  return s;
}

Result<std::string> Credentials::content(const Source& source, Context& context) {
  if (!source.file.empty()) {
    auto text = context.credential(source.file);
    if (text && text->ends_with('-')) *text += '\n';  // PEM ends with a line break, which was taken off
    return text;
  }
  Last& last = commands_[source.key()];
  if (last.tried.ns != 0 && mono_now() - last.tried < kPause) {
    if (!last.content.empty()) return last.content;
    return fail(Kind::transient, "credential.command", "failed lately, and is run every 5 min at most");
  }
  last.tried = mono_now();
  auto answer = answer_of(source.command, context);
  last.content = answer ? *answer : std::string();
  return answer;
}

Result<Credentials::Copy> Credentials::keep(const std::string& root, const Source& source, const std::string& content,
                                            credential::Type type) const {
  const std::string folder = root + kFolder + source.key();
  for (const std::string& directory : {root, root + "/credential", folder})
    if (auto ok = make_directory(directory, 0700, account_); !ok) return fail(ok.error());
  const bool proxy = type == credential::Type::proxy;
  const std::string path = folder + "/" + (proxy ? kProxy : kToken);
  std::string lines = source.file.empty() ? "command\n" : "file\n" + source.file + "\n";
  for (const auto& word : source.command) lines += word + "\n";
  const auto renew = [&](const std::string& file, const std::string& text) {
    return slurp(file) == text ? Status{} : replace_file(file, text, account_);
  };
  if (auto ok = renew(folder + "/" + kSource, lines); !ok) return fail(ok.error());
  if (auto ok = renew(path, content); !ok) return fail(ok.error());
  return proxy ? Copy{path, ""} : Copy{"", path};
}

Result<Credentials::Copy> Credentials::prepare(const std::string& root, const QueueSpec& queue, Context& context) {
  const Source source = source_of(queue.submit);
  if (source.file.empty() && source.command.empty()) return Copy{};
  const std::string where = shown(source.file, source.command);
  const std::lock_guard lock(mutex_);
  const auto text = content(source, context);
  if (!text) return fail(at(text.error(), where));
  const auto read = credential::read(*text);
  if (!read) return fail(at(read.error(), where));
  const Status good = credential::check(*read, expected(queue.submit, read->type), wall_now());
  if (!good) return fail(at(good.error(), where));
  return keep(root, source, *text, read->type);
}

Credentials::Copy Credentials::place(const std::string& root, const Options& submit) {
  const Source source = source_of(submit);
  if (source.file.empty() && source.command.empty()) return {};
  const std::string folder = root + kFolder + source.key() + "/";
  const auto read = credential::read(slurp(source.file.empty() ? folder + kToken : source.file));
  const bool token = read ? read->type == credential::Type::token : fs::exists(folder + kToken);
  return token ? Copy{"", folder + kToken} : Copy{folder + kProxy, ""};
}

void Credentials::renew_one(const std::string& root, const std::string& folder, Context& context) {
  std::ifstream in(folder + "/" + kSource);
  std::string kind, line;
  Source source;
  std::getline(in, kind);
  while (std::getline(in, line)) kind == "file" ? void(source.file = line) : source.command.push_back(line);
  std::error_code ignored;
  const bool proxy = fs::exists(folder + "/" + kProxy, ignored);
  const std::string have = slurp(folder + "/" + (proxy ? kProxy : kToken));
  const auto old = credential::read(have);
  if (old && old->ends.ms != 0 && wall_now().ms - old->ends.ms > kForgetMs) {
    fs::remove_all(folder, ignored);
    return;
  }
  if (source.file.empty() && source.command.empty()) return;
  const auto text = content(source, context);
  if (!text || *text == have) return;  // what is wrong is told where it is needed: at the next submission
  const auto fresh = credential::read(*text);
  const bool later = fresh && (!old || fresh->ends.ms == 0 || fresh->ends.ms > old->ends.ms);
  if (!later || (fresh->type == credential::Type::proxy) != proxy) return;
  if (const auto kept = keep(root, source, *text, fresh->type); !kept)
    context.log(Level::warning, "a renewed credential could not be kept: " + kept.error().text());
  else
    context.log(Level::info, fmt::format("renewed credential from {}", shown(source.file, source.command)));
}

void Credentials::renew(const std::string& root, Context& context) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock || (renewed_.ns != 0 && mono_now() - renewed_ < kRenew)) return;
  renewed_ = mono_now();
  std::vector<std::string> folders;
  std::error_code error;
  for (fs::directory_iterator it(root + "/credential", error), end; !error && it != end; it.increment(error))
    folders.push_back(it->path().string());
  for (const auto& folder : folders) renew_one(root, folder, context);
}

Status check_credential_options(const Options& submit) {
  const Options& o = submit;
  const bool file = o.has("credential"), command = o.has("credential_command");
  if (file && command) return bad_option("'credential' and 'credential_command' exclude each other");
  if (command && (o.list("credential_command").empty() || !o.list("credential_command")[0].starts_with('/')))
    return bad_option("'credential_command' names no program", "begin it with an absolute path");
  if (command)
    for (const auto& word : o.list("credential_command"))
      if (auto ok = htcondor::check_plain(word, "credential_command"); !ok) return ok;
  constexpr std::array kAbout{"credential_fqan", "credential_audience", "credential_issuer", "credential_scope",
                              "credential_min_life"};
  for (const char* option : kAbout)
    if (o.has(option) && !file && !command)
      return bad_option(fmt::format("'{}' is about a credential, but the queue names none", option),
                        "set 'credential' or 'credential_command'");
  const bool token = o.has("credential_audience") || o.has("credential_issuer") || o.has("credential_scope");
  if (o.has("credential_fqan") && token)
    return bad_option("'credential_fqan' expects a proxy, and another option expects a token");
  return {};
}

}  // namespace apf::batch_htcondor
