// What condor_q is asked about the jobs of a schedd, and how its answer becomes demand.
//
// Attributes of jobs are the words of whoever submitted them. So the tool itself is asked for a value only if it is a
// plain word (is_word), which can upset neither its own output nor anything that shows the value later.
// Thread-safety: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "apf/wms.h"

namespace apf::wms_htcondor {

// Names of job attributes, and the WMS queue of jobs that have no group_by.
struct Grouping {
  std::string group_by, default_queue;   // default_queue empty: such jobs are left out
  std::string job_label, resource_type;  // empty: not asked for
};

// 1 to 128 characters of letters, digits, blanks and ._:/@+=,#-
bool is_word(std::string_view text);

// Arguments that fix the columns of the answer: JobStatus, group_by, and the others that are set.
std::vector<std::string> columns(const Grouping& grouping);

struct Jobs {
  std::vector<Demand> cells;  // in order of WMS queue, job label, resource type
  std::size_t rows = 0;
  std::size_t without = 0;   // left out: they have no group_by
  std::size_t unusable = 0;  // left out: one of their values is no plain word
};
// Errors: Kind::transient "htcondor.garbled".
Result<Jobs> read(std::string_view out, const Grouping& grouping);

}  // namespace apf::wms_htcondor
