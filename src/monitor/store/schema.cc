#include "monitor/store/schema.h"

#include <array>

namespace apf::monitor {
namespace {

// No index has what changes in the life of a pilot but its end: with the state of live ones in an index each update
// wrote three pages instead of one (measured: half of all that was written).
constexpr std::array kMigrations{db::Migration{1, R"sql(
CREATE TABLE factory(
  no {KEY}, name text NOT NULL, version text NOT NULL, email text NOT NULL, url text NOT NULL, type text NOT NULL,
  address text NOT NULL, made bigint NOT NULL, seen bigint NOT NULL, last_startup bigint NOT NULL,
  last_cycle bigint NOT NULL, credential_ends bigint NOT NULL);
CREATE TABLE label(
  no {KEY}, factory bigint NOT NULL, name text NOT NULL, wms_queue text NOT NULL, batch_queue text NOT NULL,
  site text NOT NULL, cloud text NOT NULL, made bigint NOT NULL, seen bigint NOT NULL, messages text NOT NULL);
CREATE TABLE node(
  no {KEY}, name text NOT NULL, made bigint NOT NULL, seen bigint NOT NULL, profile text NOT NULL);
CREATE TABLE pilot(
  id {KEY}, label bigint NOT NULL, state bigint NOT NULL, created bigint NOT NULL, running bigint NOT NULL,
  exiting bigint NOT NULL, ended bigint NOT NULL, seen bigint NOT NULL, flags bigint NOT NULL, rc bigint,
  payloads bigint, node bigint NOT NULL, place bigint, failure text NOT NULL, reason text NOT NULL,
  submission text NOT NULL, payload_ids text NOT NULL, line text NOT NULL);
CREATE INDEX pilot_label ON pilot(label, state, id);
CREATE INDEX pilot_ended ON pilot(ended) WHERE ended > 0;
CREATE TABLE pilot_detail(id {KEY}, details text NOT NULL);
CREATE TABLE pilot_name(
  factory bigint NOT NULL, name text NOT NULL, pilot bigint NOT NULL, PRIMARY KEY (factory, name)) {NO_ROWID};
CREATE UNIQUE INDEX pilot_name_pilot ON pilot_name(pilot);
CREATE TABLE history(
  label bigint NOT NULL, width bigint NOT NULL, at bigint NOT NULL, created bigint NOT NULL, started bigint NOT NULL,
  done bigint NOT NULL, fault bigint NOT NULL, empty bigint NOT NULL, unstarted bigint NOT NULL, ran bigint NOT NULL,
  live_created bigint NOT NULL, live_running bigint NOT NULL, live_exiting bigint NOT NULL,
  live_stale bigint NOT NULL, PRIMARY KEY (label, width, at)) {NO_ROWID};
CREATE INDEX history_at ON history(width, at);
CREATE TABLE note(name text NOT NULL PRIMARY KEY, value text NOT NULL) {NO_ROWID};
)sql"},
                                 db::Migration{2, R"sql(
DROP INDEX pilot_label;
CREATE INDEX pilot_live ON pilot(label, id) WHERE ended = 0;
CREATE INDEX pilot_over ON pilot(label, state, id) WHERE ended > 0;
)sql"},
                                 db::Migration{3, R"sql(
CREATE TABLE report_key(
  factory text NOT NULL, submission text NOT NULL, digest text NOT NULL, pilots bigint NOT NULL, at bigint NOT NULL,
  PRIMARY KEY (factory, submission)) {NO_ROWID};
)sql"}};

}  // namespace

std::span<const db::Migration> migrations() { return kMigrations; }

}  // namespace apf::monitor
