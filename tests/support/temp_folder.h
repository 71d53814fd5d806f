// A folder of its own for one test, removed with what is in it. Any thread.
#pragma once

#include <QTemporaryDir>
#include <filesystem>

namespace dayrun::tests {

class TempFolder {
  public:
    std::filesystem::path path() const { return m_folder.path().toStdString(); }
    std::filesystem::path operator/(const std::filesystem::path& name) const {
        return path() / name;
    }

  private:
    QTemporaryDir m_folder;
};

}  // namespace dayrun::tests
