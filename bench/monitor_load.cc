// Load for bench/monitor_measure: pilots' news to a monitor, over connections that each wait for their answer.
//
//   monitor_load PORT fill PILOTS      makes pilots in 10 factories of 100 labels: half of them ended within the last
//                                      week, in the order of their ids, the others are live
//   monitor_load PORT bulk PILOTS SECONDS CONNECTIONS [RATE]     updates of random live ones, a hundred a call
//   monitor_load PORT single PILOTS SECONDS CONNECTIONS [RATE]   APFMon's form, one a call
//   monitor_load PORT get PILOTS SECONDS CONNECTIONS RATE PATH        in PATH {factory} {label} {node} {old} {live}
//   stand for
//                                                                random ones; the last two are ids of pilots
//
// RATE: so many updates (or calls) a second in all; without it as many as go.
//
// Each update tells something new (a payload more), so each is written. Prints {"rate": updates or calls a second,
// "p50": s, "p99": s, "failed": calls}.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::int64_t kFactories = 10;
constexpr std::int64_t kLabels = 100;  // of a factory
constexpr std::int64_t kInCluster = 100;
constexpr std::int64_t kNodes = 2000;

class Connection {
 public:
  explicit Connection(int port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) throw std::runtime_error("no connection");
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { close(fd_); }

  // True: answered with 200 or 201.
  bool call(const char* method, const std::string& path, const std::string& body) {
    const std::string request = fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}", method,
                                            path, body.size(), body);
    for (std::size_t sent = 0; sent < request.size();) {
      const ssize_t n = send(fd_, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) throw std::runtime_error("the connection broke");
      sent += static_cast<std::size_t>(n);
    }
    return answer();
  }

 private:
  bool answer() {
    std::size_t end = std::string::npos, length = 0;
    for (;;) {
      if (end == std::string::npos) {
        end = buffer_.find("\r\n\r\n");
        if (end != std::string::npos) {
          const std::size_t at = buffer_.find("Content-Length: ");
          length = at < end ? std::strtoul(buffer_.c_str() + at + 16, nullptr, 10) : 0;
        }
      }
      if (end != std::string::npos && buffer_.size() >= end + 4 + length) break;
      char piece[65536];
      const ssize_t n = recv(fd_, piece, sizeof piece, 0);
      if (n <= 0) throw std::runtime_error("the connection broke");
      buffer_.append(piece, static_cast<std::size_t>(n));
    }
    const bool good = buffer_.compare(9, 2, "20") == 0;
    buffer_.erase(0, end + 4 + length);
    return good;
  }

  int fd_;
  std::string buffer_;
};

std::string id_of(std::int64_t pilot) {
  const std::int64_t within = pilot / kFactories;
  return fmt::format("{}.{}", within / kInCluster + 1, within % kInCluster);
}
std::int64_t label_of(std::int64_t pilot) { return pilot / kFactories / kInCluster % kLabels; }

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// The body of a call, filled piece by piece.
class News {
 public:
  explicit News(std::int64_t factory) : body_(fmt::format(R"({{"factory":"factory-{}","pilots":[)", factory)) {}
  void add(std::int64_t p, const char* state, const std::string& more) {
    body_ += fmt::format(R"({{"id":"{}","label":"QUEUE_{:03}","state":"{}","node":"wn{:04}.example.org",{}}},)",
                         id_of(p), label_of(p), state, p * 7919 % kNodes, more);
    ++entries_;
  }
  [[nodiscard]] std::size_t entries() const { return entries_; }
  std::string text() {
    body_.back() = ']';
    return body_ + "}";
  }

 private:
  std::string body_;
  std::size_t entries_ = 0;
};

// Grows, so that what is told is new.
std::int64_t payloads() { return now_ms() / 10 % 1'000'000; }

// One of those that fill() leaves live.
std::int64_t random_live(std::mt19937_64& random, std::int64_t pilots) {
  const auto half = static_cast<std::uint64_t>(pilots / 2);
  return static_cast<std::int64_t>(half + random() % half);
}

// `path` with names in place of its words in braces.
std::string filled_in(std::string path, std::mt19937_64& random, std::int64_t pilots) {
  const std::int64_t live = random_live(random, pilots);
  const std::pair<std::string_view, std::string> words[] = {
      {"{factory}", fmt::format("factory-{}", random() % kFactories)},
      {"{label}", fmt::format("QUEUE_{:03}", random() % kLabels)},
      {"{node}", fmt::format("wn{:04}.example.org", random() % kNodes)},
      {"{old}", id_of(live - pilots / 2)},
      {"{live}", id_of(live)}};
  for (const auto& [word, text] : words)
    if (const auto at = path.find(word); at != std::string::npos) path.replace(at, word.size(), text);
  return path;
}

struct Outcome {
  std::vector<double> seconds;
  std::int64_t updates = 0, failed = 0;
};

struct Load {
  int port = 0;
  std::string mode = {}, path = {};
  std::int64_t pilots = 0;
  double duration = 0, pace = 0;  // pace: seconds between the calls of a connection
};

constexpr const char* kNext[] = {"running", "exiting", "done"};

