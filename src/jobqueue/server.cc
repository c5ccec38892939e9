#include "jobqueue/server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace apf::jobqueue {
namespace {

constexpr std::size_t kBodyLimit = std::size_t{32} << 20U;
constexpr std::size_t kMostQueued = 20000;
constexpr std::size_t kGroup = 1000;  // calls that share a commit
// Deadlines count suspend (BOOTTIME), waiting does not: so it never waits long.
constexpr Duration kLongestSleep = seconds{5};

Now now() { return {mono_now(), wall_now()}; }

tl::unexpected<Error> bad_directory(const std::string& directory, const char* what) {
  return fail(Kind::config, "jobqueue.bad_directory", std::string(what) + ": " + std::strerror(errno), directory);
}

// Atomically, so that who waits for the file never reads half an address.
Status write_address(const std::string& file, const std::string& address) {
  const std::string fresh = file + ".new";
  const int fd = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return bad_directory(fresh, "can't be written");
  const std::string line = address + "\n";
  const bool written = write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  close(fd);
  if (!written || rename(fresh.c_str(), file.c_str()) != 0) return bad_directory(file, "can't be written");
  return {};
}

}  // namespace

bool is_loopback(const std::string& address) {
  if (address == "localhost" || address == "::1") return true;
  in_addr v4{};
  return inet_pton(AF_INET, address.c_str(), &v4) == 1 && (ntohl(v4.s_addr) >> 24U) == 127;
}

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
  if (mkdir(data.c_str(), 0700) != 0 && errno != EEXIST) return bad_directory(data, "can't be made");
  lock_ = open((data + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0) return bad_directory(data + "/lock", "can't be opened");
  if (flock(lock_, LOCK_EX | LOCK_NB) != 0)
    return fail(Kind::config, "jobqueue.in_use", "another apf-jobqueue runs on this data directory", data,
                "stop it first, or use another directory");
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
  return write_address(settings_.data + "/address", settings_.tls.wanted() ? url() : address());
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
  const bool v6 = settings_.address.find(':') != std::string::npos;
  const std::string host = settings_.address == "localhost" ? "127.0.0.1" : settings_.address;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(http_->port());
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
  unlink((settings_.data + "/address").c_str());
  http_->stop();
  if (commands_) commands_->stop();
}

Server::~Server() {
  stop();
  commands_.reset();
  http_.reset();
  service_.reset();
  if (lock_ >= 0) close(lock_);
}

}  // namespace apf::jobqueue
