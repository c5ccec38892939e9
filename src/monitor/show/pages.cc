#include "monitor/show/pages.h"

#include <fmt/format.h>

#include <array>

#include "monitor/router.h"
#include "monitor/show/html.h"
#include "monitor/show/web_files.h"
#include "net/http_client.h"

namespace apf::monitor {
namespace {

using net::ReplyPtr;
using net::Request;
using net::Response;

constexpr std::array kTypes{
    std::pair<std::string_view, const char*>{".html", "text/html; charset=utf-8"},
    std::pair<std::string_view, const char*>{".js", "text/javascript; charset=utf-8"},
    std::pair<std::string_view, const char*>{".css", "text/css; charset=utf-8"},
    std::pair<std::string_view, const char*>{".json", "application/json"},
    std::pair<std::string_view, const char*>{".svg", "image/svg+xml"},
};
// All are the same document: its scripts look at the path.
constexpr std::array kPages{"/", "/factory", "/label", "/pilot", "/node", "/report", "/search", "/help"};

const char* type_of(std::string_view path) {
  for (const auto& [ending, type] : kTypes)
    if (path.ends_with(ending)) return type;
  return "text/plain; charset=utf-8";
}

// FNV-1a: tells versions of a file apart.
std::string tag_of(std::string_view content) {
  std::uint64_t hash = 14695981039346656037U;
  for (const char c : content) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return fmt::format("\"{:016x}\"", hash);
}

void protect(Response& response) {
  response.headers["Content-Security-Policy"] = kContentPolicy;
  response.headers["Referrer-Policy"] = "same-origin";
  response.headers["Cross-Origin-Opener-Policy"] = "same-origin";
}

void add_file(Router& router, const std::string& path, const WebFile& file) {
  router.add("GET", path, [&file, path, tag = tag_of(file.content)](const Request& request, const ReplyPtr& reply) {
    // The router's "/" is all that nobody else has.
    if (request.path != path) return reply->send(problem(404, "monitor.no_such_path", "nothing is here"));
    Response response;
    response.type = type_of(file.path);
    response.headers["ETag"] = tag;
    response.headers["Cache-Control"] = "no-cache";  // asks each time, and is told that it has not changed
    protect(response);
    const auto known = request.headers.find("if-none-match");
    if (known != request.headers.end() && known->second == tag)
      response.status = 304;
    else
      response.body = std::string(file.content);
    reply->send(std::move(response));
  });
}

std::string ago(Wall then, Wall now) {
  return then.ms == 0 ? "never" : iso8601(then).substr(0, 16) + (then > now ? "!" : "");
}

std::string overview_html(const Snapshot& now) {
  html::Table factories("Factories", {"Factory", "Version", "Last heard", "Labels", "Created 1 h", "Fault 1 h"});
  for (const auto& f : now.factories)
    factories.row({f->name, f->version, ago(f->seen, now.at), std::to_string(f->labels),
                   std::to_string(f->hour.created), std::to_string(f->hour.fault)});
  html::Table labels("Labels", {"Factory", "Label", "Created", "Running", "Exiting", "Done 1 h", "Fault 1 h",
                                "Last heard", "Last message"});
  for (const auto& l : now.labels) {
    const std::string link =
        "/plain/label?factory=" + net::percent_encode(l->factory_name) + "&name=" + net::percent_encode(l->name);
    labels.row({l->factory_name, l->name, std::to_string(l->live.created), std::to_string(l->live.running),
                std::to_string(l->live.exiting), std::to_string(l->hour.done), std::to_string(l->hour.fault),
                ago(l->seen, now.at), l->messages.empty() ? "" : l->messages[0].text},
               {{1, link}});
  }
  return html::document("Pilots", iso8601(now.at), factories.text() + labels.text());
}

std::string label_html(const LabelFigures& l, const Snapshot& now, const Links& links) {
  html::Table names("Names", {"WMS queue", "Batch queue", "Site", "Cloud"});
  std::map<std::size_t, std::string> elsewhere;
  if (auto url = links.queue(l.wms_queue); !url.empty()) elsewhere[0] = std::move(url);
  if (auto url = links.site(l.site); !url.empty()) elsewhere[2] = std::move(url);
  names.row({l.wms_queue, l.batch_queue, l.site, l.cloud}, elsewhere);
  html::Table figures("Figures", {"", "Created", "Started", "Done", "Fault", "Empty"});
  const auto flow = [&](const char* when, const Flow& f) {
    figures.row({when, std::to_string(f.created), std::to_string(f.started), std::to_string(f.done),
                 std::to_string(f.fault), std::to_string(f.empty)});
  };
  flow("1 hour", l.hour);
  flow("24 hours", l.day);
  html::Table messages("Last messages", {"Time", "Message"});
  for (const Message& m : l.messages) messages.row({iso8601(m.at), m.text});
  return html::document(l.name + " of " + l.factory_name, iso8601(now.at),
                        names.text() + figures.text() + messages.text());
}

Response page(std::string body) {
  Response response;
  response.type = "text/html; charset=utf-8";
  response.headers["Cache-Control"] = "no-store";
  response.body = std::move(body);
  protect(response);
  return response;
}

}  // namespace

const char* const kContentPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

void add_pages(Router& router, Parts& parts) {
  for (const WebFile& file : web_files()) {
    if (file.path == "index.html")
      for (const char* path : kPages) add_file(router, path, file);
    else if (file.path == "monitor-api.json")
      add_file(router, "/api/v1/openapi.json", file);
    else
      add_file(router, "/web/" + std::string(file.path), file);
  }
  router.add("GET", "/plain", [&parts](const Request&, const ReplyPtr& reply) {
    const SnapshotPtr now = parts.board.get();
    if (!parts.readers.run([now, reply](db::Db&) { reply->send(page(overview_html(*now))); }))
      reply->send(problem(503, "monitor.busy", "too many questions are waiting; try again later"));
  });
  router.add("GET", "/plain/label", [&parts](const Request& request, const ReplyPtr& reply) {
    const SnapshotPtr now = parts.board.get();
    const auto* label = now->label(asked(request, "factory"), asked(request, "name"));
    if (label == nullptr) return reply->send(problem(404, "monitor.unknown", "this factory has no label of this name"));
    reply->send(page(label_html(*label, *now, parts.links)));
  });
}

}  // namespace apf::monitor
