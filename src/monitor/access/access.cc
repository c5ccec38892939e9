#include "monitor/access/access.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "apf/loopback.h"
#include "config/sha256.h"
#include "monitor/router.h"

namespace apf::monitor {
namespace {

constexpr std::array kOptions{
    OptionSpec{.name = "open",
               .type = OptionType::list,
               .fallback = "127.0.0.0/8, ::1",
               .doc = "networks whose clients may tell news without a token: factories of AutoPyFactory's and "
                      "Harvester's kind"},
    OptionSpec{
        .name = "proxies", .type = OptionType::list, .doc = "networks of proxies whose X-Forwarded-For is believed"},
    OptionSpec{.name = "rate",
               .type = OptionType::integer,
               .fallback = "200",
               .doc = "requests without a token that an address may make, ten times as many at once",
               .unit = "per second",
               .minimum = 1,
               .maximum = 1000000},
};

std::string header(const net::Request& request, const char* name) {
  const auto it = request.headers.find(name);
  return it == request.headers.end() ? std::string{} : it->second;
}

std::string_view trim(std::string_view s) {
  while (s.starts_with(' ') || s.starts_with('\t')) s.remove_prefix(1);
  while (s.ends_with(' ') || s.ends_with('\t')) s.remove_suffix(1);
  return s;
}

net::Response refusal(int status, const char* code, const char* what) {
  net::Response r = problem(status, code, what);
  r.headers["Cache-Control"] = "no-store";
  return r;
}

bool reads(const net::Request& r) { return r.method == "GET" || r.method == "HEAD" || r.method == "OPTIONS"; }
// Through a proxy that says so.
bool was_forwarded(const net::Request& r) {
  return r.headers.contains("x-forwarded-for") || r.headers.contains("forwarded") || r.headers.contains("via");
}

// A page of another site that makes somebody's browser speak to us.
bool cross_site(const net::Request& r) {
  const std::string origin = header(r, "origin");
  if (origin.empty()) return false;
  const std::size_t scheme = origin.find("://");
  return scheme == std::string::npos || origin.substr(scheme + 3) != header(r, "host");
}

// A client on this machine that calls it by another name: a page that made its own name point here, or a proxy that
// nobody named and that does not say it is one.
bool calls_other_host(const net::Request& r) {
  const std::string authority = header(r, "host");
  const std::string_view host = std::string_view(authority).substr(
      0, authority.find(':', authority.starts_with('[') ? std::min(authority.find(']'), authority.size()) : 0));
  std::array<char, 256> own{};
  const std::string_view name = ::gethostname(own.data(), own.size() - 1) == 0 ? own.data() : "";
  return !host.empty() && !is_loopback(host) && host != name && host != name.substr(0, name.find('.'));
}

bool is_order(const net::Request& r) { return !reads(r) && r.path.starts_with("/api/v1/alarms"); }

}  // namespace

std::span<const OptionSpec> access_options() { return kOptions; }

bool RateLimit::allow(const std::string& address, Mono now) {
  const std::scoped_lock lock(mutex_);
  auto at = buckets_.find(address);
  if (at == buckets_.end()) {
    if (buckets_.size() >= most_) {
      buckets_.erase(order_.front());
      order_.pop_front();
    }
    order_.push_back(address);
    at = buckets_.emplace(address, Bucket{burst_, now, std::prev(order_.end())}).first;
  } else {
    order_.splice(order_.end(), order_, at->second.place);
  }
  Bucket& b = at->second;
  const double passed = static_cast<double>(std::max((now - b.at).count(), std::int64_t{0})) / 1e9;
  b.tokens = std::min(burst_, b.tokens + passed * per_second_);
  b.at = now;
  if (b.tokens < 1) return false;
  b.tokens -= 1;
  return true;
}

std::size_t RateLimit::size() const {
  const std::scoped_lock lock(mutex_);
  return buckets_.size();
}

Result<std::unique_ptr<Access>> Access::open(const Options& options, const std::string& token_file) {
  const auto list = [&](const char* name) {
    return options.has(name) ? options.list(name) : std::vector<std::string>{};
  };
  auto open = Networks::read(list("open"), "access.open");
  if (!open) return fail(std::move(open.error()));
  auto proxies = Networks::read(list("proxies"), "access.proxies");
  if (!proxies) return fail(std::move(proxies.error()));
  const auto rate = static_cast<double>(options.integer("rate"));
  return std::unique_ptr<Access>(new Access(std::move(*open), std::move(*proxies), rate, token_file));
}

std::string Access::client_address(const net::Request& request) const {
  if (!proxies_.holds(request.peer)) return request.peer;
  const std::string forwarded = header(request, "x-forwarded-for");
  std::string_view rest = forwarded;
  std::string_view last;
  while (!rest.empty()) {
    const std::size_t comma = rest.rfind(',');
    last = trim(comma == std::string_view::npos ? rest : rest.substr(comma + 1));
    if (!proxies_.holds(last)) break;
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(0, comma);
  }
  // What is no address is not believed: it might be meant to look like one.
  return last.empty() || last.size() > 45 ||
                 last.find_first_not_of("0123456789abcdefABCDEF.:") != std::string_view::npos
             ? request.peer
             : std::string(last);
}

Caller Access::caller(const net::Request& request) {
  Caller c;
  c.address = client_address(request);
  const std::string authorization = header(request, "authorization");
  if (!authorization.empty()) {
    constexpr std::string_view bearer = "Bearer ";
    if (!authorization.starts_with(bearer)) return c;
    const std::string token = authorization.substr(bearer.size());
    const auto entry = tokens_.find(token);
    if (entry == nullptr) {
      const auto owner = keys_ != nullptr ? keys_->find(config::sha256_hex(token)) : std::nullopt;
      if (!owner) return c;
      c.role = Role::pilot;
      c.name = owner->factory;
      c.key = owner->key;
      return c;
    }
    c.role = entry->kind == TokenKind::admin ? Role::admin : Role::factory;
    c.name = entry->name;
    return c;
  }
  // A proxy that nobody named speaks from its own address for everybody: that opens nothing.
  const bool hidden = !proxies_.holds(request.peer) &&
                      (was_forwarded(request) || (is_loopback(request.peer) && calls_other_host(request)));
  c.role = !hidden && open_.holds(c.address) ? Role::open : Role::reader;
  return c;
}

bool Access::limited(const Caller& caller, Mono now) {
  if (caller.role == Role::admin || caller.role == Role::factory) return false;
  if (caller.role == Role::open && is_loopback(caller.address)) return false;
  return !limit_.allow(caller.address, now);
}

std::optional<net::Response> Access::refuse(const net::Request& head, Mono now) {
  const Caller c = caller(head);
  std::optional<net::Response> no;
  if (limited(c, now)) {
    no = refusal(429, "access.too_many", "too many requests from this address; try again in a second");
    no->headers["Retry-After"] = "1";
  } else if (c.role == Role::nobody) {
    no = refusal(401, "access.unknown_token", "this token is not known here; apf-monitor token create makes one");
  } else if (c.role == Role::pilot && (head.method != "POST" || !head.path.starts_with("/api/jobs/" + c.name + ":"))) {
    no = refusal(403, "access.pilot_only", "this key is for reports of the pilots of its submission only");
  } else if (is_order(head) && c.role != Role::admin) {
    no = refusal(c.role == Role::factory ? 403 : 401, "access.admin_only", "this needs an administrator's token");
  } else if (!reads(head) && c.role == Role::open && cross_site(head)) {
    no = refusal(403, "access.cross_site", "pages of other sites may not tell news");
  } else if (!reads(head) && c.role == Role::reader) {
    no = refusal(401, "access.token_needed",
                 "news are taken with the factory's token, or from networks that are named in [access] open");
  }
  if (no && no->status == 401) no->headers["WWW-Authenticate"] = "Bearer";
  if (no) {
    const std::scoped_lock lock(mutex_);
    ++(no->status == 429 ? stats_.limited : stats_.refused);
  }
  return no;
}

Access::Stats Access::stats() const {
  const std::scoped_lock lock(mutex_);
  return stats_;
}

}  // namespace apf::monitor
