#include "rows.h"

#include <cmath>

namespace apf::local {
namespace {

float seconds_of(std::int64_t ms) { return ms < 0 ? -1.0F : static_cast<float>(ms) / 1000.0F; }
std::int64_t ms_of(float s) { return s < 0 ? -1 : std::llround(s * 1000.0F); }

}  // namespace

PilotSeen pending_row(const Order& order, std::uint32_t index, const std::string& instance) {
  PilotSeen row;
  row.batch_id = order.pilot_id(index);
  row.submission = order.submission;
  row.queue = order.queue;
  row.index = index;
  row.run = order.run;
  row.foreign = order.instance != instance;
  row.state = PilotState::pending;
  row.submitted = Wall{order.submitted_ms};
  return row;
}

void put(PilotSeen& row, const Taken& taken) {
  row.state = PilotState::running;
  row.started = Wall{taken.started_ms};
  row.node = taken.node;
}

void put(PilotSeen& row, const End& end) {
  row.state = pilot_state(end.state).value_or(PilotState::failed);
  row.started = Wall{end.started_ms};
  row.ended = Wall{end.ended_ms};
  row.exit_code = static_cast<std::int32_t>(end.exit_code);
  row.wall_s = seconds_of(end.wall_ms);
  row.cpu_s = seconds_of(end.cpu_ms);
  row.node = end.node;
  row.reason = end.reason;
}

Record log_record(const Order& order, const PilotSeen& row) {
  Record r;
  r.add("factory", order.factory);
  r.add("instance", order.instance);
  r.add("submission", row.submission);
  r.add("index", row.index);
  r.add("queue", row.queue);
  r.add("run", row.run);
  r.add("submitted", row.submitted.ms);
  r.add("started", row.started.ms);
  r.add("ended", row.ended.ms);
  r.add("state", name(row.state));
  r.add("exit", row.exit_code);
  r.add("wall", ms_of(row.wall_s));
  r.add("cpu", ms_of(row.cpu_s));
  r.add("node", row.node);
  r.add("reason", row.reason);
  return r;
}

PilotSeen row_of(const Record& record, const std::string& instance) {
  PilotSeen row;
  row.submission = record.text("submission");
  row.index = static_cast<std::uint32_t>(record.number("index"));
  row.batch_id = row.submission + "." + std::to_string(row.index);
  row.queue = record.text("queue");
  row.run = static_cast<std::uint32_t>(record.number("run"));
  row.foreign = record.text("instance") != instance;
  row.submitted = Wall{record.number("submitted")};
  put(row, End::from(record));
  return row;
}

}  // namespace apf::local
