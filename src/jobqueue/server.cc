#include "jobqueue/server.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "apf/loopback.h"
#include "serve/address.h"

namespace apf::jobqueue {
namespace {

constexpr std::size_t kBodyLimit = std::size_t{32} << 20U;
constexpr std::size_t kMostQueued = 20000;
constexpr std::size_t kGroup = 1000;  // calls that share a commit
// Deadlines count suspend (BOOTTIME), waiting does not: so it never waits long.
constexpr Duration kLongestSleep = seconds{5};

Now now() { return {mono_now(), wall_now()}; }

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const ServerSettings& settings) {
  if (!settings.tls.wanted() && !is_loopback(settings.address))
    return fail(Kind::config, "jobqueue.not_loopback",
                "without TLS the job queue listens on loopback only: tokens must not cross a network in plain text",
                settings.address, "give it a certificate (--tls-certificate), or use 127.0.0.1");
  if (!settings.tls.wanted() && !(settings.tls.client_ca.empty() && settings.tls.key.empty()))
    return fail(Kind::config, "net.bad_tls", "a key or a CA for clients, but no certificate of this server", {},
                "add --tls-certificate");
  std::unique_ptr<Server> server(new Server(settings));
  if (auto ok = server->prepare(); !ok) return fail(std::move(ok.error()));
  if (auto ok = server->listen(); !ok) return fail(std::move(ok.error()));
  return server;
}

Status Server::prepare() {
  const std::string& data = settings_.data;
  auto dir = serve::DataDir::open(data, "apf-jobqueue");
  if (!dir) return fail(std::move(dir.error()));
  dir_ = std::move(*dir);
  auto tokens = load_tokens(data + "/tokens");
  if (!tokens) return fail(std::move(tokens.error()));
  tokens_ = std::move(*tokens);
  auto subjects = load_subjects(data + "/subjects");
  if (!subjects) return fail(std::move(subjects.error()));
  subjects_ = std::move(*subjects);
  auto service = Service::open(data + "/jobs.db", settings_.service, now());
  if (!service) return fail(std::move(service.error()));
  service_ = std::move(*service);
  service_->complain = settings_.log;
  return {};
}

Status Server::listen() {
  net::ServerOptions options;
  options.address = settings_.address == "localhost" ? "127.0.0.1" : settings_.address;
  options.port = settings_.port;
  options.body_limit = kBodyLimit;
  options.tls = settings_.tls;
  options.complain = settings_.log;
  options.admit = [this](const net::Request& head) { return refuse_head(head, tokens_, subjects_); };
  auto http = net::HttpServer::start(
      options, [this](const net::Request& request, net::ReplyPtr reply) { take(request, std::move(reply)); });
  if (!http) return fail(std::move(http.error()));
  http_ = std::move(*http);
  if (auto ok = listen_for_commands(); !ok) return ok;
  worker_ = std::thread([this] { work(); });
  return dir_.publish(settings_.tls.wanted() ? url() : address());
}

// The server's certificate speaks for names of the network; commands on this machine need no names.
Status Server::listen_for_commands() {
  const std::string path = settings_.data + "/socket";
  if (!settings_.tls.wanted()) {
    unlink(path.c_str());
    return {};
  }
  net::ServerOptions options;
  options.unix_path = path;
  options.body_limit = kBodyLimit;
  auto commands = net::HttpServer::start(
      options, [this](const net::Request& request, net::ReplyPtr reply) { take(request, std::move(reply)); });
  if (!commands) return fail(std::move(commands.error()));
  commands_ = std::move(*commands);
  return {};
}

std::string Server::url() const { return (settings_.tls.wanted() ? "https://" : "http://") + address(); }

std::string Server::address() const {
  return serve::url_base(settings_.address == "localhost" ? "127.0.0.1" : settings_.address, http_->port());
}

void Server::take(const net::Request& request, net::ReplyPtr reply) {
  if (auto refused = refuse_caller(request, tokens_, subjects_)) return reply->send(std::move(*refused));
  {
    const std::lock_guard guard(mutex_);
    if (stopping_) return reply->send(failure(503, "the job queue is stopping"));
    if (queue_.size() >= kMostQueued) return reply->send(failure(503, "the job queue is overloaded, try again later"));
    queue_.push_back({request, std::move(reply)});
  }
  changed_.notify_one();
}

void Server::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (queue_.empty() && !stopping_) {
      const Mono t = mono_now();
      changed_.wait_for(lock, std::min<Duration>(service_->next(t) - t, kLongestSleep));
    }
    if (queue_.empty() && stopping_) break;
    std::vector<Incoming> group = std::exchange(queue_, {});
    if (group.size() > kGroup) {
      queue_.assign(std::make_move_iterator(group.begin() + kGroup), std::make_move_iterator(group.end()));
      group.resize(kGroup);
    }
    lock.unlock();
    service_->handle(std::move(group), now());
    lock.lock();
  }
  service_->close();
}

void Server::stop() {
  {
    const std::lock_guard guard(mutex_);
    if (std::exchange(stopping_, true)) return;
  }
  changed_.notify_one();
  if (worker_.joinable()) worker_.join();
  if (!http_) return;
  dir_.withdraw();
  http_->stop();
  if (commands_) commands_->stop();
}

Server::~Server() {
  stop();
  commands_.reset();
  http_.reset();
}

}  // namespace apf::jobqueue
