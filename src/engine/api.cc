#include "engine/api.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <utility>

#include "engine/api_answers.h"
#include "engine/api_orders.h"
#include "engine/api_query.h"
#include "engine/api_worker.h"
#include "engine/log_files.h"
#include "engine/random.h"
#include "protocol/apfmon.h"

namespace apf::engine {
using net::ReplyPtr;
using net::Request;
using net::Response;

class Api::Impl {
 public:
  Impl(ApiPorts ports, ApiOptions options) : ports_(std::move(ports)), options_(std::move(options)) {}

  void handle(const Request& request, const ReplyPtr& reply, Side side);

 private:
  struct Ask {
    const Request& request;
    const ReplyPtr& reply;
    std::string rest;  // of the path, behind the route's own
  };
  using Action = void (Impl::*)(const Ask&);
  struct Route {
    const char* method;
    std::string_view path;  // ends with '/': everything below
    Action action;
    bool operators_only = false;
  };
  static const std::array<Route, 17> kRoutes;

  void status(const Ask& ask);
  void queues(const Ask& ask);
  void queue(const Ask& ask);
  void pilots(const Ask& ask);
  void decisions(const Ask& ask);
  void healthz(const Ask& ask);
  void metrics(const Ask& ask);
  void logs(const Ask& ask);
  void wrapper(const Ask& ask);
  void report(const Ask& ask);
  void hold(const Ask& ask);
  void remove(const Ask& ask);
  void accept_view(const Ask& ask);
  void adopt(const Ask& ask);
  void reload(const Ask& ask);

  [[nodiscard]] Status check_scope(const core::Hold& hold) const;
  [[nodiscard]] Status check_lift(const std::vector<core::Verb>& orders) const;
  Result<core::PilotReported> read_report(const Ask& ask) const;
  [[nodiscard]] std::shared_ptr<const core::FactorySnapshot> factory() const;
  [[nodiscard]] Moment now() const { return {ports_.mono(), ports_.wall()}; }
  void order(core::Event event, const ReplyPtr& reply) const;
  void answer(const ReplyPtr& reply, Response response);
  void answer(const ReplyPtr& reply, const Error& error) { answer(reply, error_response(error)); }
  void work(const ReplyPtr& reply, std::function<Response()> job);

