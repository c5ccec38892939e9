#include "monitor/news/ingest.h"

#include <fmt/format.h>

#include <atomic>
#include <nlohmann/json.hpp>

#include "monitor/news/forms.h"
#include "monitor/news/pair.h"

namespace apf::monitor {
namespace {

using nlohmann::json;

net::Response text(int status, std::string body) {
  net::Response response;
  response.status = status;
  response.type = "text/plain; charset=utf-8";
  response.body = std::move(body) + "\n";
  return response;
}

net::Response refusal(const Error& error) {
  if (error.kind == Kind::transient) return problem(503, error.code, error.what);
  if (error.code == "monitor.bad_body")
    return problem(400, error.code, error.where.empty() ? error.what : error.where + ": " + error.what);
  return problem(500, error.code, error.what);
}

net::Response not_yet() {
  net::Response r = problem(503, "monitor.not_told_yet", "the factory has not told this pilot yet; try again later");
  r.headers["Retry-After"] = "10";
  return r;
}

net::Response overloaded() {
  return problem(503, "monitor.overloaded", "too many news wait to be stored; try again later");
}

void operator+=(Taken& to, const Taken& more) {
  to.new_factory |= more.new_factory;
  to.new_labels += more.new_labels;
  to.created += more.created;
  to.updated += more.updated;
  to.unchanged += more.unchanged;
  to.refused += more.refused;
}

using Answer = std::function<net::Response(const Taken&)>;

// Gives all to the writer and answers once, when the last has been committed.
void take_all(Parts& parts, const net::Request& request, std::vector<News> all, const net::ReplyPtr& reply,
              const Answer& answer) {
  struct Pending {
    std::mutex mutex;
    std::size_t left = 0;
    Taken sum;
    std::optional<Error> error;
  };
  const Caller who = parts.access.caller(request);
  for (const News& news : all)
    if (!who.may_tell(news.factory.name))
      return reply->send(problem(403, "access.other_factory", "this token is not for factory " + news.factory.name));
  if (all.empty()) return reply->send(answer({}));
  const auto pending = std::make_shared<Pending>();
  pending->left = all.size();
  const std::string source = "from " + who.address;
  for (News& news : all) {
    if (!news.labels.empty() || news.factory.started) news.factory.address = who.address;  // not where a pilot runs
    for (PilotNews& pilot : news.pilots) pilot.source = source;
    const auto done = [pending, reply, answer](const Result<Taken>& taken) {
      const std::lock_guard guard(pending->mutex);
      if (taken)
        pending->sum += *taken;
      else
        pending->error = taken.error();
      if (--pending->left == 0) reply->send(pending->error ? refusal(*pending->error) : answer(pending->sum));
    };
    if (!parts.writer.take(std::move(news), done)) return reply->send(overloaded());
  }
}

template <class Read, class Use>
void read_and(const net::Request& request, const net::ReplyPtr& reply, const Read& read, const Use& use) {
  auto got = read(request.body);
  if (!got) return reply->send(refusal(got.error()));
  use(std::move(*got));
}

net::Response created_or_not(const char* what, std::size_t asked, std::int32_t created) {
  const auto rest = static_cast<std::int32_t>(asked) - created;
  return text(created > 0 ? 201 : 200, fmt::format("Created {}/{} {}, {} not created", created, asked, what, rest));
}

std::size_t pilots_in(const std::vector<News>& all) {
  std::size_t n = 0;
  for (const News& news : all) n += news.pilots.size();
  return n;
}
std::size_t labels_in(const std::vector<News>& all) {
  std::size_t n = 0;
  for (const News& news : all) n += news.labels.size();
  return n;
}

net::Response no_such_pair(const char* form) {
  return problem(400, "monitor.bad_path", std::string("expected a path of the form ") + form);
}

struct Ingest {
  Parts& parts;

  void put_factory(const net::Request& r, const net::ReplyPtr& reply) const {
    const std::string name = r.path.substr(std::string_view("/api/factories/").size());
    if (!good_name(name)) return reply->send(no_such_pair("/api/factories/<factory>"));
    read_and(r, reply, read_factory, [&](FactoryNews factory) {
      factory.name = name;
      factory.started = true;
      std::vector<News> all(1);
      all[0].factory = std::move(factory);
      take_all(parts, r, std::move(all), reply, [](const Taken& taken) {
        if (taken.refused > 0) return problem(507, "monitor.too_many", "there are too many factories already");
        return text(taken.new_factory ? 201 : 200, taken.new_factory ? "Factory created" : "Factory updated");
      });
    });
  }

  void put_labels(const net::Request& r, const net::ReplyPtr& reply) const {
    read_and(r, reply, read_labels, [&](std::vector<News> all) {
      const std::size_t asked = labels_in(all);
      take_all(parts, r, std::move(all), reply,
               [asked](const Taken& taken) { return created_or_not("labels", asked, taken.new_labels); });
    });
  }

