// Kept by QSettings in the person's configuration folder.
#include "ui/project/window_memory.h"

#include <QDir>
#include <QSettings>

namespace dayrun::ui {
namespace {

constexpr int kRecentCount = 8;

// QSettings cannot be returned by value; this makes the one place that names the file.
struct Kept : QSettings {
    Kept() : QSettings(QStringLiteral("Dayrun"), QStringLiteral("Dayrun")) {}
};

}  // namespace

QStringList WindowMemory::recentProjects() const {
    if (m_memory == Memory::Forget) return {};
    QStringList known = Kept().value(QStringLiteral("recent")).toStringList();
    known.removeIf([](const QString& folder) { return !QDir(folder).exists(); });
    return known;
}

void WindowMemory::addRecentProject(const QString& folder) {
    if (m_memory == Memory::Forget) return;
    QStringList known = recentProjects();
    known.removeAll(folder);
    known.prepend(folder);
    Kept().setValue(QStringLiteral("recent"), QStringList(known.mid(0, kRecentCount)));
}

Appearance WindowMemory::appearance() const {
    if (m_memory == Memory::Forget) return Appearance::FollowSystem;
    const int value = Kept().value(QStringLiteral("appearance"), 0).toInt();
    return value == 1   ? Appearance::Light
           : value == 2 ? Appearance::Dark
                        : Appearance::FollowSystem;
}

void WindowMemory::setAppearance(Appearance appearance) {
    if (m_memory == Memory::Forget) return;
    Kept().setValue(QStringLiteral("appearance"), static_cast<int>(appearance));
}

QByteArray WindowMemory::geometry() const {
    if (m_memory == Memory::Forget) return {};
    return Kept().value(QStringLiteral("geometry")).toByteArray();
}

QByteArray WindowMemory::dockState() const {
    if (m_memory == Memory::Forget) return {};
    return Kept().value(QStringLiteral("docks")).toByteArray();
}

void WindowMemory::setLayout(const QByteArray& geometry, const QByteArray& docks) {
    if (m_memory == Memory::Forget) return;
    Kept kept;
    kept.setValue(QStringLiteral("geometry"), geometry);
    kept.setValue(QStringLiteral("docks"), docks);
}

}  // namespace dayrun::ui
