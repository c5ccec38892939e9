// An empty store for tests of the monitor: SQLite in a directory of its own; PostgreSQL where APF_TEST_POSTGRES says
// how to reach a server (tests/systems/postgresql/server), there a schema of its own.
#pragma once

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "db/db.h"
#include "monitor/store/schema.h"
#include "support/directory.h"

namespace apf::tests {

class TestStore {
 public:
  TestStore() {
    const char* reached = std::getenv("APF_TEST_POSTGRES");  // NOLINT(concurrency-mt-unsafe)
    if (reached == nullptr) return;
    static int count = 0;
    const std::string schema = "t" + std::to_string(getpid()) + "_" + std::to_string(++count);
    static constexpr std::array kNothing{db::Migration{1, "SELECT 1"}};
    const auto db = db::open({"", reached, "tests"}, kNothing, db::Use::write);
    if (!db) throw std::runtime_error(db.error().text());
    if (auto ok = (*db)->run("CREATE SCHEMA " + schema, {}); !ok) throw std::runtime_error(ok.error().text());
    server_ = std::string(reached) + " options=-csearch_path=" + schema;
  }
  [[nodiscard]] db::Place place() const { return {dir_.file("monitor.db"), server_, monitor::kOwner}; }
  // For ServerOptions: the same store.
  [[nodiscard]] std::string toml() const { return server_.empty() ? "" : "[store]\nserver = \"" + server_ + "\"\n"; }
  [[nodiscard]] const Directory& directory() const { return dir_; }

 private:
  Directory dir_;
  std::string server_;
};

}  // namespace apf::tests
