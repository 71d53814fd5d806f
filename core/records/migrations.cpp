// Applies the scripts of resources/sql in order. Neighbour: database.h runs them. Writer's thread.
#include "core/records/migrations.h"

#include <fmt/format.h>

#include "core/base/clock.h"
#include "core/records/database.h"

namespace dayrun::core {

namespace {

// "DAYR", so that a database of another program is not taken for a project.
constexpr int64_t kApplicationId = 0x44415952;

Result<void> apply(Database& database, std::string_view script, size_t version) {
    return database.transaction([&]() -> Result<void> {
        TRY_VOID(database.execute_script(std::string(script)));
        if (version == 1) {
            TRY_VOID(
                database.execute_script(fmt::format("PRAGMA application_id = {}", kApplicationId)));
            TRY_VOID(database.execute(
                "INSERT INTO project (id, format, created_at) VALUES (1, 1, ?)", {unix_time_s()}));
        }
        return database.execute_script(fmt::format("PRAGMA user_version = {}", version));
    });
}

}  // namespace

Result<void> migrate(Database& database, const std::vector<std::string_view>& scripts) {
    TRY(version, database.integer("PRAGMA user_version"));
    TRY(application, database.integer("PRAGMA application_id"));
    TRY(table_count, database.integer("SELECT count(*) FROM sqlite_master"));
    if (table_count > 0 && application != kApplicationId) {
        return Error{.code = ErrorCode::FileDamaged,
                     .message = fmt::format("{} is a database, but not one of Dayrun's.",
                                            database.path().string()),
                     .hint = "Choose another folder for the project."};
    }
    if (version > static_cast<int64_t>(scripts.size())) {
        return Error{.code = ErrorCode::Unsupported,
                     .message = fmt::format("{} was written by a newer Dayrun (records version {}, "
                                            "this program knows {}).",
                                            database.path().string(), version, scripts.size()),
                     .hint = "Open the project with the newer program."};
    }
    for (size_t next = static_cast<size_t>(version); next < scripts.size(); ++next) {
        TRY_VOID(apply(database, scripts[next], next + 1));
    }
    return {};
}

}  // namespace dayrun::core