Outcome run(const Load& load, unsigned seed) {
  Connection connection(load.port);
  std::mt19937_64 random(seed);
  Outcome out;
  const auto start = Clock::now();
  for (std::int64_t i = 0;; ++i) {
    const auto scheduled = start + std::chrono::duration_cast<Clock::duration>(
                                       std::chrono::duration<double>(load.pace * static_cast<double>(i)));
    if (load.pace > 0) std::this_thread::sleep_until(scheduled);
    const auto begin = load.pace > 0 ? scheduled : Clock::now();  // a call that comes late has waited, too
    if (std::chrono::duration<double>(begin - start).count() > load.duration) return out;
    const char* state = kNext[random() % 3];
    bool good = false;
    if (load.mode == "get") {
      good = connection.call("GET", filled_in(load.path, random, load.pilots), {});
      ++out.updates;
    } else if (load.mode == "single") {
      const std::int64_t p = random_live(random, load.pilots);
      good = connection.call("POST", fmt::format("/api/jobs/factory-{}:{}", p % kFactories, id_of(p)),
                             fmt::format("state={}&rc=0&payloads={}", state, payloads()));
      ++out.updates;
    } else {
      const auto factory = static_cast<std::int64_t>(random() % kFactories);
      News news(factory);
      const std::string more = fmt::format(R"("payloads":{})", payloads());
      for (int k = 0; k < 100; ++k)
        news.add(random_live(random, load.pilots) / kFactories * kFactories + factory, state, more);
      good = connection.call("POST", "/api/v1/news", news.text());
      out.updates += 100;
    }
    if (!good) ++out.failed;
    out.seconds.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
  }
}

// A pilot's whole life, an hour and five minutes long; one in ten fails.
void add_life(News& news, std::int64_t pilot, std::int64_t created) {
  const auto at = [&](std::int64_t minutes, const char* more) {
    return fmt::format(R"("at":{}{})", created + minutes * 60'000, more);
  };
  news.add(pilot, "created", at(0, ""));
  news.add(pilot, "running", at(5, ""));
  if (pilot / kFactories % 10 == 0) {
    news.add(pilot, "fault", at(64, R"(,"rc":1,"failure":"cvmfs","text":"no answer in 30 s")"));
    return;
  }
  news.add(pilot, "exiting", at(64, R"(,"rc":0,"payloads":1,"ids":"6123456789")"));
  news.add(pilot, "done", at(65, R"(,"rc":0)"));
}

void fill(int port, std::int64_t pilots) {
  constexpr std::int64_t hour = 3'600'000, week = 7 * 24 * hour - 3 * hour;
  constexpr std::size_t fits = 996;  // and a life: a call takes a thousand
  Connection connection(port);
  const std::int64_t ended = pilots / 2, start = now_ms() - week;
  for (std::int64_t factory = 0; factory < kFactories; ++factory)
    for (std::int64_t p = factory; p < pilots;) {
      News news(factory);
      for (; p < pilots && news.entries() <= fits; p += kFactories)
        if (p < ended)
          add_life(news, p, start + (week - 3 * hour) / ended * p);
        else
          news.add(p, "created", fmt::format(R"("at":{})", now_ms() - 3 * hour * (pilots - p) / (pilots - ended)));
      if (!connection.call("POST", "/api/v1/news", news.text())) throw std::runtime_error("refused");
    }
}

void report(const std::vector<Outcome>& all, double duration) {
  Outcome sum;
  for (const Outcome& o : all) {
    sum.updates += o.updates;
    sum.failed += o.failed;
    sum.seconds.insert(sum.seconds.end(), o.seconds.begin(), o.seconds.end());
  }
  std::sort(sum.seconds.begin(), sum.seconds.end());
  const auto part = [&](std::size_t percent) {
    return sum.seconds.empty() ? 0 : sum.seconds[std::min(sum.seconds.size() - 1, sum.seconds.size() * percent / 100)];
  };
  std::cout << fmt::format(R"({{"rate": {:.0f}, "p50": {:.5f}, "p99": {:.5f}, "failed": {}}})",
                           static_cast<double>(sum.updates) / duration, part(50), part(99), sum.failed)
            << "\n";
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv, argv + argc);
  if (args.size() < 4) return 2;
  Load load{.port = std::stoi(args[1]), .mode = args[2]};
  if (load.mode == "fill") {
    fill(load.port, std::stoll(args[3]));
    return 0;
  }
  if (args.size() < 6) return 2;
  load.pilots = std::stoll(args[3]);
  if (args.size() > 7) load.path = args[7];
  load.duration = std::stod(args[4]);
  const int connections = std::stoi(args[5]);
  if (args.size() > 6) load.pace = connections * (load.mode == "bulk" ? 100 : 1) / std::stod(args[6]);
  std::vector<Outcome> all(static_cast<std::size_t>(connections));
  std::vector<std::thread> threads;
  std::atomic<bool> broken{false};
  for (Outcome& one : all)
    threads.emplace_back([&] {
      try {
        one = run(load, std::random_device()());
      } catch (const std::exception& e) {
        std::cerr << "monitor_load: " << e.what() << "\n";
        broken = true;
      }
    });
  for (std::thread& t : threads) t.join();
  report(all, load.duration);
  return broken ? 1 : 0;
}
