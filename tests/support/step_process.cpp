// Body of step_process.h.
#include "tests/support/step_process.h"

#include <cmath>

namespace dayrun::tests {

StepProcess::StepProcess(const QString& program, QStringList arguments,
                         const nlohmann::json& settings) {
    arguments << QString::fromStdString(settings.dump());
    // Threads wait as each program has them wait, whatever this shell says.
    auto environment = QProcessEnvironment::systemEnvironment();
    for (const char* const name : {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "OMP_NUM_THREADS"}) {
        environment.remove(QString::fromLatin1(name));
    }
    m_process.setProcessEnvironment(environment);
    m_process.start(program, arguments);
    m_is_ready = read_answer().is_object();
}

StepProcess::~StepProcess() {
    m_process.closeWriteChannel();
    if (!m_process.waitForFinished(30'000)) m_process.kill();
}

nlohmann::json StepProcess::ask(const std::string& command) {
    m_process.write((command + "\n").c_str());
    return read_answer();
}

double StepProcess::number(const std::string& command, const std::string& field) {
    const nlohmann::json answer = ask(command);
    return answer.is_object() && answer.contains(field) ? answer[field].get<double>() : NAN;
}

nlohmann::json StepProcess::read_answer() {
    constexpr int kLongest_ms = 600'000;
    while (!m_process.canReadLine()) {
        if (!m_process.waitForReadyRead(kLongest_ms)) break;
    }
    const std::string line = m_process.readLine().toStdString();
    auto answer = nlohmann::json::parse(line, nullptr, false);
    if (answer.is_object() && !answer.contains("error")) return answer;
    m_problem = answer.is_object() ? answer["error"].get<std::string>()
                                   : line + m_process.readAllStandardError().toStdString();
    return nullptr;
}

}  // namespace dayrun::tests
