#include "monitor/server.h"

#include <utility>

#include "apf/loopback.h"
#include "monitor/alarms/alarm_routes.h"
#include "monitor/alarms/notify.h"
#include "monitor/news/ingest.h"
#include "monitor/show/health.h"
#include "monitor/show/legacy_read.h"
#include "monitor/show/metrics.h"
#include "monitor/show/pages.h"
#include "monitor/show/read.h"
#include "monitor/store/schema.h"
#include "serve/address.h"

namespace apf::monitor {
namespace {

constexpr int kReaders = 2;
constexpr std::size_t kBodyLimit = std::size_t{4} << 20U;

net::TlsOptions tls_of(const Options& server) {
  net::TlsOptions tls;
  tls.certificate = server.text_or("certificate", "");
  tls.key = server.text_or("key", "");
  tls.client_ca = server.text_or("client_ca", "");
  return tls;
}

db::Place place_of(const Options& store, const std::string& file) {
  return {file, store.text_or("server", ""), kOwner};
}

BookOptions book_of(const Settings& settings) {
  const Options& ageing = settings.section("ageing");
  const Options& keep = settings.section("keep");
  BookOptions o;
  o.ageing.created_stale = ageing.duration("created");
  o.ageing.running_stale = ageing.duration("running");
  o.ageing.exiting_done = ageing.duration("exiting");
  o.ageing.stale_fault = ageing.duration("stale");
  o.keep_pilots = keep.duration("pilots");
  o.keep_hours = keep.duration("hours");
  o.keep_nodes = keep.duration("nodes");
  o.most_pilots = keep.integer("most_pilots");
  return o;
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(ServerOptions options) {
  std::unique_ptr<Server> server(new Server(std::move(options)));
  if (auto ok = server->prepare(); !ok) return fail(std::move(ok.error()));
  return server;
}

Status Server::prepare() {
  auto dir = serve::DataDir::open(options_.data, "apf-monitor");
  if (!dir) return fail(std::move(dir.error()));
  dir_ = std::move(*dir);
  auto links = Links::open(options_.settings.section("links"));
  if (!links) return fail(std::move(links.error()));
  links_ = std::move(*links);
  auto access = Access::open(options_.settings.section("access"), dir_.file("tokens"));
  if (!access) return fail(std::move(access.error()));
  access_ = std::move(*access);
  const db::Place place = place_of(options_.settings.section("store"), dir_.file("monitor.db"));
  WriterOptions writing;
  writing.book = book_of(options_.settings);
  writing.log = options_.log;
  auto writer = Writer::start(place, writing, board_);
  if (!writer) return fail(std::move(writer.error()));
  writer_ = std::move(*writer);
  access_->know(writer_->report_keys());
  auto readers = Readers::start(place, kReaders);
  if (!readers) return fail(std::move(readers.error()));
  readers_ = std::move(*readers);
  parts_ = std::make_unique<Parts>(
      Parts{options_.settings, dir_, board_, *writer_, *readers_, *access_, links_, options_.log});
  add_health(router_, *parts_);
  add_ingest(router_, *parts_);
  add_legacy_read(router_, *parts_);
  if (auto ok = start_alarms(); !ok) return ok;
  add_read(router_, *parts_);
  auto logs = Logs::open(options_.settings.section("logs"), *parts_);
  if (!logs) return fail(std::move(logs.error()));
  logs_ = std::move(*logs);
  logs_->add_to(router_);
  add_pages(router_, *parts_);
  events_ = std::make_unique<Events>(board_, *writer_, links_);
  router_.add("GET", "/api/v1/events",
              [this](const net::Request& request, const net::ReplyPtr& reply) { events_->listen(request, reply); });
  if (auto ok = start_udp(); !ok) return ok;
  const auto& configured = options_.settings.section("server").list("listen");
  for (const std::string& address : options_.listen.empty() ? configured : options_.listen)
    if (auto ok = listen(address); !ok) return ok;
  if (http_.empty())
    return fail(Kind::config, "monitor.no_address", "no address to listen at", "server.listen",
                "write for example listen = [\"127.0.0.1:25580\"]");
  return dir_.publish(options_.settings.section("server").has("certificate") ? url() : addresses_.front());
}

Status Server::start_alarms() {
  const Options& options = options_.settings.section("alarms");
  const std::string url = options.text_or("url", "");
  auto mail = mail_channel(options_.settings.section("mail"), url);
  if (!mail) return fail(std::move(mail.error()));
  auto webhook = webhook_channel(options_.settings.section("webhook"), url);
  if (!webhook) return fail(std::move(webhook.error()));
  Alarms::Ports ports;
  ports.figures = [this] { return board_.get(); };
  ports.file = dir_.file("alarms.json");
  ports.limits = alarm_limits(options);
  ports.log = options_.log;
  if (*mail) ports.channels.push_back({std::move(*mail), options_.settings.section("mail").duration("interval")});
  if (*webhook)
    ports.channels.push_back({std::move(*webhook), options_.settings.section("webhook").duration("interval")});
  alarms_ = std::make_unique<Alarms>(std::move(ports));
  add_alarm_routes(router_, *alarms_, *access_, url);
  const auto own = [this] {
    OwnFigures o{.alarms = alarms_->standing(), .deliveries = alarms_->deliveries(), .access = access_->stats()};
    if (udp_) o.udp = udp_->stats();
    return o;
  };
  add_metrics(router_, [this] { return board_.get(); }, own, url);
  return {};
}

Status Server::start_udp() {
  const Options& options = options_.settings.section("udp");
  if (!options.has("listen")) return {};
  auto udp = Udp::start(options.text("listen"), options.integer("rate"), {board_, *writer_, *readers_, options_.log});
  if (!udp) return fail(std::move(udp.error()));
  udp_ = std::move(*udp);
  return {};
}

Status Server::listen(const std::string& address) {
  auto where = serve::read_address(address, "server.listen");
  if (!where) return fail(std::move(where.error()));
  if (where->address == "localhost") where->address = "127.0.0.1";
  where->tls = tls_of(options_.settings.section("server"));
  if (!where->tls.wanted() && !is_loopback(where->address))
    return fail(Kind::config, "monitor.not_loopback",
                "without TLS the monitor listens on loopback only: tokens must not cross a network in plain text",
                address, "give it a certificate ([server] certificate), or a proxy in front of 127.0.0.1");
  where->body_limit = kBodyLimit;
  where->complain = options_.log;
  where->admit = [this](const net::Request& head) { return access_->refuse(head, mono_now()); };
  auto http = net::HttpServer::start(
      *where, [this](const net::Request& request, net::ReplyPtr reply) { router_.handle(request, std::move(reply)); });
  if (!http) return fail(std::move(http.error()));
  addresses_.push_back(serve::url_base(where->address, (*http)->port()));
  http_.push_back(std::move(*http));
  return {};
}

std::string Server::url() const {
  return (options_.settings.section("server").has("certificate") ? "https://" : "http://") + addresses_.front();
}

void Server::stop() {
  if (http_.empty()) return;
  dir_.withdraw();
  events_->stop();
  readers_->stop();
  logs_->stop();
  udp_.reset();     // after the readers, whose work may be its own
  writer_->stop();  // what came in is answered
  for (const auto& http : http_) http->stop();
  http_.clear();
  alarms_.reset();
}

Server::~Server() { stop(); }

}  // namespace apf::monitor
