// WMS plug-in for PanDA servers (API v1) and for apf-jobqueue, which speaks the same protocol and can push.
//
// Thread-safety: an instance is used by one thread at a time.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "apf/wms.h"
#include "panda/connection.h"
#include "protocol/panda.h"

namespace apf::panda {

enum class Split : std::uint8_t { label, share };  // what a job label is

struct Settings {
  Access access;
  Split split = Split::label;
  Duration specs_interval = seconds{300};
  Duration longest_wait = seconds{25};
  Duration longest_lag = seconds{600};
};

// How long a server's answers have been the same while jobs are ready (whole seconds): tables that are not refreshed
// any more look like a queue in which nothing happens.
class SameAnswers {
 public:
  Duration seen(bool same_as_before, bool jobs_ready, Mono now);

 private:
  Mono since_;
};

// In which form a server tells its statistics.
enum class Form : std::uint8_t {
  detailed,  // by resource type and label: servers from 0.7.0
  plain,     // by site: servers from 0.5.2
  shares,    // by global share and resource type: servers from 0.5.2, where asked for
};

class PandaWms final : public Wms {
 public:
  explicit PandaWms(const Settings& settings);
  Result<View<DemandData>> poll(std::span<const std::string> wms_queues, const std::string& cursor,
                                Context& context) override;
  [[nodiscard]] bool pushes() const override { return pushes_ && can_wait_; }

 private:
  using Cells = std::vector<protocol::panda::Cell>;
  struct Stats {
    bool unchanged = false;  // 304: what we have is still true
    Cells cells;
    std::string etag;
    std::string sites_tag;  // X-APF-Sites: changes when the specs of sites do; "" from PanDA
    Duration lag = seconds{60};
    Duration waited{};
    bool proven_empty = false;  // R6: refused, but the database answers
  };
  // What we know of one server: learnt from its own words only, never from an outage.
  struct Server {
    Form form = Form::detailed;
    Mono plain_since;  // when it said that it has no better form
    bool legacy_specs = false;
  };

  Result<HttpReply> get(const std::string& path_and_query, const std::string& etag, bool one_route, Context& context);
  Result<Stats> read_stats(const HttpReply& reply, bool conditional);
  Result<Stats> stats(const std::string& cursor, Context& context);
  Result<Stats> stats_in(Form form, const std::string& cursor, Context& context);
  Result<Stats> stats_or_zero(const std::string& cursor, Context& context);
  Status refresh_sites(const std::string& sites_tag, Context& context);
  Status fetch_sites(Context& context);
  Result<HttpReply> ask_sites(Context& context);
  void learn(Stats& s);
  void add_cell(const protocol::panda::Cell& cell, std::vector<Demand>& out, Context& context);
  View<DemandData> view_of(const Stats& s, std::span<const std::string> wms_queues, Mono asked, Wall asked_wall,
                           Context& context);
  Server& server() { return servers_[connection_.server()]; }
  [[nodiscard]] std::int64_t wait_seconds(Mono deadline) const;

  Settings settings_;
  Connection connection_;
  std::vector<Server> servers_;  // by the connection's index
  bool pushes_ = false;          // the server answers late when nothing has changed
  bool can_wait_ = false;        // the deadline leaves time for that
  Mono answered_at_;
  std::string etag_;  // of cells_
  Cells cells_;
  Form form_ = Form::detailed;  // of cells_
  SameAnswers same_;
  std::vector<std::pair<std::string, std::string>> sites_;
  std::string sites_tag_;
  bool sites_known_ = false;
  Mono sites_at_;
  std::set<std::string> unknown_statuses_;  // warned of
};

// The factory's word for a PanDA job status; nothing for one that is not known.
enum class JobClass : std::uint8_t { notready, ready, running, done, failed };
std::optional<JobClass> job_class(std::string_view panda_status);

}  // namespace apf::panda
