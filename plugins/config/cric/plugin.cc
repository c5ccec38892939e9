// Config plug-in `cric`: queues from the JSON of a CRIC, by URL or from a file, with a copy of the last good answer.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "apf/files.h"
#include "apf/registry.h"
#include "cric.h"

namespace apf {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongest = std::size_t{256} << 20U;
constexpr std::size_t kFewest = 5;  // from a smaller list anything may go

constexpr std::array kOptions{
    OptionSpec{.name = "url",
               .doc = "where the JSON is asked for: https://cric.example.org/api/vo/pandaqueue/query/?json"},
    OptionSpec{.name = "path", .type = OptionType::path, .doc = "a file with the JSON, instead of a url"},
    OptionSpec{.name = "copy",
               .type = OptionType::path,
               .doc = "file that keeps the last good answer, for starts and reloads while there is none",
               .required = true},
    OptionSpec{.name = "max_shrink",
               .type = OptionType::integer,
               .fallback = "50",
               .doc = "an answer with so much fewer queues than the copy is not believed; 100: any is",
               .unit = "%",
               .minimum = 0,
               .maximum = 100},
    OptionSpec{.name = "vo", .type = OptionType::list, .doc = "VOs (vo_name) to take; unset: all"},
    OptionSpec{.name = "cloud", .type = OptionType::list, .doc = "clouds to take; unset: all"},
    OptionSpec{.name = "activity",
               .type = OptionType::list,
               .doc = "activities (type) to take: analysis, production; a unified queue is in each; unset: all"},
    OptionSpec{.name = "pilot_manager", .type = OptionType::list, .doc = "pilot managers to take; unset: all"},
    OptionSpec{
        .name = "state", .type = OptionType::list, .doc = "states of PanDA queues and CEs to take; unset: ACTIVE"},
    OptionSpec{.name = "ce_status",
               .type = OptionType::list,
               .doc = "statuses of CEs and their queues to take; unset: production"},
    OptionSpec{.name = "ce_flavour",
               .type = OptionType::list,
               .doc = "flavours of CEs to take: htcondor-ce, arc-ce; unset: all that are served"},
    OptionSpec{
        .name = "ca_file", .type = OptionType::path, .doc = "certificates that are trusted; unset: the system's"},
    OptionSpec{.name = "cert", .type = OptionType::path, .doc = "client certificate or proxy, PEM"},
    OptionSpec{.name = "key", .type = OptionType::path, .doc = "key of the client certificate, PEM; unset: in cert"},
    OptionSpec{.name = "proxy", .doc = "HTTP proxy: http://squid.example.org:3128"},
};

Result<std::string> read_file(const std::string& path) {
  std::error_code error;
  if (!fs::exists(path, error)) return fail(Kind::config, "cric.missing", "there is no such file", path);
  if (!fs::is_regular_file(path, error)) return fail(Kind::config, "cric.unreadable", "this is no file", path);
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in.is_open() || in.bad()) return fail(Kind::transient, "cric.unreadable", "the file can't be read", path);
  return text;
}

class Cric final : public ConfigSource {
 public:
  explicit Cric(const Options& o)
      : url_(o.text_or("url", "")),
        path_(o.text_or("path", "")),
        copy_(o.text("copy")),
        max_shrink_(static_cast<std::size_t>(o.integer("max_shrink"))) {
    request_.url = url_;
    request_.ca_file = o.text_or("ca_file", "");
    request_.client_cert = o.text_or("cert", "");
    request_.client_key = o.text_or("key", "");
    request_.proxy = o.text_or("proxy", "");
    request_.body_cap = kLongest;
    const auto list = [&](const char* name, const std::vector<std::string>& otherwise = {}) {
      return o.has(name) ? o.list(name) : otherwise;
    };
    filters_ = {list("vo"),
                list("cloud"),
                list("activity"),
                list("pilot_manager"),
                list("state", {"ACTIVE"}),
                list("ce_flavour"),
                list("ce_status", {"production"})};
  }

  Result<View<RawQueues>> load(Context& context) override {
    const auto selected = [&](const Result<std::string>& text) -> Result<cric::Selected> {
      return text ? cric::select(*text, filters_) : fail(text.error());
    };
    const auto kept = read_file(copy_);
    const auto answer = ask(context);
    const bool same = kept && answer && *kept == *answer;  // as nearly always: read once
    auto now = selected(answer);
    const auto before = same ? now : selected(kept);
    if (now && before && shrunken(before->queues, now->queues))
      now = fail(Kind::transient, "cric.shrunken",
                 fmt::format("{} queues where there were {}: not believed", now->queues, before->queues), place(),
                 fmt::format("if that is meant, remove {}", copy_));
    if (now && now->queues == 0)
      now = fail(Kind::transient, "cric.none_left",
                 fmt::format("none of {} PanDA queues passes the filters", now->entries), place());
    if (now) {
      if (!same) keep(*answer, context);
      return view_of(*now, place(), context);
    }
    Error why = now.error();
    if (why.where.empty()) why.where = place();
    if (!before || before->queues == 0) return fail(std::move(why));
    context.log(Level::warning, fmt::format("{}; the last good answer holds, {}", why.text(), copy_));
    return view_of(*before, copy_, context);
  }

 private:
  [[nodiscard]] const std::string& place() const { return url_.empty() ? path_ : url_; }

  Result<std::string> ask(Context& context) const {
    if (url_.empty()) return read_file(path_);
    auto reply = context.http(request_);
    if (!reply) return fail(reply.error());
    if (reply->status != 200)
      return fail(Kind::transient, "cric.http_status", fmt::format("HTTP status {}", reply->status), url_);
    return std::move(reply->body);
  }

  [[nodiscard]] bool shrunken(std::size_t before, std::size_t now) const {
    return before >= kFewest && now < before && (before - now) * 100 > before * max_shrink_;
  }

  // Whole or not at all: written beside the old copy, then renamed.
  void keep(const std::string& answer, Context& context) const {
    if (auto ok = replace_file(copy_, answer, 0644); !ok)
      context.log(Level::warning, ok.error().text() + "; without this copy a start needs an answer");
  }

  static View<RawQueues> view_of(const cric::Selected& selected, const std::string& from, Context& context) {
    for (const auto& line : selected.broken) context.log(Level::warning, fmt::format("{}: {}", from, line));
    if (!selected.unserved.empty())
      context.log(Level::info,
                  fmt::format("{}: no submit plug-in serves {}", from, fmt::join(selected.unserved, ", ")));
    View<RawQueues> view;
    view.data.push_back({from, selected.toml, {}});
    view.complete = true;
    view.evidence = fmt::format("{}: {} queues of {} PanDA queues", from, selected.queues, selected.entries);
    return view;
  }

  std::string url_, path_, copy_;
  std::size_t max_shrink_;
  HttpRequest request_;
  cric::Filters filters_;
};

Result<std::unique_ptr<ConfigSource>> make(const Options& options) {
  const std::string url = options.text_or("url", "");
  if (url.empty() != options.has("path"))
    return fail(Kind::config, "cric.no_source", "exactly one of 'url' and 'path' says where the queues are");
  if (!url.empty() && !url.starts_with("http://") && !url.starts_with("https://"))
    return fail(Kind::config, "cric.bad_url", fmt::format("'{}' is no http or https address", url));
  return std::make_unique<Cric>(options);
}

}  // namespace

void register_config_cric(Registry& registry) {  // NOLINT(misc-use-internal-linkage): called by the generated list
  registry.add(Plugin<ConfigSource>{"cric", "Queues from the JSON of a CRIC or AGIS: one for each CE", kOptions, make});
}

}  // namespace apf
