#include "wrapper/report/reporter.h"

#include <charconv>
#include <cstdlib>
#include <utility>

#include "wrapper/http.h"
#include "wrapper/log.h"
#include "wrapper/report/udp.h"

namespace apf::wrapper {
namespace {

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

Reporter::Reporter(std::string key, std::string node, std::string udp, std::string queue)
    : key_(std::move(key)),
      node_(std::move(node)),
      submission_(from_environment("APF_SUBMISSION")),
      queue_(std::move(queue)),
      udp_(std::move(udp)) {
  const std::string base = from_environment("APFMON");
  if (base.empty()) return;
  url_ = base + protocol::apfmon::job_path({from_environment("APFFID"), from_environment("APFCID")});
  const std::string index = from_environment("APF_INDEX");
  std::uint32_t n = 0;
  if (std::from_chars(index.data(), index.data() + index.size(), n).ec == std::errc{} && !index.empty()) index_ = n;
  thread_ = std::thread([this] { run(); });
}

void Reporter::tell_udp(const protocol::apfmon::Report& report) {
  if (!udp_.wanted() || report.payload_started) return;  // pilot-wrapper tells of start and end only
  using protocol::PilotDatagram;
  using protocol::apfmon::State;
  PilotDatagram words = udp_words("apf-" APF_VERSION, queue_);
  if (report.state == State::exiting) words.kind = PilotDatagram::Kind::exiting;
  if (report.state == State::fault) words.kind = PilotDatagram::Kind::fault;
  if (report.state != State::running) words.seconds = (mono_now() - born_).count() / 1'000'000'000;
  udp_.send(protocol::write_datagram(words));
}

void Reporter::report(protocol::apfmon::Report report) {
  tell_udp(report);
  if (url_.empty()) return;
  report.profile = std::exchange(profile_, {});
  report.submission = submission_;
  report.index = index_;
  report.node = node_;
  const std::scoped_lock lock(mutex_);
  waiting_.push_back(protocol::apfmon::write_report(report));
  changed_.notify_all();
}

void Reporter::finish() {
  udp_.finish();
  if (!thread_.joinable()) return;
  {
    std::unique_lock lock(mutex_);
    // The last report says more than those before it, which get only half of the time.
    const auto all_sent = [this] { return waiting_.empty() && idle_; };
    if (!changed_.wait_for(lock, seconds{1}, all_sent)) {
      if (waiting_.size() > 1) waiting_.erase(waiting_.begin(), waiting_.end() - 1);
      if (!waiting_.empty()) abort_ = true;  // what is under way now
      changed_.wait_for(lock, seconds{1}, all_sent);
    }
    stopping_ = true;
    abort_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void Reporter::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    const std::string body = std::move(waiting_.front());
    waiting_.pop_front();
    idle_ = false;
    abort_ = false;
    lock.unlock();
    const bool arrived = send(body);
    lock.lock();
    idle_ = true;
    if (arrived || heard_ == Heard::unknown) heard_ = arrived ? Heard::something : Heard::nothing;
    changed_.notify_all();
  }
}

Reporter::Heard Reporter::heard(Duration patience) {
  std::unique_lock lock(mutex_);
  if (thread_.joinable()) changed_.wait_for(lock, patience, [this] { return heard_ != Heard::unknown; });
  return heard_;
}

bool Reporter::send(const std::string& body) const {
  Exchange e{.url = url_, .token = key_, .content_type = "application/x-www-form-urlencoded", .body = body};
  e.connect_timeout = seconds{2};
  e.timeout = seconds{5};
  e.stop = &abort_;
  const auto answer = post(e);
  if (!answer) {
    log(Level::warning, "no report to the factory: " + answer.error().text());
    return false;
  }
  if (answer->status / 100 != 2)
    log(Level::warning, "the factory refuses the report: HTTP status " + std::to_string(answer->status));
  return true;
}

}  // namespace apf::wrapper
