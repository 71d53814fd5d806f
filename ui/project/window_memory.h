// What the window remembers between starts: recent projects, appearance, places of the docks. One
// switch turns it off for pictures and tests. Ui thread.
#pragma once

#include <QByteArray>
#include <QStringList>

#include "ui/look/theme.h"

namespace dayrun::ui {

enum class Memory { Keep, Forget };

class WindowMemory {
  public:
    explicit WindowMemory(Memory memory) : m_memory(memory) {}

    QStringList recentProjects() const;
    void addRecentProject(const QString& folder);
    Appearance appearance() const;
    void setAppearance(Appearance appearance);
    QByteArray geometry() const;
    QByteArray dockState() const;
    void setLayout(const QByteArray& geometry, const QByteArray& docks);

  private:
    Memory m_memory;
};

}  // namespace dayrun::ui