  ApiPorts ports_;
  ApiOptions options_;
  std::mutex mutex_;
  std::map<int, std::int64_t> answers_;  // guarded by mutex_
  std::atomic<std::int64_t> reports_accepted_ = 0, reports_refused_ = 0;
  ApiWorker worker_;  // last: its jobs use the rest
};

const std::array<Api::Impl::Route, 17> Api::Impl::kRoutes{{
    {"GET", "/api/v1/status", &Impl::status},
    {"GET", "/api/v1/queues", &Impl::queues},
    {"GET", "/api/v1/queues/", &Impl::queue},
    {"GET", "/api/v1/pilots", &Impl::pilots},
    {"GET", "/api/v1/decisions", &Impl::decisions},
    {"GET", "/healthz", &Impl::healthz},
    {"GET", "/metrics", &Impl::metrics},
    {"GET", "/logs", &Impl::logs},
    {"GET", "/logs/", &Impl::logs},
    {"GET", "/wrapper/", &Impl::wrapper},
    {"POST", "/apfmon/jobs/", &Impl::report},
    {"POST", "/api/v1/holds", &Impl::hold, true},
    {"POST", "/api/v1/pilots/remove", &Impl::remove, true},
    {"POST", "/api/v1/batch/accept-view", &Impl::accept_view, true},
    {"POST", "/api/v1/adopt", &Impl::adopt, true},
    {"POST", "/api/v1/reload", &Impl::reload, true},
    {"GET", "/", &Impl::status},
}};

void Api::Impl::handle(const Request& request, const ReplyPtr& reply, Side side) {
  const char* other_method = nullptr;
  for (const auto& route : kRoutes) {
    const bool below = route.path.ends_with('/') && route.path.size() > 1;
    if (below ? !request.path.starts_with(route.path) : request.path != route.path) continue;
    if (request.method != route.method) {
      other_method = route.method;
      continue;
    }
    if (route.operators_only && side != Side::operators) {
      return answer(reply, Error{Kind::permanent, "api.forbidden", "orders are taken over the Unix socket only",
                                 request.path, "use the apf command on the factory's host"});
    }
    return (this->*route.action)(
        {request, reply, request.path.substr(below ? route.path.size() : request.path.size())});
  }
  if (other_method == nullptr) return answer(reply, not_found("there is no such page: " + request.path));
  auto response = error_response(
      {Kind::permanent, "api.method", fmt::format("this page takes {} only", other_method), request.path, {}});
  response.headers["Allow"] = other_method;
  answer(reply, std::move(response));
}

void Api::Impl::answer(const ReplyPtr& reply, Response response) {
  {
    const std::scoped_lock lock(mutex_);
    ++answers_[response.status];
  }
  reply->send(std::move(response));
}

void Api::Impl::work(const ReplyPtr& reply, std::function<Response()> job) {
  const bool taken = worker_.run([this, reply, job = std::move(job)] { answer(reply, job()); });
  if (!taken) {
    answer(reply, Error{Kind::transient, "api.busy", "too many questions wait already", {}, "ask again in a second"});
  }
}

std::shared_ptr<const core::FactorySnapshot> Api::Impl::factory() const {
  auto snapshot = ports_.factory();
  if (!snapshot || !ports_.alarms) return snapshot;
  const auto own = ports_.alarms();
  if (own.empty()) return snapshot;
  auto merged = std::make_shared<core::FactorySnapshot>(*snapshot);
  merged->alarms.insert(merged->alarms.end(), own.begin(), own.end());
  return merged;
}

// ---- what is read ----

void Api::Impl::status(const Ask& ask) {
  const auto snapshot = factory();
  if (!snapshot) return answer(ask.reply, not_begun());
  answer(ask.reply, json_response(status_json(*snapshot, ports_.queues(), now())));
}

void Api::Impl::queues(const Ask& ask) { answer(ask.reply, json_response(queues_json(ports_.queues(), now()))); }

void Api::Impl::queue(const Ask& ask) {
  for (const auto& q : ports_.queues()) {
    if (q && q->name == ask.rest) return answer(ask.reply, json_response(queue_json(*q, now())));
  }
  answer(ask.reply, not_found(fmt::format("there is no queue '{}'", ask.rest)));
}

void Api::Impl::pilots(const Ask& ask) {
  auto question = read_pilot_question(ask.request.query);
  if (!question) return answer(ask.reply, question.error());
  work(ask.reply, [this, q = std::move(*question)] {
    auto rows = ports_.pilots(q.filter);
    if (!rows) return error_response(rows.error());
    PilotPage page;
    const auto begin = std::min(q.offset, rows->size());
    const auto end = std::min(begin + q.limit, rows->size());
    const auto at = [&](std::size_t i) {
      return std::make_move_iterator(rows->begin() + static_cast<std::ptrdiff_t>(i));
    };
    if (end < rows->size() && end > begin) page.next = (*rows)[end - 1].no;
    page.pilots.assign(at(begin), at(end));
    return json_response(pilots_json(page));
  });
}

void Api::Impl::decisions(const Ask& ask) {
  auto question = read_decision_question(ask.request.query);
  if (!question) return answer(ask.reply, question.error());
  work(ask.reply,
       [this, q = std::move(*question)] { return json_response(decisions_json(ports_.decisions(q.queue, q.limit))); });
}

void Api::Impl::healthz(const Ask& ask) {
  const auto snapshot = factory();
  const auto found = health(snapshot.get());
  answer(ask.reply, json_response(health_json(found, snapshot.get()), found.ok ? 200 : 503));
}

void Api::Impl::metrics(const Ask& ask) {
  const auto snapshot = factory();
  if (!snapshot) return answer(ask.reply, not_begun());
  ShellStats stats = ports_.stats ? ports_.stats() : ShellStats{};
  stats.reports_accepted = reports_accepted_;
  stats.reports_refused = reports_refused_;
  {
    const std::scoped_lock lock(mutex_);
    stats.http_answers.assign(answers_.begin(), answers_.end());
  }
  Response response;
  response.type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = metrics_text(*snapshot, ports_.queues(), stats, now());
  answer(ask.reply, std::move(response));
}

void Api::Impl::logs(const Ask& ask) {
  const auto& request = ask.request;
  if (options_.log_dir.empty()) return answer(ask.reply, not_found("this factory serves no logs"));
  if (request.path == "/logs") {
    Response response;
    response.status = 301;
    response.headers["Location"] = "logs/";
    return answer(ask.reply, std::move(response));
  }
  if (!ask.rest.empty() && !ask.rest.ends_with('/')) return answer(ask.reply, log_file(options_.log_dir, ask.rest));
  const auto wish = request.query.find("format");
  const bool as_json = wish != request.query.end() && wish->second == "json";
  work(ask.reply, [this, path = ask.rest, as_json] { return log_list(options_.log_dir, path, as_json); });
}

void Api::Impl::wrapper(const Ask& ask) {
  Response response;
  constexpr std::size_t digits = 64;
  if (ask.rest.find_first_not_of("0123456789abcdef") == digits && ask.rest.substr(digits) == ".tar.gz") {
    response.beneath = options_.wrapper_directory;
    response.file = ask.rest;
    response.type = "application/gzip";
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable";
  } else if (ask.rest == "apf-bootstrap.sh") {
    response.file = options_.bootstrap_file;
    response.type = "text/x-shellscript; charset=utf-8";
    response.headers["Cache-Control"] = "public, no-cache";
  }
  if (response.file.empty()) return answer(ask.reply, not_found("there is no such file: " + ask.request.path));
  answer(ask.reply, std::move(response));
}

// ---- what pilots say ----

Result<core::PilotReported> Api::Impl::read_report(const Ask& ask) const {
  namespace apfmon = protocol::apfmon;
  auto id = apfmon::read_job_path("/jobs/" + ask.rest);
  if (!id) return fail(id.error());
  if (id->factory_id != options_.factory_id) return fail(not_found("this is another factory: " + options_.factory_id));
  auto form = apfmon::read_report(ask.request.body);
  if (!form) return fail(form.error());
  const bool trusted =
      !form->submission.empty() && same_secret(ports_.report_key(form->submission), bearer(ask.request));
  if (!trusted) {
    return fail(Kind::permanent, "api.report_refused", "the report's key is not that of its submission", {},
                "pilots find it in the file that APF_REPORT_KEY_FILE names");
  }
  core::PilotReported report;
  report.submission = form->submission;
  report.index = form->index.value_or(0);
  report.batch_id = id->batch_id;
  report.state = apfmon::name(form->state);
  report.rc = form->rc;
  if (form->payloads) report.payloads = static_cast<std::int32_t>(*form->payloads);
  report.payload_started = form->payload_started;
  report.node = form->node;
  report.failure = form->failure;
  report.text = form->text;
  report.keeps = form->keeps.value_or(0);
  report.profile = form->profile;
  return report;
}

void Api::Impl::report(const Ask& ask) {
  auto read = read_report(ask);
  if (!read) {
    ++reports_refused_;
    return answer(ask.reply, read.error());
  }
  ++reports_accepted_;
  ports_.reported(std::move(*read));
  answer(ask.reply, json_response("{\"ok\":true}\n"));
}

// ---- what operators order ----

// What an order names must be there: a misspelt queue would be paused without any effect.
Status Api::Impl::check_scope(const core::Hold& hold) const {
  if (hold.scope == "all") return {};
  const auto colon = hold.scope.find(':');
  const auto kind = hold.scope.substr(0, colon), name = hold.scope.substr(colon + 1);
  bool there = false;
  if (kind == "queue") {
    const auto all = ports_.queues();
    there = std::any_of(all.begin(), all.end(), [&](const auto& q) { return q && q->name == name; });
  } else if (const auto snapshot = ports_.factory()) {
    there = std::any_of(snapshot->sources.begin(), snapshot->sources.end(),
                        [&](const auto& s) { return s.kind == kind && s.name == name; });
  }
  if (!there) return fail(not_found(fmt::format("there is no {} '{}'", kind, name)));
  return {};
}

Status Api::Impl::check_lift(const std::vector<core::Verb>& orders) const {
  const auto snapshot = ports_.factory();
  if (!snapshot) return fail(not_begun());
  for (const auto& order : orders) {
    for (const auto& h : snapshot->holds) {
      if (h.scope == order.hold.scope && h.verb == order.hold.verb) return {};
    }
  }
  return fail(Kind::permanent, "api.nothing_to_lift", "no such hold is in force at this scope",
              orders.front().hold.scope, "apf status shows the holds and their scopes");
}

void Api::Impl::order(core::Event event, const ReplyPtr& reply) const {
  ports_.order(std::move(event), [reply](const Status& done) {
    reply->send(done ? json_response("{\"ok\":true}\n") : error_response(done.error()));
  });
}

void Api::Impl::hold(const Ask& ask) {
  auto orders = read_verb(ask.request.body, user_of(ask.request.peer), ports_.wall());
  if (!orders) return answer(ask.reply, orders.error());
  const bool lift = orders->front().lift;
  if (auto s = lift ? check_lift(*orders) : check_scope(orders->front().hold); !s) return answer(ask.reply, s.error());
  for (std::size_t i = 0; i + 1 < orders->size(); ++i) ports_.order((*orders)[i], [](const Status&) {});
  order(std::move(orders->back()), ask.reply);  // committed after those before it
}

void Api::Impl::remove(const Ask& ask) {
  auto wanted = read_remove(ask.request.body, user_of(ask.request.peer));
  if (!wanted) return answer(ask.reply, wanted.error());
  order(std::move(*wanted), ask.reply);
}

void Api::Impl::accept_view(const Ask& ask) {
  auto wanted = read_accept_view(ask.request.body, user_of(ask.request.peer));
  if (!wanted) return answer(ask.reply, wanted.error());
  core::Hold named;
  named.scope = "batch:" + wanted->batch;
  if (auto s = check_scope(named); !s) return answer(ask.reply, s.error());
  order(std::move(*wanted), ask.reply);
}

void Api::Impl::adopt(const Ask& ask) {
  if (auto s = read_nothing(ask.request.body); !s) return answer(ask.reply, s.error());
  order(core::Adopt{user_of(ask.request.peer)}, ask.reply);
}

void Api::Impl::reload(const Ask& ask) {
  if (auto s = read_nothing(ask.request.body); !s) return answer(ask.reply, s.error());
  work(ask.reply, [this] {
    auto changed = ports_.reload();
    return changed ? json_response(reload_json(*changed)) : error_response(changed.error());
  });
}

Api::Api(ApiPorts ports, ApiOptions options) : impl_(std::make_shared<Impl>(std::move(ports), std::move(options))) {}
Api::~Api() = default;

net::Handler Api::handler(Side side) {
  return [impl = impl_, side](const Request& request, const ReplyPtr& reply) { impl->handle(request, reply, side); };
}

}  // namespace apf::engine
