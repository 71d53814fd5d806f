// Neighbours: token_lens.cpp and stages/data/template_page.cpp draw with it.
#include "ui/panels/part_format.h"

#include <QCoreApplication>
#include <QStringList>
#include <algorithm>
#include <array>

#include "ui/look/theme.h"

namespace dayrun::ui {
namespace {

QString tr(const char* text) {
    return QCoreApplication::translate("PartFormat", text);
}

// The parts that have a colour, in the order of the legend; the template's own words have none.
struct PartColor {
    const char* part;
    int series;  // of Theme::seriesPen
};
constexpr std::array<PartColor, 7> kParts{{{"system", 4},
                                           {"instruction", 0},
                                           {"input", 2},
                                           {"response", 1},
                                           {"stop", 3},
                                           {"text", 1},
                                           {"trained", 1}}};

QColor mixed(const QColor& over, const QColor& under, double share) {
    const auto part = [share](int a, int b) {
        return static_cast<int>(a * share + b * (1 - share));
    };
    return {part(over.red(), under.red()), part(over.green(), under.green()),
            part(over.blue(), under.blue())};
}

}  // namespace

QColor partTint(const std::string& part) {
    for (const PartColor& known : kParts) {
        if (part != known.part) continue;
        const Theme& theme = Theme::instance();
        return mixed(theme.seriesPen(known.series).color(), theme.colors().surface,
                     theme.isDark() ? 0.30 : 0.18);
    }
    return {};
}

QString partLegend(const std::vector<std::string>& parts) {
    QStringList entries;
    for (const PartColor& known : kParts) {
        const bool occurs = std::find(parts.begin(), parts.end(), known.part) != parts.end();
        if (!occurs || !isNamedPart(known.part)) continue;
        entries << QStringLiteral("<span style=\"background-color:%1\">&nbsp;%2&nbsp;</span>")
                       .arg(partTint(known.part).name(), QLatin1String(known.part));
    }
    entries << tr("<b><u>trained</u></b>") << tr("masked");
    return entries.join(QStringLiteral("&nbsp; "));
}

QTextCharFormat partFormat(const std::string& part, bool is_trained, bool shows_masks) {
    const ThemeColors& colors = Theme::instance().colors();
    QTextCharFormat format;
    const bool is_marked = shows_masks && is_trained;
    format.setForeground(is_marked || !shows_masks ? colors.text : colors.muted);
    format.setFontWeight(is_marked ? QFont::DemiBold : QFont::Normal);
    format.setFontUnderline(is_marked);
    if (const QColor tint = partTint(part); tint.isValid()) format.setBackground(tint);
    return format;
}

QTextCharFormat smallFormat(const QColor& color, const QFont& base) {
    QTextCharFormat format;
    format.setForeground(color);
    format.setFontPointSize(base.pointSizeF() * 0.8);
    return format;
}

bool isNamedPart(const std::string& part) {
    return part != "trained" && part != "masked";
}

}  // namespace dayrun::ui
