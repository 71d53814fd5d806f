// A trainer in a process of its own that does one thing at a time as it is told: Dayrun's
// tests/bench/train_steps.cpp or PEFT's tests/scenarios/peft/train_steps.py. Lives on the test's
// thread.
#pragma once

#include <QProcess>
#include <QStringList>
#include <nlohmann/json.hpp>
#include <string>

namespace dayrun::tests {

class StepProcess {
  public:
    /// Starts the program and waits until its model is loaded; see is_ready().
    StepProcess(const QString& program, QStringList arguments, const nlohmann::json& settings);
    ~StepProcess();

    bool is_ready() const { return m_is_ready; }
    /// What went wrong, in the program's own words.
    std::string problem() const { return m_problem; }

    /// Sends a command and waits for its answer; null with problem() set where none comes.
    nlohmann::json ask(const std::string& command);
    /// The same for a field that is a number; NaN where it does not come.
    double number(const std::string& command, const std::string& field);

  private:
    nlohmann::json read_answer();

    QProcess m_process;
    bool m_is_ready = false;
    std::string m_problem;
};

}  // namespace dayrun::tests
