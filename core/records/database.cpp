// SQLite's C API, and its result codes turned into sentences. Neighbours: migrations.cpp,
// run_store.cpp and run_query.cpp hold the SQL. One Database per thread.
#include "core/records/database.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cmath>
#include <limits>

namespace dayrun::core {

namespace {

constexpr int kBusyTimeoutMs = 5000;

ErrorCode code_of(int sqlite_code) {
    switch (sqlite_code & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return ErrorCode::DatabaseBusy;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return ErrorCode::FileDamaged;
        case SQLITE_FULL:
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_CANTOPEN:
        case SQLITE_IOERR:
            return ErrorCode::DiskFull;
        case SQLITE_NOMEM:
            return ErrorCode::OutOfHostMemory;
        default:
            return ErrorCode::Internal;
    }
}

// SQLite's URI form, in which %, ? and # of a path must be escaped.
std::string uri_of(const std::filesystem::path& path, std::string_view query) {
    std::string escaped;
    for (const char c : path.string()) {
        if (c == '%' || c == '?' || c == '#') {
            escaped += fmt::format("%{:02x}", static_cast<unsigned char>(c));
        } else {
            escaped += c;
        }
    }
    return fmt::format("file:{}{}", escaped, query);
}

}  // namespace

int64_t SqlRow::integer(int column) const {
    return sqlite3_column_int64(m_statement, column);
}

double SqlRow::real(int column) const {
    if (sqlite3_column_type(m_statement, column) == SQLITE_NULL) {
        return std::numeric_limits<double>::quiet_NaN();
    }
    return sqlite3_column_double(m_statement, column);
}

std::string SqlRow::text(int column) const {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(m_statement, column));
    if (bytes == nullptr) return {};
    return {bytes, static_cast<size_t>(sqlite3_column_bytes(m_statement, column))};
}

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& path, Mode mode) {
    std::unique_ptr<Database> database(new Database(path));
    const int access =
        mode == Mode::ReadWrite ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    const int flags = access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE;
    const auto connect = [&](std::string_view query) {
        sqlite3_close_v2(std::exchange(database->m_connection, nullptr));
        return sqlite3_open_v2(uri_of(path, query).c_str(), &database->m_connection, flags,
                               nullptr);
    };
    if (connect("") != SQLITE_OK) return database->failure();
    sqlite3_busy_timeout(database->m_connection, kBusyTimeoutMs);
    if (mode == Mode::ReadOnly) {
        // The first read tells whether the WAL's shared memory can be used. In a read-only folder
        // it cannot; nobody writes there, so the file may be read as it is.
        if (database->integer("SELECT count(*) FROM sqlite_master").ok()) return database;
        const Error first = database->failure();
        if (first.code != ErrorCode::DiskFull || connect("?immutable=1") != SQLITE_OK) return first;
        TRY_VOID(database->integer("SELECT count(*) FROM sqlite_master").ok() ? Result<void>()
                                                                              : first);
        return database;
    }
    // FULL: a committed transaction survives a power cut too; the writer commits in batches.
    TRY_VOID(
        database->execute_script("PRAGMA journal_mode = WAL;"
                                 "PRAGMA synchronous = FULL;"
                                 "PRAGMA foreign_keys = ON;"));
    return database;
}

Database::~Database() {
    for (auto& [sql, statement] : m_statements) sqlite3_finalize(statement);
    sqlite3_close_v2(m_connection);
}

Result<sqlite3_stmt*> Database::prepared(std::string_view sql) {
    if (const auto found = m_statements.find(sql); found != m_statements.end()) {
        return found->second;
    }
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(m_connection, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) return failure();
    m_statements.emplace(sql, statement);
    return statement;
}

Result<void> Database::bind(sqlite3_stmt* statement, SqlValues values) const {
    int index = 0;
    for (const SqlValue& value : values) {
        ++index;
        int code = SQLITE_OK;
        if (const auto* integer = std::get_if<int64_t>(&value)) {
            code = sqlite3_bind_int64(statement, index, *integer);
        } else if (const auto* real = std::get_if<double>(&value)) {
            code = sqlite3_bind_double(statement, index, *real);
        } else if (const auto* text = std::get_if<std::string_view>(&value)) {
            code =
                sqlite3_bind_text64(statement, index, text->data() != nullptr ? text->data() : "",
                                    text->size(), SQLITE_STATIC, SQLITE_UTF8);
        } else {
            code = sqlite3_bind_null(statement, index);
        }
        if (code != SQLITE_OK) return failure();
    }
    return {};
}

Result<void> Database::query(std::string_view sql, SqlValues values,
                             const std::function<bool(const SqlRow&)>& on_row) {
    TRY(statement, prepared(sql));
    Result<void> outcome = bind(statement, values);
    int code = SQLITE_ROW;
    while (outcome.ok() && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        if (!on_row(SqlRow(statement))) break;
    }
    if (outcome.ok() && code != SQLITE_ROW && code != SQLITE_DONE) outcome = failure();
    // The bound texts are the caller's and must not be looked at after the call.
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return outcome;
}

Result<void> Database::execute(std::string_view sql, SqlValues values) {
    return query(sql, values, [](const SqlRow&) { return true; });
}

Result<int64_t> Database::integer(std::string_view sql, SqlValues values) {
    int64_t number = 0;
    TRY_VOID(query(sql, values, [&](const SqlRow& row) {
        number = row.integer(0);
        return false;
    }));
    return number;
}

Result<void> Database::execute_script(const std::string& sql) {
    if (sqlite3_exec(m_connection, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
        return failure();
    }
    return {};
}

Result<void> Database::transaction(const std::function<Result<void>()>& body) {
    TRY_VOID(execute_script("BEGIN IMMEDIATE"));
    Result<void> outcome = body();
    if (outcome.ok()) outcome = execute_script("COMMIT");
    // A full disk may have rolled back already; a second ROLLBACK then only says so.
    if (!outcome.ok() && sqlite3_get_autocommit(m_connection) == 0) {
        sqlite3_exec(m_connection, "ROLLBACK", nullptr, nullptr, nullptr);
    }
    return outcome;
}

Error Database::failure() const {
    return failure(sqlite3_extended_errcode(m_connection), sqlite3_errmsg(m_connection));
}

Error Database::failure(int code, std::string_view text) const {
    Error error{.code = code_of(code), .detail = fmt::format("SQLite {}: {}", code, text)};
    const std::string name = m_path.string();
    switch (error.code) {
        case ErrorCode::DatabaseBusy:
            error.message = fmt::format("{} is being written by another program.", name);
            error.hint = "Close the other program, or wait until it is done.";
            break;
        case ErrorCode::FileDamaged:
            error.message = fmt::format("{} is not a readable database ({}).", name, text);
            error.hint = "Restore it from a copy; the files in runs/ are not affected.";
            break;
        case ErrorCode::DiskFull:
            error.message = fmt::format("{} cannot be written ({}).", name, text);
            error.hint = "Free space on the disk, or make the folder writable.";
            break;
        default:
            error.message = fmt::format("{} cannot be used ({}).", name, text);
    }
    return error;
}

std::string sqlite_version() {
    return sqlite3_libversion();
}

}  // namespace dayrun::core