  void put_jobs(const net::Request& r, const net::ReplyPtr& reply) const {
    read_and(r, reply, read_jobs, [&](std::vector<News> all) {
      const std::size_t asked = pilots_in(all);
      take_all(parts, r, std::move(all), reply,
               [asked](const Taken& taken) { return created_or_not("jobs", asked, taken.created); });
    });
  }

  void post_label(const net::Request& r, const net::ReplyPtr& reply) const {
    auto name = split(std::string_view(r.path).substr(std::string_view("/api/labels/").size()), *parts.board.get());
    if (!name) return reply->send(no_such_pair("/api/labels/<factory>:<label>"));
    read_and(r, reply, read_label_status, [&](LabelNews label) {
      label.name = std::move(name->rest);
      std::vector<News> all(1);
      all[0].factory.name = std::move(name->factory);
      all[0].labels.push_back(std::move(label));
      take_all(parts, r, std::move(all), reply, [](const Taken& taken) {
        return taken.refused > 0 ? problem(507, "monitor.too_many", "there are too many labels already")
                                 : text(200, "Label updated");
      });
    });
  }

  // Of the pilot itself, with its submission's key: the key says which factory it is.
  void post_report(const Caller& who, const net::Request& r, const net::ReplyPtr& reply) const {
    std::string id = r.path.substr(std::min(r.path.size(), ("/api/jobs/" + who.name + ":").size()));
    if (!good_name(id)) return reply->send(no_such_pair("/api/jobs/<factory>:<id>"));
    read_and(r, reply, read_job_state, [&](PilotNews pilot) {
      pilot.id = std::move(id);
      pilot.key = who.key;
      pilot.source = "wrapper " + who.address;
      News news;
      news.factory.name = who.name;
      news.pilots.push_back(std::move(pilot));
      const auto done = [reply](const Result<Taken>& taken) {
        if (!taken) return reply->send(refusal(taken.error()));
        if (taken->not_yet) return reply->send(not_yet());
        if (taken->denied != nullptr) return reply->send(problem(403, "monitor.not_yours", taken->denied));
        reply->send(text(200, taken->unchanged > 0 ? "Known already" : "Job updated"));
      };
      if (!parts.writer.take(std::move(news), done)) reply->send(overloaded());
    });
  }

  void post_job(const net::Request& r, const net::ReplyPtr& reply) const {
    if (const Caller who = parts.access.caller(r); who.role == Role::pilot) return post_report(who, r, reply);
    auto name = split(std::string_view(r.path).substr(std::string_view("/api/jobs/").size()), *parts.board.get());
    if (!name) return reply->send(no_such_pair("/api/jobs/<factory>:<id>"));
    read_and(r, reply, read_job_state, [&](PilotNews pilot) {
      pilot.id = std::move(name->rest);
      const std::string state = monitor::name(pilot.state);
      std::vector<News> all(1);
      all[0].factory.name = std::move(name->factory);
      all[0].pilots.push_back(std::move(pilot));
      take_all(parts, r, std::move(all), reply, [state](const Taken& taken) {
        if (taken.refused > 0) return problem(507, "monitor.too_many", "there are too many factories already");
        return text(200, taken.unchanged > 0 ? "Known already" : "Job updated: " + state);
      });
    });
  }

  void post_news(const net::Request& r, const net::ReplyPtr& reply) const {
    read_and(r, reply, read_news, [&](News news) {
      std::vector<News> all;
      all.push_back(std::move(news));
      take_all(parts, r, std::move(all), reply, [](const Taken& t) {
        net::Response response;
        response.body = json{{"created", t.created}, {"updated", t.updated},   {"unchanged", t.unchanged},
                             {"refused", t.refused}, {"labels", t.new_labels}, {"factory", t.new_factory}}
                            .dump();
        return response;
      });
    });
  }
  // How a sender finds out that its bulk calls are understood here.
  void get_news(const net::Request& /*r*/, const net::ReplyPtr& reply) const {
    net::Response response;
    response.body = json{{"program", "apf-monitor"}, {"version", APF_VERSION}, {"most", kMostAtOnce}}.dump();
    reply->send(std::move(response));
  }
};

}  // namespace

void add_ingest(Router& router, Parts& parts) {
  const auto add = [&](const char* method, const char* path, auto call) {
    router.add(method, path, [ingest = Ingest{parts}, call](const net::Request& r, const net::ReplyPtr& reply) {
      (ingest.*call)(r, reply);
    });
  };
  add("PUT", "/api/factories/", &Ingest::put_factory);
  add("PUT", "/api/labels", &Ingest::put_labels);
  add("PUT", "/api/jobs", &Ingest::put_jobs);
  add("POST", "/api/labels/", &Ingest::post_label);
  add("POST", "/api/jobs/", &Ingest::post_job);
  add("GET", "/api/v1/news", &Ingest::get_news);
  add("POST", "/api/v1/news", &Ingest::post_news);
}

}  // namespace apf::monitor
