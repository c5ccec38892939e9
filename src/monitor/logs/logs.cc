#include "monitor/logs/logs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "monitor/logs/log_part.h"
#include "monitor/router.h"
#include "monitor/server.h"
#include "monitor/store/pilots.h"
#include "net/http_client.h"
#include "protocol/json_value.h"

namespace apf::monitor {
namespace {

using net::ReplyPtr;
using net::Request;
using net::Response;
using nlohmann::json;

constexpr Duration kPatience = seconds{10};  // with a factory
constexpr std::uint64_t kFurthest = std::uint64_t{1} << 50U;

constexpr std::array kOptions{
    OptionSpec{.name = "factories",
               .type = OptionType::boolean,
               .fallback = "true",
               .doc = "show files that lie below the address that their factory told, from the machine it speaks from"},
    OptionSpec{.name = "from",
               .type = OptionType::list,
               .doc = "servers whose files are shown besides, wherever they are: https://logs.example.org"},
    OptionSpec{
        .name = "ca_file", .type = OptionType::path, .doc = "certificates that are trusted; unset: the system's"},
};

// What a person sees: what is wrong, where, and what to do.
void refuse(const ReplyPtr& reply, int status, const Error& error, const std::string& url) {
  Response response;
  response.status = status;
  response.body = protocol::json_value::dump(
      {{"error", {{"code", error.code}, {"what", error.what}, {"url", url}, {"advice", error.advice}}}});
  response.headers["Cache-Control"] = "no-store";
  reply->send(std::move(response));
}

Result<LogAsk> read_ask(const Request& r) {
  LogAsk ask;
  const auto number = [&](const char* name, std::uint64_t low, std::uint64_t high) -> Result<std::uint64_t> {
    const std::string text = asked(r, name);
    std::uint64_t value = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (ec == std::errc() && end == text.data() + text.size() && value >= low && value <= high) return value;
    return fail(Kind::permanent, "monitor.bad_query",
                fmt::format("'{}' must be a number from {} to {}", name, low, high));
  };
  if (r.query.contains("from")) {
    const auto from = number("from", 0, kFurthest);
    if (!from) return fail(from.error());
    ask.from = *from;
  }
  if (r.query.contains("most")) {
    const auto most = number("most", 1, kMostLog);
    if (!most) return fail(most.error());
    ask.most = *most;
  }
  return ask;
}

// A file of a pilot: what is to be fetched of it.
struct Wanted {
  std::string factory, id, file;
  LogAsk ask;
  LogPlace place;
};

Result<LogPart> fetch(const Wanted& wanted, const std::string& ca_file, const std::atomic<bool>& stop) {
  HttpRequest request;
  request.url = wanted.place.url;
  request.ca_file = ca_file;
  request.headers = {{"Range", wanted.ask.range()}, {"Accept-Encoding", "identity"}};
  LogReader reader(wanted.ask);
  net::Wary wary;
  if (!wanted.place.machine.empty())
    wary.may_reach = [&](const std::string& address) { return same_machine(address, wanted.place.machine); };
  wary.take = [&](const HttpReply& head, std::string_view piece) { return reader.take(head, piece); };
  const auto head = net::fetch_warily(request, wary, mono_now() + kPatience, &stop);
  if (!head) return fail(head.error());
  return reader.finish(*head);
}

// The same errors in words for somebody who looks at a page.
Error explained(Error e, const Wanted& wanted) {
  if (e.code == "net.not_allowed") {
    e.code = "logs.not_allowed";
    e.what = fmt::format("the factory speaks from {}, and its logs are at another machine: {}", wanted.place.machine,
                         e.what);
    e.advice =
        fmt::format("open the link, or add \"{}\" to [logs] from of the monitor's configuration", wanted.place.origin);
  } else if (e.code.starts_with("net.")) {
    e.code = "logs.no_answer";
    e.advice = "is the factory running, and can the monitor's machine reach it? try again, or open the link";
  } else {
    e.advice = "open the link, or ask the factory's administrator";
  }
  return e;
}

int status_of(const Error& e) {
  if (e.code == "logs.not_allowed") return 403;
  return e.code == "logs.no_file" ? 404 : 502;
}

void fetch_and_answer(const Wanted& wanted, const std::string& ca_file, const ReplyPtr& reply,
                      const std::atomic<bool>& stop) {
  if (reply->closed()) return;
  const auto part = fetch(wanted, ca_file, stop);
  if (!part) {
    const Error e = explained(part.error(), wanted);
    return refuse(reply, status_of(e), e, wanted.place.url);
  }
  const bool packed = part->from == 0 && part->text.starts_with("\x1f\x8b");
  if (packed)
    return refuse(reply, 502, {Kind::permanent, "logs.packed", "the file is packed", {}, "open the link"},
                  wanted.place.url);
  Response response;
  response.headers["Cache-Control"] = "no-store";
  response.body = protocol::json_value::dump({{"factory", wanted.factory},
                                              {"id", wanted.id},
                                              {"file", wanted.file},
                                              {"url", wanted.place.url},
                                              {"from", part->from},
                                              {"to", part->to},
                                              {"size", part->size ? json(*part->size) : json()},
                                              {"text", part->text}});
  reply->send(std::move(response));
}

}  // namespace

std::span<const OptionSpec> log_options() { return kOptions; }

Result<std::unique_ptr<Logs>> Logs::open(const Options& options, const Parts& parts) {
  LogRule rule;
  rule.factories = options.flag("factories");
  for (const std::string& url : options.has("from") ? options.list("from") : std::vector<std::string>()) {
    auto origin = read_origin(url);
    if (!origin) return fail(std::move(origin.error()));
    rule.from.push_back(std::move(*origin));
  }
  return std::unique_ptr<Logs>(new Logs(std::move(rule), options.text_or("ca_file", ""), parts));
}

void Logs::answer(const Request& request, const ReplyPtr& reply) {
  Wanted wanted{asked(request, "factory"), asked(request, "id"), asked(request, "file"), {}, {}};
  auto ask = read_ask(request);
  if (!ask) return reply->send(problem(400, ask.error().code, ask.error().what));
  wanted.ask = *ask;
  const auto busy = [reply] {
    Response response = problem(503, "monitor.busy", "too many files are being fetched; try again in some seconds");
    response.headers["Retry-After"] = "3";
    reply->send(std::move(response));
  };
  const SnapshotPtr now = parts_.board.get();
  const bool taken = parts_.readers.run([this, now, wanted, reply, busy](db::Db& db) mutable {
    const auto* factory = now->factory(wanted.factory);
    if (factory == nullptr) return reply->send(problem(404, "monitor.unknown", "no factory of this name has reported"));
    const auto pilot = find_pilot(db, factory->no, wanted.id);
    if (!pilot) return reply->send(problem(503, pilot.error().code, pilot.error().what));
    if (!*pilot) return reply->send(problem(404, "monitor.unknown", "no pilot of this id is known"));
    const auto& details = (*pilot)->details;
    const auto file =
        std::find_if(details.begin(), details.end(), [&](const Detail& d) { return d.name == wanted.file; });
    if (file == details.end()) return reply->send(problem(404, "logs.no_file", "this pilot has told of no such file"));
    auto place = find_log(rule_, file->value, factory->url, factory->address);
    if (!place) return refuse(reply, 403, place.error(), file->value);
    wanted.place = std::move(*place);
    const std::string origin = wanted.place.origin;
    if (!pool_.run(origin, [this, wanted = std::move(wanted), reply](const std::atomic<bool>& stop) {
          fetch_and_answer(wanted, ca_file_, reply, stop);
        }))
      busy();
  });
  if (!taken) busy();
}

void Logs::add_to(Router& router) {
  router.add("GET", "/api/v1/pilots/log",
             [this](const Request& request, const ReplyPtr& reply) { answer(request, reply); });
}

}  // namespace apf::monitor
