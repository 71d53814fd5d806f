// Runs the finished program as a person or a script would. One thread.
#pragma once

#include <QTemporaryDir>
#include <QTest>
#include <filesystem>
#include <memory>
#include <string>

#include "core/base/atomic_file.h"
#include "tests/support/run_program.h"

namespace dayrun::tests {

inline ProgramResult run_dayrun(const QStringList& arguments) {
    return run_program(QStringLiteral(DAYRUN_PROGRAM), arguments);
}

/// The base model that the project ships.
inline QString sample_base() {
    return QStringLiteral(DAYRUN_SOURCE_DIR "/resources/sample_project/base");
}

/// The folder that the programs of one test work in.
class ProgramFolder {
  protected:
    void make_folder() { m_folder = std::make_unique<QTemporaryDir>(); }
    std::filesystem::path path(const std::string& name) const {
        return std::filesystem::path(m_folder->path().toStdString()) / name;
    }
    QString file(const std::string& name) const {
        return QString::fromStdString(path(name).string());
    }
    void write(const std::string& name, const std::string& text) {
        QVERIFY(core::write_file(path(name), text).ok());
    }

  private:
    std::unique_ptr<QTemporaryDir> m_folder;
};

}  // namespace dayrun::tests
