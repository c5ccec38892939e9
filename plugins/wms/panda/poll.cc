#include <algorithm>
#include <array>
#include <charconv>

#include "panda.h"

namespace apf::panda {
namespace {

namespace api = protocol::panda;

constexpr Duration kReserve = seconds{5};          // of the deadline, that a long poll leaves for its answer
constexpr Duration kLeastGap = milliseconds{100};  // between answers of a server that always has news
constexpr std::size_t kBodyCap = std::size_t{64} << 20U;

std::string header(const HttpReply& reply, const char* name) {
  const auto it = reply.headers.find(name);
  return it == reply.headers.end() ? std::string() : it->second;
}

// A header that holds a whole number that is not negative and not absurd.
std::optional<std::int64_t> number(const HttpReply& reply, const char* name) {
  const std::string text = header(reply, name);
  std::int64_t n = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (text.empty() || ec != std::errc{} || end != text.data() + text.size() || n < 0 || n > 86'400'000) return {};
  return n;
}

// PanDA's words for "the statistics can't be had": an empty system says the same (R6).
bool may_be_empty(const Error& error) {
  return error.code == "panda.refused" && error.what.find("Database failure") != std::string::npos;
}

}  // namespace

std::optional<JobClass> job_class(std::string_view status) {
  // As in AutoPyFactory's mapping of PanDA's states
  constexpr std::array<std::pair<std::string_view, JobClass>, 14> map = {{
      {"activated", JobClass::ready},
      {"pending", JobClass::notready},
      {"defined", JobClass::notready},
      {"assigned", JobClass::notready},
      {"waiting", JobClass::notready},
      {"throttled", JobClass::notready},
      {"starting", JobClass::running},
      {"sent", JobClass::running},
      {"running", JobClass::running},
      {"holding", JobClass::running},
      {"transferring", JobClass::running},
      {"finished", JobClass::done},
      {"failed", JobClass::failed},
      {"cancelled", JobClass::failed},
  }};
  for (const auto& [name, cls] : map)
    if (name == status) return cls;
  return {};
}

Result<HttpReply> PandaWms::get(const std::string& path_and_query, const std::string& etag, Context& context) {
  HttpRequest request;
  request.url = settings_.url + path_and_query;
  request.ca_file = settings_.ca_file;
  request.client_cert = settings_.cert;
  request.client_key = settings_.key;
  request.proxy = settings_.proxy;
  request.body_cap = kBodyCap;
  request.headers = {{"Accept", "application/json"}};  // without it PanDA answers in Python's notation
  if (!etag.empty()) request.headers.emplace_back("If-None-Match", etag);
  if (!settings_.origin.empty()) request.headers.emplace_back("Origin", settings_.origin);
  if (!settings_.token_file.empty()) {
    const auto token = context.credential(settings_.token_file);  // afresh: tokens are renewed
    if (!token) return fail(token.error());
    request.headers.emplace_back("Authorization", "Bearer " + *token);
  }
  auto reply = context.http(request);
  if (!reply && reply.error().kind == Kind::uncertain) reply.error().kind = Kind::transient;  // a GET changes nothing
  return reply;
}

Result<PandaWms::Stats> PandaWms::read_stats(const HttpReply& reply, bool conditional) {
  Stats s;
  s.etag = header(reply, "etag");
  s.sites_tag = header(reply, "x-apf-sites");
  const auto lag = number(reply, "x-apf-lag");
  if (lag) s.lag = seconds{*lag};
  s.waited = milliseconds{number(reply, "x-apf-waited").value_or(0)};
  pushes_ = lag && !s.etag.empty();
  if (reply.status == 304 && conditional) {
    if (header(reply, "x-apf-waited").empty()) pushes_ = false;  // somebody between us answers at once: don't spin
    s.unchanged = true;
    s.sites_tag = sites_tag_;
    return s;
  }
  auto cells = api::read_detailed_stats(reply.status, reply.body);
  if (!cells) return fail(std::move(cells.error()));
  s.cells = std::move(*cells);
  return s;
}

// A whole number of them, as the server wants it.
std::int64_t PandaWms::wait_seconds(Mono deadline) const {
  const Duration left = deadline - mono_now();
  const Duration most = std::min(settings_.longest_wait, left - std::min<Duration>(kReserve, left / 4));
  return std::chrono::duration_cast<seconds>(most).count();
}

// Waits for a change when the server can, and we still hold what the cursor stands for.
Result<PandaWms::Stats> PandaWms::stats(const std::string& cursor, Context& context) {
  std::string path = api::kDetailedStats;
  std::string etag;
  const std::int64_t wait = wait_seconds(context.deadline());
  can_wait_ = wait > 0;
  if (pushes() && !cursor.empty() && cursor == etag_) {
    if (const Duration gap = kLeastGap - (mono_now() - answered_at_); gap > Duration{}) context.sleep(gap);
    etag = etag_;
    path += "?wait=" + std::to_string(wait);
  }
  const auto reply = get(path, etag, context);
  answered_at_ = mono_now();
  if (!reply) return fail(reply.error());
  return read_stats(*reply, !etag.empty());
}

// R6: PanDA refuses in the same words when it has no jobs and when its database fails. It is zero only when a call
// that needs the database succeeds just before and just after a second refusal.
Result<PandaWms::Stats> PandaWms::stats_or_zero(const std::string& cursor, Context& context) {
  auto first = stats(cursor, context);
  if (first || !may_be_empty(first.error())) return first;
  if (auto ok = fetch_sites(context); !ok) return first;
  auto second = stats("", context);
  if (second || !may_be_empty(second.error())) return second;
  if (auto ok = fetch_sites(context); !ok) return second;
  Stats zero;
  zero.proven_empty = true;
  return zero;
}

Status PandaWms::fetch_sites(Context& context) {
  const auto reply = get(std::string(api::kSiteSpecs) + "?type=all", "", context);
  if (!reply) return fail(reply.error());
  auto sites = api::read_site_specs(reply->status, reply->body);
  if (!sites) return fail(std::move(sites.error()));
  sites_.clear();
  for (auto& site : *sites) sites_.emplace_back(std::move(site.name), std::move(site.status));
  sites_tag_ = header(*reply, "x-apf-sites");
  sites_known_ = true;
  sites_at_ = mono_now();
  return {};
}

// A server that tells when specs change is asked then; another one after the interval. Old specs are better than no
// view, none at all are not: they say which sites must get no pilots.
Status PandaWms::refresh_sites(const std::string& sites_tag, Context& context) {
  const bool told = !sites_tag.empty();
  const bool fresh = told ? sites_tag == sites_tag_ : mono_now() - sites_at_ < settings_.specs_interval;
  if (sites_known_ && fresh) return {};
  const auto done = fetch_sites(context);
  if (done) return {};
  Error error = done.error();
  error.what = "the status of sites can't be read: " + error.what;
  if (!sites_known_) return fail(std::move(error));
  context.log(Level::warning, error.text() + "; the last one is used, " + human(mono_now() - sites_at_) + " old");
  return {};
}

void PandaWms::add_cell(const api::Cell& cell, std::vector<Demand>& out, Context& context) {
  Demand d;
  d.wms_queue = cell.site;
  d.job_label = cell.label;
  d.resource_type = cell.resource_type;
  const std::array<std::int64_t*, 5> counters = {&d.notready, &d.ready, &d.running, &d.done, &d.failed};
  for (const auto& [status, n] : cell.jobs) {
    if (const auto cls = job_class(status))
      *counters[static_cast<std::size_t>(*cls)] += n;
    else if (unknown_statuses_.insert(status).second)
      context.log(Level::warning, "jobs of the unknown PanDA status '" + status + "' are not counted");
  }
  out.push_back(std::move(d));
}

View<DemandData> PandaWms::view_of(const Stats& s, std::span<const std::string> wms_queues, Mono asked, Wall asked_wall,
                                   Context& context) {
  View<DemandData> view;
  const auto wanted = [&](const std::string& queue) {
    return wms_queues.empty() || std::find(wms_queues.begin(), wms_queues.end(), queue) != wms_queues.end();
  };
  for (const api::Cell& cell : cells_)
    if (wanted(cell.site)) add_cell(cell, view.data.cells, context);
  view.data.sites = sites_;
  view.data.lag = s.lag - s.waited;
  view.as_of.ms = asked_wall.ms - std::chrono::duration_cast<milliseconds>(view.data.lag).count();
  view.complete = true;
  view.cursor = etag_;
  view.evidence = settings_.url + ": " + std::to_string(cells_.size()) + " cells, " + std::to_string(sites_.size()) +
                  " sites, in " + human(mono_now() - asked);
  if (s.unchanged) view.evidence += ", unchanged";
  if (s.proven_empty) view.evidence += ", no statistics though the database answers: no jobs";
  return view;
}

Result<View<DemandData>> PandaWms::poll(std::span<const std::string> wms_queues, const std::string& cursor,
                                        Context& context) {
  const Mono asked = mono_now();
  const Wall asked_wall = wall_now();
  auto s = stats_or_zero(cursor, context);
  if (!s) {
    if (s.error().where.empty()) s.error().where = settings_.url + api::kDetailedStats;
    return fail(std::move(s.error()));
  }
  if (!s->unchanged) {
    cells_ = std::move(s->cells);
    etag_ = s->etag;
  }
  if (auto ok = refresh_sites(s->sites_tag, context); !ok) {
    etag_.clear();
    Error error = ok.error();
    if (error.where.empty()) error.where = settings_.url + api::kSiteSpecs;
    return fail(std::move(error));
  }
  return view_of(*s, wms_queues, asked, asked_wall, context);
}

}  // namespace apf::panda
