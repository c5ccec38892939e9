#include "store/migrate.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <filesystem>

namespace apf::store {
namespace {

constexpr int kApplicationId = 0x41504631;  // "APF1": what file(1) and we see in the file's header

// What the file says about itself. version 0: empty, it is to be made.
struct Identity {
  int version = 0;
  bool empty = false;
  std::string owner;
};
Result<Identity> identify(const Connection& c) {
  auto id = scalar(c, "PRAGMA application_id");
  if (!id) return fail(id.error());
  auto tables = scalar(c, "SELECT count(*) FROM sqlite_schema");
  if (!tables) return fail(tables.error());
  auto version = scalar(c, "PRAGMA user_version");
  if (!version) return fail(version.error());
  Identity found{static_cast<int>(version->number), tables->number == 0 && id->number == 0, {}};
  if (found.empty) return found;
  if (id->number != kApplicationId) {
    return fail(make_error(Kind::config, "store.foreign", "the database belongs to another program", c.file,
                           "name another file or state directory"));
  }
  auto owner = scalar(c, "SELECT owner FROM apf_owner");
  if (!owner) return fail(owner.error());
  found.owner = owner->text;
  return found;
}

// The same as of one moment: another process may be making the file right now.
Result<Identity> identify_at_once(const Connection& c) {
  if (auto s = c.execute("BEGIN"); !s) return fail(s.error());
  auto found = identify(c);
  sqlite3_exec(c.db, "ROLLBACK", nullptr, nullptr, nullptr);
  return found;
}

Status check_identity(const Identity& found, int newest, const OpenOptions& options, const std::string& file) {
  if (!found.empty && found.owner != options.owner) {
    return fail(make_error(Kind::config, "store.foreign",
                           fmt::format("the database belongs to '{}', not to '{}'", found.owner, options.owner), file,
                           "name another file or state directory"));
  }
  if (found.version > newest) {
    return fail(make_error(
        Kind::config, "store.newer",
        fmt::format("the database has schema version {}, this program knows up to {}", found.version, newest), file,
        fmt::format("run the newer program, or restore the copy that it made ({}.v{} or older)", file, newest)));
  }
  if (options.read_only && found.version < newest) {
    return fail(make_error(Kind::config, "store.older",
                           fmt::format("the database has schema version {}, {} is needed", found.version, newest), file,
                           "start the program that owns it once: it migrates the file"));
  }
  return {};
}

Status copy_pages(const Connection& from, const Connection& to) {
  sqlite3_backup* backup = sqlite3_backup_init(to.db, "main", from.db, "main");
  if (backup == nullptr) return fail(to.error());
  const int rc = sqlite3_backup_step(backup, -1);
  sqlite3_backup_finish(backup);
  if (rc != SQLITE_DONE) return fail(from_sqlite(rc, sqlite3_system_errno(to.db), sqlite3_errstr(rc), to.file));
  return {};
}

// FILE.v<old>, complete or not there at all.
Status back_up(const Connection& c, int old_version) {
  const std::string target = fmt::format("{}.v{}", c.file, old_version);
  const std::string part = target + ".part";
  std::error_code ignored;
  std::filesystem::remove(part, ignored);
  {
    auto copy = connect(part, {});
    if (!copy) return fail(copy.error());
    if (auto s = copy_pages(c, *copy); !s) return s;
  }
  std::error_code failed;
  std::filesystem::rename(part, target, failed);
  if (failed) {
    return fail(
        make_error(Kind::transient, "store.failed", "the copy before a migration failed: " + failed.message(), target));
  }
  return {};
}

Status run_migrations(const Connection& c, std::span<const Migration> migrations, const OpenOptions& options) {
  auto found = identify(c);  // again, inside the transaction: another process may have been faster
  if (!found) return fail(found.error());
  const int newest = migrations.empty() ? 0 : migrations.back().to;
  if (auto s = check_identity(*found, newest, options, c.file); !s) return s;
  if (found->empty) {
    if (auto s = c.execute(
            fmt::format("PRAGMA application_id={}; CREATE TABLE apf_owner(owner TEXT NOT NULL)", kApplicationId));
        !s) {
      return s;
    }
    char* quoted = sqlite3_mprintf("INSERT INTO apf_owner VALUES(%Q)", options.owner.c_str());
    auto s = c.execute(quoted);
    sqlite3_free(quoted);
    if (!s) return s;
  }
  for (const auto& migration : migrations) {
    if (migration.to <= found->version) continue;
    if (auto s = c.execute(std::string(migration.sql)); !s) return s;
  }
  return c.execute(fmt::format("PRAGMA user_version={}", newest));
}

Status migrate(const Connection& c, const Identity& found, std::span<const Migration> migrations,
               const OpenOptions& options) {
  if (!found.empty) {
    if (auto s = back_up(c, found.version); !s) return s;
  }
  if (auto s = c.execute("BEGIN IMMEDIATE"); !s) return s;
  auto done = run_migrations(c, migrations, options);
  if (done) done = c.execute("COMMIT");
  if (!done && sqlite3_get_autocommit(c.db) == 0) sqlite3_exec(c.db, "ROLLBACK", nullptr, nullptr, nullptr);
  return done;
}

}  // namespace

Result<bool> bring_up_to_date(const Connection& c, std::span<const Migration> migrations, const OpenOptions& options) {
  auto found = identify_at_once(c);
  if (!found) return fail(found.error());
  const int newest = migrations.empty() ? 0 : migrations.back().to;
  if (auto s = check_identity(*found, newest, options, c.file); !s) return fail(s.error());
  if (found->empty || found->version < newest) {
    if (auto s = migrate(c, *found, migrations, options); !s) return fail(s.error());
  }
  return found->empty;
}

}  // namespace apf::store
