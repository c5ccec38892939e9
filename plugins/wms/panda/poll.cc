#include <algorithm>
#include <array>
#include <charconv>

#include "panda.h"

namespace apf::panda {
namespace {

namespace api = protocol::panda;

constexpr Duration kReserve = seconds{5};          // of the deadline, that a long poll leaves for its answer
constexpr Duration kLeastGap = milliseconds{100};  // between answers of a server that always has news
constexpr Duration kAskAgain = seconds{3600};      // for a better form, in case the server was renewed

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

const char* path_of(Form form) {
  switch (form) {
    case Form::plain: return api::kSiteStats;
    case Form::shares: return api::kShareStats;
    default: return api::kDetailedStats;
  }
}
const char* words_of(Form form) {
  switch (form) {
    case Form::plain: return "plain statistics (PanDA before 0.7)";
    case Form::shares: return "statistics by global share";
    default: return "detailed statistics";
  }
}
Result<std::vector<api::Cell>> read_cells(Form form, const HttpReply& reply) {
  switch (form) {
    case Form::plain: return api::read_site_stats(reply.status, reply.body);
    case Form::shares: return api::read_share_stats(reply.status, reply.body);
    default: return api::read_detailed_stats(reply.status, reply.body);
  }
}

bool some_ready(const std::vector<api::Cell>& cells) {
  return std::any_of(cells.begin(), cells.end(), [](const api::Cell& c) {
    const auto at = c.jobs.find("activated");
    return at != c.jobs.end() && at->second > 0;
  });
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

PandaWms::PandaWms(const Settings& settings)
    : settings_(settings), connection_(settings.access), servers_(connection_.servers()) {
  if (settings_.split == Split::share)
    for (Server& one : servers_) one.form = Form::shares;
}

Result<HttpReply> PandaWms::get(const std::string& path_and_query, const std::string& etag, bool one_route,
                                Context& context) {
  Call call;
  call.path = path_and_query;
  call.one_route = one_route;
  call.headers = {{"Accept", "application/json"}};  // without it PanDA answers in Python's notation
  if (path_and_query.starts_with("/api/"))
    call.headers.emplace_back("Content-Type", "application/json");  // until 0.6.0
  if (!etag.empty()) call.headers.emplace_back("If-None-Match", etag);
  return connection_.send(call, context);
}

Result<PandaWms::Stats> PandaWms::read_stats(const HttpReply& reply, bool conditional) {
  Stats s;
  s.etag = header(reply, "etag");
  s.sites_tag = header(reply, "x-apf-sites");
  const auto lag = number(reply, "x-apf-lag");
  if (lag) s.lag = seconds{*lag};
  s.lag += seconds{number(reply, "age").value_or(0)};  // it comes from the cache of a proxy
  s.waited = milliseconds{number(reply, "x-apf-waited").value_or(0)};
  pushes_ = lag && !s.etag.empty();
  if (reply.status == 304 && conditional) {
    if (header(reply, "x-apf-waited").empty()) pushes_ = false;  // somebody between us answers at once: don't spin
    s.unchanged = true;
    s.sites_tag = sites_tag_;
  }
  return s;
}

// A whole number of them, as the server wants it.
std::int64_t PandaWms::wait_seconds(Mono deadline) const {
  const Duration left = deadline - mono_now();
  const Duration most = std::min(settings_.longest_wait, left - std::min<Duration>(kReserve, left / 4));
  return std::chrono::duration_cast<seconds>(most).count();
}

// Waits for a change when the server can, and we still hold what the cursor stands for.
Result<PandaWms::Stats> PandaWms::stats_in(Form form, const std::string& cursor, Context& context) {
  std::string path = path_of(form);
  std::string etag;
  const std::int64_t wait = wait_seconds(context.deadline());
  can_wait_ = wait > 0;
  if (pushes() && !cursor.empty() && cursor == etag_ && !connection_.return_due()) {
    if (const Duration gap = kLeastGap - (mono_now() - answered_at_); gap > Duration{}) context.sleep(gap);
    etag = etag_;
    path += "?wait=" + std::to_string(wait);
  }
  const auto reply = get(path, etag, !etag.empty(), context);
  answered_at_ = mono_now();
  if (!reply) return fail(reply.error());
  auto s = read_stats(*reply, !etag.empty());
  if (!s || s->unchanged) return s;
  auto cells = read_cells(form, *reply);
  if (!cells) return fail(std::move(cells.error()));
  s->cells = std::move(*cells);
  form_ = form;
  return s;
}

// Which form a server has, it says itself ("method ... is forbidden"); anything else that goes wrong changes nothing.
Result<PandaWms::Stats> PandaWms::stats(const std::string& cursor, Context& context) {
  if (server().form == Form::plain && mono_now() - server().plain_since >= kAskAgain) server().form = Form::detailed;
  const Form form = server().form;
  auto s = stats_in(form, cursor, context);
  if (s || s.error().code != "panda.no_method" || form != Form::detailed) return s;
  server().form = Form::plain;
  server().plain_since = mono_now();
  return stats_in(Form::plain, "", context);
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

// Servers before 0.6 have the specs in the old API only; 0.6.0 shows them to nobody without a certificate.
Result<HttpReply> PandaWms::ask_sites(Context& context) {
  if (server().legacy_specs) return get(std::string(api::kLegacySiteSpecs) + "?siteType=all", "", false, context);
  return get(std::string(api::kSiteSpecs) + "?type=all", "", false, context);
}

Status PandaWms::fetch_sites(Context& context) {
  const auto read = [&]() -> Result<std::vector<api::Site>> {
    const auto reply = ask_sites(context);
    if (!reply) return fail(reply.error());
    sites_tag_ = header(*reply, "x-apf-sites");
    return server().legacy_specs ? api::read_legacy_site_specs(reply->status, reply->body)
                                 : api::read_site_specs(reply->status, reply->body);
  };
  auto sites = read();
  const bool other_form = !sites && (sites.error().code == "panda.no_method" ||
                                     sites.error().what.find("SSL secure connection") != std::string::npos);
  if (other_form) {
    server().legacy_specs = !server().legacy_specs;
    Error first = sites.error();
    sites = read();
    if (!sites && sites.error().code == "panda.no_method") sites = fail(std::move(first));
  }
  if (!sites) return fail(std::move(sites.error()));
  sites_.clear();
  for (auto& site : *sites) sites_.emplace_back(std::move(site.name), std::move(site.status));
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
  view.data.tells_labels = view.data.tells_types = form_ != Form::plain;
  view.as_of.ms = asked_wall.ms - std::chrono::duration_cast<milliseconds>(view.data.lag).count();
  view.complete = true;
  view.cursor = etag_;
  view.evidence = connection_.shown() + ", " + words_of(form_) + ": " + std::to_string(cells_.size()) + " cells, " +
                  std::to_string(sites_.size()) + " sites, in " + human(mono_now() - asked);
  if (s.unchanged) view.evidence += ", unchanged";
  if (s.proven_empty) view.evidence += ", no statistics though the database answers: no jobs";
  return view;
}

Duration SameAnswers::seen(bool same_as_before, bool jobs_ready, Mono now) {
  if (!same_as_before || !jobs_ready) since_ = now;
  return std::chrono::duration_cast<seconds>(now - since_);
}

// R2 and R6: while jobs are ready and no number of any site changes, the answer may be as old as the first of its kind.
// Pilots that started since then have perhaps taken those very jobs.
void PandaWms::learn(Stats& s) {
  const Duration age = same_.seen(!s.proven_empty && s.cells == cells_, some_ready(s.cells), mono_now());
  cells_ = std::move(s.cells);
  etag_ = s.etag;
  if (!pushes_) s.lag += std::min(age, settings_.longest_lag);
}

Result<View<DemandData>> PandaWms::poll(std::span<const std::string> wms_queues, const std::string& cursor,
                                        Context& context) {
  const Mono asked = mono_now();
  const Wall asked_wall = wall_now();
  auto s = stats_or_zero(cursor, context);
  if (!s) {
    if (s.error().where.empty()) s.error().where = connection_.server_url() + path_of(server().form);
    return fail(std::move(s.error()));
  }
  if (!s->unchanged) learn(*s);
  if (auto ok = refresh_sites(s->sites_tag, context); !ok) {
    etag_.clear();
    Error error = ok.error();
    if (error.where.empty()) error.where = connection_.server_url() + api::kSiteSpecs;
    return fail(std::move(error));
  }
  return view_of(*s, wms_queues, asked, asked_wall, context);
}

}  // namespace apf::panda
