#include "monitor/news/udp.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <map>
#include <system_error>
#include <utility>

#include "monitor/news/forms.h"
#include "monitor/store/pilots.h"
#include "serve/address.h"

namespace apf::monitor {
namespace {

using protocol::PilotDatagram;
using Kind = PilotDatagram::Kind;

constexpr std::size_t kAtOnce = 256;
constexpr int kPauseMs = 200;  // between two looks at the flag that ends it

constexpr std::array kOptions{
    OptionSpec{.name = "listen", .doc = "address and port of pilot-wrapper's datagrams: 0.0.0.0:28527; unset: none"},
    OptionSpec{.name = "rate",
               .type = OptionType::integer,
               .fallback = "100",
               .doc = "datagrams that an address may send, ten times as many at once",
               .unit = "per second",
               .minimum = 1,
               .maximum = 1000000},
};

tl::unexpected<Error> cannot(const std::string& address, const std::string& why) {
  return fail(apf::Kind::config, "net.cannot_listen", "can't take datagrams at this address: " + why, address,
              "configure an address of this host that this user may use");
}

bool supervisors(const PilotDatagram& d) { return d.kind == Kind::silent || d.kind == Kind::interrupted; }

}  // namespace

std::span<const OptionSpec> udp_options() { return kOptions; }

PilotNews news_of(const PilotDatagram& d, const std::string& address) {
  PilotNews n;
  n.id = d.cid;
  n.source = "udp " + address;
  n.state = d.kind == Kind::exiting ? PilotState::exiting
            : d.kind == Kind::fault ? PilotState::fault
                                    : PilotState::running;
  const std::string ce = d.ce.substr(0, d.ce.find('.'));
  n.label = d.queue.empty() ? "unknown" : ce.empty() ? d.queue : d.queue + "-" + ce;
  if (d.kind == Kind::silent) n.text = "its log has not grown for " + human(seconds{d.seconds});
  if (d.kind == Kind::interrupted) n.text = "its supervisor ends it, since its log does not grow";
  if (d.kind == Kind::fault) n.text = "fault after " + human(seconds{d.seconds});
  const auto detail = [&](const char* name, const std::string& value) {
    if (!value.empty()) n.details.push_back({name, value});
  };
  if (supervisors(d)) detail("supervisor", n.text);
  detail("ce", d.ce);
  detail("harvester", d.harvester);
  detail("worker", d.worker);
  detail("gtag", d.gtag);
  return n;
}

Result<std::unique_ptr<Udp>> Udp::start(const std::string& address, std::int64_t rate, Ports ports) {
  const auto where = serve::read_address(address, "udp.listen");
  if (!where) return fail(where.error());
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (const int rc = ::getaddrinfo(where->address.c_str(), std::to_string(where->port).c_str(), &hints, &found);
      rc != 0)
    return cannot(address, gai_strerror(rc));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, &freeaddrinfo);
  net::OwnedFd fd(::socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd.get() < 0 || ::bind(fd.get(), found->ai_addr, found->ai_addrlen) != 0)
    return cannot(address, std::system_category().message(errno));
  const int room = 4 << 20;  // a burst of pilots that start together
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0)
    return cannot(address, std::system_category().message(errno));
  const std::uint16_t port =
      ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6*>(&bound)->sin6_port
                                        : reinterpret_cast<const sockaddr_in*>(&bound)->sin_port);
  return std::unique_ptr<Udp>(new Udp(std::move(fd), port, rate, std::move(ports)));
}

Udp::Udp(net::OwnedFd fd, std::uint16_t port, std::int64_t rate, Ports ports)
    : fd_(std::move(fd)),
      port_(port),
      ports_(std::move(ports)),
      limit_(static_cast<double>(rate), 10 * static_cast<double>(rate)),
      thread_([this] { run(); }) {}

Udp::~Udp() {
  stopping_ = true;
  thread_.join();
}

void Udp::run() {
  pollfd ready{fd_.get(), POLLIN, 0};
  while (!stopping_)
    if (::poll(&ready, 1, kPauseMs) > 0) give(receive());
}

std::vector<Udp::Got> Udp::receive() {
  std::vector<Got> all;
  std::array<char, protocol::kLongestDatagram + 1> bytes{};
  for (std::size_t i = 0; i < kAtOnce; ++i) {
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    const auto n = ::recvfrom(fd_.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (n < 0) break;
    std::array<char, NI_MAXHOST> host{};
    (void)::getnameinfo(reinterpret_cast<const sockaddr*>(&from), size, host.data(), host.size(), nullptr, 0,
                        NI_NUMERICHOST);
    if (!limit_.allow(host.data(), mono_now())) {
      ++dropped_;
      continue;
    }
    auto datagram = protocol::read_datagram({bytes.data(), static_cast<std::size_t>(n)});
    if (!datagram || !good_name(datagram->factory) || !good_name(datagram->cid)) {
      ++bad_;
      continue;
    }
    all.push_back({std::move(*datagram), host.data()});
  }
  return all;
}

void Udp::give(std::vector<Got> all) {
  const SnapshotPtr known = ports_.board.get();
  std::map<std::string, News> by_factory;
  for (Got& got : all) {
    const FactoryFigures* factory = known->factory(std::string_view(got.datagram.factory));
    if (factory == nullptr) {
      ++dropped_;
    } else if (supervisors(got.datagram)) {
      give_supervisors(std::move(got), factory->no);
    } else {
      News& news = by_factory[got.datagram.factory];
      news.factory.name = got.datagram.factory;
      news.pilots.push_back(news_of(got.datagram, got.address));
    }
  }
  for (auto& [name, news] : by_factory) {
    const auto n = static_cast<std::int64_t>(news.pilots.size());
    if (ports_.writer.take(std::move(news), [](const Result<Taken>&) {})) {
      taken_ += n;
    } else {
      dropped_ += n;
      ports_.writer.drop(static_cast<std::uint64_t>(n));
    }
  }
}

// It comes twice, once with Harvester's ids: only that of a pilot which is known counts.
void Udp::give_supervisors(Got got, FactoryNo factory) {
  const bool looked = ports_.readers.run([this, got = std::move(got), factory](db::Db& db) {
    const auto pilot = find_pilot(db, factory, got.datagram.cid);
    if (!pilot || !*pilot || !live((*pilot)->state)) {
      ++dropped_;
      return;
    }
    News news;
    news.factory.name = got.datagram.factory;
    news.pilots.push_back(news_of(got.datagram, got.address));
    if (ports_.writer.take(std::move(news), [](const Result<Taken>&) {}))
      ++taken_;
    else
      ++dropped_;
  });
  if (!looked) ++dropped_;
}

}  // namespace apf::monitor
