// Brings a project's database to this version's tables: PRAGMA user_version counts the scripts of
// resources/sql that have been applied. Neighbour: run_store.cpp calls it with the write
// connection.
#pragma once

#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace dayrun::core {

class Database;

/// The scripts 0001, 0002, … in order; generated at build time.
std::vector<std::string_view> migration_scripts();

/// Applies what is missing, each script in its own transaction. Unsupported for a database that a
/// newer Dayrun wrote, FileDamaged for one that is not a project's.
Result<void> migrate(Database& database, const std::vector<std::string_view>& scripts);

}  // namespace dayrun::core
