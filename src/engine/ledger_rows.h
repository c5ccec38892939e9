// The ledger's tables, and how rows become records and back. Shared by Ledger (writes) and LedgerReader (the API).
//
// Thread-safety: pure functions; a Statement belongs to one thread.
#pragma once

#include <span>
#include <string_view>

#include "core/record.h"
#include "store/database.h"

namespace apf::engine {

std::span<const store::Migration> ledger_migrations();
constexpr const char* kLedgerOwner = "apf ledger";

// Columns in the order that read_pilot and bind_pilot use.
constexpr std::string_view kPilotColumns =
    "no, batch_id, submission, queue, batch, idx, run, state, missing, lost, exit_code, wall_s, cpu_s, submitted, "
    "started, ended, payload_start, payloads, node, reason, rule";
constexpr std::string_view kSubmissionColumns = "id, queue, batch, n, got, state, run, planned, answered, note";

core::Pilot read_pilot(const store::Statement& row);
core::Submission read_submission(const store::Statement& row);
// `closed`: when the ledger learnt of the end; 0 while the pilot lives.
void bind_pilot(store::Statement& statement, const core::Pilot& pilot, Wall closed);
void bind_submission(store::Statement& statement, const core::Submission& submission);

}  // namespace apf::engine
