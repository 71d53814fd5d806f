// SQLite behind one door: connections, statements and transactions that clean up after themselves.
// The only file that sees sqlite3.h is database.cpp. One Database per thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "core/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace dayrun::core {

/// A value bound to a `?`; texts must live until the call returns. NaN becomes NULL.
using SqlValue = std::variant<std::nullptr_t, int64_t, double, std::string_view>;
using SqlValues = std::initializer_list<SqlValue>;

/// The current row of a query; columns count from 0.
class SqlRow {
  public:
    explicit SqlRow(sqlite3_stmt* statement) : m_statement(statement) {}
    int64_t integer(int column) const;
    double real(int column) const;  // NaN for NULL
    std::string text(int column) const;

  private:
    sqlite3_stmt* m_statement;
};

class Database {
  public:
    enum class Mode { ReadWrite, ReadOnly };

    /// Opens, or with ReadWrite creates, in WAL mode with foreign keys on; waits up to 5 s for
    /// another connection's transaction.
    static Result<std::unique_ptr<Database>> open(const std::filesystem::path& path, Mode mode);
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database();

    const std::filesystem::path& path() const { return m_path; }

    /// One statement; prepared once per text and kept.
    Result<void> execute(std::string_view sql, SqlValues values = {});
    /// Calls `on_row` for each row; it returns false to stop early.
    Result<void> query(std::string_view sql, SqlValues values,
                       const std::function<bool(const SqlRow&)>& on_row);
    /// The first column of the first row, 0 when there is none.
    Result<int64_t> integer(std::string_view sql, SqlValues values = {});
    /// Several statements, not kept.
    Result<void> execute_script(const std::string& sql);
    /// All of `body` or nothing of it.
    Result<void> transaction(const std::function<Result<void>()>& body);

  private:
    explicit Database(std::filesystem::path path) : m_path(std::move(path)) {}
    Result<sqlite3_stmt*> prepared(std::string_view sql);
    Result<void> bind(sqlite3_stmt* statement, SqlValues values) const;
    Error failure() const;
    Error failure(int code, std::string_view text) const;

    std::filesystem::path m_path;
    sqlite3* m_connection = nullptr;
    std::map<std::string, sqlite3_stmt*, std::less<>> m_statements;
};

/// The library's version, "3.40.1", for `dayrun --version`.
std::string sqlite_version();

}  // namespace dayrun::core
