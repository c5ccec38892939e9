// Counts of jobs by cell (site, resource type, label) and status, kept up to date with every change, so that
// statistics cost what there are cells and not what there are jobs.
//
// Thread-safety: none; owned by the job store.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "jobqueue/job.h"
#include "protocol/panda.h"

namespace apf::jobqueue {

struct CellKey {
  std::string site, resource_type, label;
  auto operator<=>(const CellKey&) const = default;
};

class Cells {
 public:
  using Counts = std::array<std::int64_t, kJobStatuses>;
  struct Cell {
    CellKey key;
    Counts jobs{};
    [[nodiscard]] std::int64_t of(JobStatus s) const { return jobs[static_cast<std::size_t>(s)]; }
  };

  void add(std::int64_t id, const CellKey& key);
  void remove(std::int64_t id);
  void count(std::int64_t id, JobStatus status, std::int64_t delta);
  [[nodiscard]] std::int64_t find(const CellKey& key) const;  // 0: not there
  [[nodiscard]] const std::map<std::int64_t, Cell>& all() const { return cells_; }
  // Cells of a site; an empty label or type is any.
  [[nodiscard]] std::vector<std::int64_t> of_site(const std::string& site, const std::string& resource_type,
                                                  const std::string& label) const;
  // As PanDA's statistics of active jobs show them: ended jobs and cells without active jobs are left out.
  [[nodiscard]] std::vector<protocol::panda::Cell> active() const;

 private:
  std::map<std::int64_t, Cell> cells_;
  std::map<CellKey, std::int64_t> ids_;
};

}  // namespace apf::jobqueue
