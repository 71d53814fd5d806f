// Between core's UTF-8 std::string and Qt's QString, and the words of an Error.
// Plain functions: any thread.
#pragma once

#include <QString>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/base/error.h"
#include "core/base/units.h"

namespace dayrun::ui {

inline QString toQt(std::string_view text) {
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}
inline QString pathText(const std::filesystem::path& path) {
    return toQt(path.string());
}
inline std::string toStd(const QString& text) {
    return text.toUtf8().toStdString();
}
inline std::filesystem::path toPath(const QString& text) {
    return std::filesystem::path(toStd(text));
}
/// "1 run", "3 runs": the number with the word that fits it.
inline QString counted(qint64 number, const QString& one, const QString& many) {
    return QString::number(number) + QLatin1Char(' ') + (number == 1 ? one : many);
}
/// "1,234,567".
inline QString numberText(int64_t value) {
    return toQt(core::format_count(value));
}
/// "file:line: message hint", as a person reads it.
inline QString toQt(const core::Error& error) {
    return toQt(error.text());
}

}  // namespace dayrun::ui
