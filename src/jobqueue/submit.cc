// apf-jobqueue submit: jobs from the command line or from a file of JSON lines.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <span>

#include "apf/options.h"
#include "jobqueue/client.h"
#include "jobqueue/commands.h"
#include "protocol/json_value.h"
#include "serve/secret.h"

namespace apf::jobqueue {
namespace {

namespace panda = protocol::panda;
constexpr std::size_t kAtOnce = 10000;
constexpr int kTries = 5;

tl::unexpected<Error> bad(std::string what, std::string where) {
  return fail(Kind::config, "jobqueue.bad_argument", std::move(what), std::move(where));
}

Status read_seconds(const std::string& value, const char* option, std::int64_t& to) {
  if (value.empty()) return {};
  const auto d = parse_duration(value);
  if (!d) return bad(d.error().what, option);
  to = std::max<std::int64_t>(1, std::chrono::duration_cast<seconds>(*d).count());
  return {};
}

// PanDA counts in MB of 10^6 bytes; a part of one counts as a whole.
Status read_megabytes(const std::string& value, const char* option, std::int64_t& to) {
  if (value.empty()) return {};
  const auto bytes = parse_size(value);
  if (!bytes) return bad(bytes.error().what, option);
  to = (*bytes + 999'999) / 1'000'000;
  return {};
}

std::string numbered(std::string text, std::int64_t i) {
  const std::string number = std::to_string(i);
  for (std::size_t at = 0; (at = text.find("{i}", at)) != std::string::npos; at += number.size())
    text.replace(at, 3, number);
  return text;
}

Result<panda::JobSpec> template_of(const SubmitArgs& a) {
  panda::JobSpec s;
  s.site = a.queue;
  s.name = a.name;
  s.label = a.label;
  s.resource_type = a.resource;
  s.priority = a.priority;
  s.max_attempts = a.attempts;
  s.cores = a.cores;
  s.argv = a.argv;
  if (auto ok = read_seconds(a.walltime, "--walltime", s.walltime_s); !ok) return fail(ok.error());
  if (auto ok = read_seconds(a.cputime, "--cputime", s.cputime_s); !ok) return fail(ok.error());
  if (auto ok = read_megabytes(a.memory, "--memory", s.memory_mb); !ok) return fail(ok.error());
  if (auto ok = read_megabytes(a.disk, "--disk", s.disk_mb); !ok) return fail(ok.error());
  for (const std::string& pair : a.environment) {
    const std::size_t equals = pair.find('=');
    if (equals == 0 || equals == std::string::npos) return bad("expected NAME=VALUE, got '" + pair + "'", "--env");
    s.environment[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return s;
}

// One JSON object a line, by PanDA's names; computingSite may be left to --queue.
Result<std::vector<panda::JobSpec>> jobs_of_file(const SubmitArgs& a) {
  std::ifstream file;
  if (a.from != "-") {
    file.open(a.from);
    if (!file) return bad("can't be read", a.from);
  }
  std::istream& in = a.from == "-" ? std::cin : file;
  std::vector<panda::JobSpec> jobs;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    auto json = nlohmann::json::parse(line, nullptr, false);
    if (json.is_object() && !json.contains("computingSite") && !a.queue.empty()) json["computingSite"] = a.queue;
    auto spec =
        json.is_discarded() ? panda::read_job_spec(line) : panda::read_job_spec(protocol::json_value::dump(json));
    if (!spec) return bad(spec.error().what, a.from + ":" + std::to_string(number));
    jobs.push_back(std::move(*spec));
  }
  if (jobs.empty()) return bad("holds no job", a.from);
  return jobs;
}

Result<std::vector<std::int64_t>> send(const Client& client, std::span<const panda::JobSpec> jobs) {
  const auto id = serve::random_secret();
  if (!id) return fail(id.error());
  const auto body = client.post_again(panda::kSubmitJobs,
                                      panda::write_submit({id->substr(0, 32), {jobs.begin(), jobs.end()}}), kTries);
  if (!body) return fail(body.error());
  return panda::read_submitted(200, panda::write_success(*body));
}

void show(const std::vector<std::int64_t>& ids, bool json, std::ostream& out) {
  if (json)
    out << nlohmann::json{{"jobs", ids}}.dump() << "\n";
  else if (ids.size() == 1)
    out << fmt::format("submitted job {}\n", ids.front());
  else
    out << fmt::format("submitted {} jobs: {} to {}\n", ids.size(), ids.front(), ids.back());
}

}  // namespace

Result<std::vector<panda::JobSpec>> jobs_of(const SubmitArgs& args) {
  if (!args.from.empty()) return jobs_of_file(args);
  if (args.queue.empty()) return bad("the queue is missing", "--queue");
  if (args.argv.empty()) return bad("the program is missing: submit --queue Q -- program args...", "submit");
  if (args.count < 1 || args.count > 10'000'000) return bad("must be 1 to 10000000", "--count");
  const auto base = template_of(args);
  if (!base) return fail(base.error());
  std::vector<panda::JobSpec> jobs(static_cast<std::size_t>(args.count), *base);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const auto n = static_cast<std::int64_t>(i);
    jobs[i].name = numbered(base->name, n);
    for (std::string& word : jobs[i].argv) word = numbered(std::move(word), n);
    for (auto& [name, value] : jobs[i].environment) value = numbered(std::move(value), n);
  }
  return jobs;
}

int submit(const SubmitArgs& args, std::ostream& out, std::ostream& err) {
  const auto jobs = jobs_of(args);
  if (!jobs) return complain(jobs.error(), err);
  const auto client = Client::open(args.where.url, args.where.data, args.where.token_file, args.where.ca, "submit");
  if (!client) return complain(client.error(), err);
  std::vector<std::int64_t> all;
  for (std::size_t at = 0; at < jobs->size(); at += kAtOnce) {
    const auto ids = send(*client, std::span(*jobs).subspan(at, std::min(kAtOnce, jobs->size() - at)));
    if (!ids) {
      if (!all.empty()) show(all, args.where.json, out);
      return complain(ids.error(), err);
    }
    all.insert(all.end(), ids->begin(), ids->end());
  }
  show(all, args.where.json, out);
  return kGood;
}

}  // namespace apf::jobqueue
