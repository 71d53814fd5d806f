// Starts other programs and collects what they say. One thread.
#pragma once

#include <QProcess>
#include <QStringList>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace dayrun::tests {

struct ProgramResult {
    int exit_code = -1;
    std::string output;
    std::string errors;

    /// Standard output as JSON lines.
    std::vector<nlohmann::json> lines() const {
        std::vector<nlohmann::json> all;
        for (size_t begin = 0; begin < output.size();) {
            const size_t end = std::min(output.find('\n', begin), output.size());
            all.push_back(nlohmann::json::parse(output.substr(begin, end - begin), nullptr, false));
            begin = end + 1;
        }
        return all;
    }
    /// The events of one kind.
    std::vector<nlohmann::json> events(const std::string& kind) const {
        std::vector<nlohmann::json> found;
        for (const auto& line : lines()) {
            if (line.is_object() && line.value("event", "") == kind) found.push_back(line);
        }
        return found;
    }
};

inline ProgramResult finish_program(QProcess& process, int timeout_ms = 300'000) {
    process.waitForFinished(timeout_ms);
    return {process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -1,
            process.readAllStandardOutput().toStdString(),
            process.readAllStandardError().toStdString()};
}

inline ProgramResult run_program(const QString& program, const QStringList& arguments) {
    QProcess process;
    process.start(program, arguments);
    return finish_program(process);
}

/// The environment of a program that loads `library` before all others.
inline QProcessEnvironment with_library(const QString& library) {
    QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
    environment.insert("LD_PRELOAD", library);
    // The address sanitizer wants to be first; nothing here stands in its way.
    environment.insert("ASAN_OPTIONS", "verify_asan_link_order=0");
    return environment;
}

}  // namespace dayrun::tests
