// The commands that speak to a running server.
#include "jobqueue/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>
#include <thread>

#include "apf/options.h"
#include "apf/time.h"
#include "jobqueue/client.h"
#include "net/http_client.h"

namespace apf::jobqueue {
namespace {

using nlohmann::json;
constexpr std::size_t kCancelAtOnce = 5000;

Result<Client> client_of(const Where& w, const char* scope) {
  return Client::open(w.url, w.data, w.token_file, w.ca, scope);
}

// Text of a member, or "-" for nothing.
std::string text(const json& j, const char* key) {
  const auto it = j.find(key);
  if (it == j.end() || it->is_null()) return "-";
  if (it->is_string()) return it->get_ref<const std::string&>().empty() ? "-" : it->get<std::string>();
  if (it->is_number_float()) return fmt::format("{:.1f}", it->get<double>());
  return it->dump();
}

std::int64_t count(const json& jobs, const char* status) { return jobs.value(status, std::int64_t{0}); }

void show_summary(const json& data, std::ostream& out) {
  out << fmt::format("{:<24} {:<12} {:<10} {:>9} {:>9} {:>9} {:>9} {:>9}  {}\n", "QUEUE", "RESOURCE", "LABEL",
                     "ACTIVATED", "RUNNING", "FINISHED", "FAILED", "CANCELLED", "SITE");
  for (const json& cell : data["cells"]) {
    const json& jobs = cell["jobs"];
    std::int64_t out_now = 0;
    for (const char* s : {"sent", "starting", "running", "holding", "transferring"}) out_now += count(jobs, s);
    out << fmt::format("{:<24} {:<12} {:<10} {:>9} {:>9} {:>9} {:>9} {:>9}  {}\n", text(cell, "site"),
                       text(cell, "resource_type"), text(cell, "label"), count(jobs, "activated"), out_now,
                       count(jobs, "finished"), count(jobs, "failed"), count(jobs, "cancelled"),
                       data["sites"].value(text(cell, "site"), "-"));
  }
}

void show_jobs(const json& jobs, std::ostream& out) {
  out << fmt::format("{:>10} {:<20} {:<12} {:>3} {:>5} {:>8} {:<20} {}\n", "JOB", "QUEUE", "STATUS", "TRY", "EXIT",
                     "WALL", "NODE", "NOTE");
  for (const json& j : jobs)
    if (j.is_object())
      out << fmt::format("{:>10} {:<20} {:<12} {:>3} {:>5} {:>8} {:<20} {}\n", text(j, "PandaID"),
                         text(j, "computingSite"), text(j, "jobStatus"), text(j, "attemptNr"), text(j, "transExitCode"),
                         text(j, "apf_wall_s"), text(j, "modificationHost"), text(j, "pilotErrorDiag"));
}

Result<json> get(const Client& client, const std::string& path) {
  const auto body = client.get(path);
  if (!body) return fail(body.error());
  return json::parse(*body, nullptr, false);
}

std::string list_query(const std::string& queue, const std::string& status, std::int64_t after, std::size_t limit) {
  std::string q = fmt::format("/api/v1/apf/list_jobs?after={}&limit={}", after, limit);
  if (!queue.empty()) q += "&site=" + net::percent_encode(queue);
  if (!status.empty()) q += "&status=" + net::percent_encode(status);
  return q;
}

// Sum over the cells of a queue ("" = all) of the jobs in these statuses.
std::int64_t sum(const json& data, const std::string& queue, std::initializer_list<const char*> statuses) {
  std::int64_t n = 0;
  for (const json& cell : data["cells"])
    if (queue.empty() || cell["site"] == queue)
      for (const char* s : statuses) n += count(cell["jobs"], s);
  return n;
}

// All jobs of a queue that have not ended.
Result<std::vector<std::int64_t>> live_jobs(const Client& reader, const std::string& queue) {
  std::vector<std::int64_t> ids;
  for (const char* s : {"activated", "sent", "starting", "running", "holding", "transferring"}) {
    for (std::int64_t after = 0;;) {
      const auto page = get(reader, list_query(queue, s, after, kCancelAtOnce));
      if (!page) return fail(page.error());
      for (const json& j : *page) ids.push_back(j["PandaID"].get<std::int64_t>());
      if (page->size() < kCancelAtOnce) break;
      after = ids.back();
    }
  }
  return ids;
}

}  // namespace

int complain(const Error& error, std::ostream& err) {
  err << "apf-jobqueue: " << error.text() << "\n";
  if (error.code.starts_with("net.") || error.code == "jobqueue.no_server" || error.code == "panda.http")
    return error.code == "net.address_in_use" ? kBadInput : kNoServer;
  return error.kind == Kind::config || error.code == "panda.bad_request" ? kBadInput : kFailed;
}

int status(const StatusArgs& args, std::ostream& out, std::ostream& err) {
  const auto client = client_of(args.where, "read");
  if (!client) return complain(client.error(), err);
  std::string path = "/api/v1/apf/summary";
  for (std::size_t i = 0; i < args.jobs.size(); ++i)
    path = (i == 0 ? "/api/v1/job/get_description?" : path + "&") + "job_ids=" + std::to_string(args.jobs[i]);
  const auto data = get(*client, path);
  if (!data) return complain(data.error(), err);
  if (args.where.json)
    out << data->dump(2) << "\n";
  else if (args.jobs.empty())
    show_summary(*data, out);
  else
    show_jobs(*data, out);
  const bool unknown =
      data->is_array() && std::any_of(data->begin(), data->end(), [](const json& j) { return j.is_null(); });
  if (unknown) err << "apf-jobqueue: some of these jobs are not known\n";
  return unknown ? kFailed : kGood;
}

int list(const ListArgs& args, std::ostream& out, std::ostream& err) {
  const auto client = client_of(args.where, "read");
  if (!client) return complain(client.error(), err);
  const auto data = get(*client, list_query(args.queue, args.status, args.after, static_cast<std::size_t>(args.limit)));
  if (!data) return complain(data.error(), err);
  if (args.where.json)
    out << data->dump(2) << "\n";
  else
    show_jobs(*data, out);
  return kGood;
}

// Asks at most once a second: what it waits for takes longer, and every job's end changes the summary.
int wait(const WaitArgs& args, std::ostream& out, std::ostream& err) {
  const auto client = client_of(args.where, "read");
  if (!client) return complain(client.error(), err);
  const auto timeout = parse_duration(args.timeout);
  if (!timeout) return complain(timeout.error(), err);
  const Mono until = mono_now() + *timeout;
  for (;;) {
    const auto data = get(*client, "/api/v1/apf/summary");
    if (!data) return complain(data.error(), err);
    const auto live = sum(*data, args.queue, {"activated", "sent", "starting", "running", "holding", "transferring"});
    if (live == 0 || mono_now() > until) {
      const auto bad = sum(*data, args.queue, {"failed", "cancelled"});
      if (args.where.json)
        out << json{{"live", live}, {"finished", sum(*data, args.queue, {"finished"})}, {"failed", bad}}.dump() << "\n";
      else
        out << fmt::format("{} finished, {} failed or cancelled, {} not ended\n", sum(*data, args.queue, {"finished"}),
                           bad, live);
      return live == 0 && bad == 0 ? kGood : kFailed;
    }
    std::this_thread::sleep_for(seconds{1});
  }
}

int cancel(const CancelArgs& args, std::ostream& out, std::ostream& err) {
  const auto client = client_of(args.where, "submit");  // may read, too
  if (!client) return complain(client.error(), err);
  std::vector<std::int64_t> ids = args.jobs;
  if (!args.queue.empty()) {
    const auto live = live_jobs(*client, args.queue);
    if (!live) return complain(live.error(), err);
    ids.insert(ids.end(), live->begin(), live->end());
  }
  std::int64_t killed = 0;
  for (std::size_t at = 0; at < ids.size(); at += kCancelAtOnce) {
    const std::vector<std::int64_t> some(
        ids.begin() + static_cast<std::ptrdiff_t>(at),
        ids.begin() + static_cast<std::ptrdiff_t>(std::min(ids.size(), at + kCancelAtOnce)));
    const auto body = client->post(protocol::panda::kKillJobs, json{{"job_ids", some}}.dump());
    if (!body) return complain(body.error(), err);
    for (const json& one : json::parse(*body, nullptr, false)) killed += one.get<bool>() ? 1 : 0;
  }
  if (args.where.json)
    out << json{{"cancelled", killed}, {"asked", ids.size()}}.dump() << "\n";
  else
    out << fmt::format("{} of {} jobs cancelled; those that run end at their pilot's next report\n", killed,
                       ids.size());
  return killed == static_cast<std::int64_t>(ids.size()) ? kGood : kFailed;
}

int site(const SiteArgs& args, std::ostream& out, std::ostream& err) {
  const bool set = !args.status.empty();
  const auto client = client_of(args.where, set ? "submit" : "read");
  if (!client) return complain(client.error(), err);
  if (set) {
    const auto done = client->post("/api/v1/apf/set_site", json{{"site", args.name}, {"status", args.status}}.dump());
    if (!done) return complain(done.error(), err);
  }
  const auto data = get(*client, "/api/v1/apf/summary");
  if (!data) return complain(data.error(), err);
  json sites = (*data)["sites"];
  if (!args.name.empty()) sites = {{args.name, sites.value(args.name, "unknown")}};
  if (args.where.json) {
    out << sites.dump(2) << "\n";
    return kGood;
  }
  for (const auto& [name, state] : sites.items()) out << fmt::format("{:<24} {}\n", name, state.get<std::string>());
  return kGood;
}

}  // namespace apf::jobqueue
