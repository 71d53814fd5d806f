// How the parts of a template look, in the token lens and in the template's preview: a tint, a name
// where the part begins, trained text bold and underlined. Colour is never alone. Ui thread.
#pragma once

#include <QColor>
#include <QString>
#include <QTextCharFormat>
#include <string>
#include <vector>

namespace dayrun::ui {

/// The tint behind a part; invalid for parts without one.
QColor partTint(const std::string& part);
/// "instruction" in its tint, for each of these parts that has one, then trained and masked.
QString partLegend(const std::vector<std::string>& parts);
/// A piece of text of a part; without `shows_masks` trained and masked look alike.
QTextCharFormat partFormat(const std::string& part, bool is_trained, bool shows_masks = true);
/// The small name in front of a part.
QTextCharFormat smallFormat(const QColor& color, const QFont& base);
/// Whether a part is named where it begins: those that say more than trained and masked do.
bool isNamedPart(const std::string& part);

}  // namespace dayrun::ui
