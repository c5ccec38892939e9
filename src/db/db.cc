#include "db/db.h"

namespace apf::db {

std::string in_words_of(std::string_view sql, std::string_view key, std::string_view no_rowid) {
  std::string out(sql);
  const auto replace = [&](std::string_view word, std::string_view by) {
    for (std::size_t at = 0; (at = out.find(word, at)) != std::string::npos; at += by.size())
      out.replace(at, word.size(), by);
  };
  replace("{KEY}", key);
  replace("{NO_ROWID}", no_rowid);
  return out;
}

Result<std::unique_ptr<Db>> open(const Place& place, std::span<const Migration> migrations, Use use) {
  return place.server.empty() ? open_sqlite(place, migrations, use) : open_postgres(place, migrations, use);
}

}  // namespace apf::db
