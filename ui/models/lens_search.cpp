// Neighbour: panels/token_lens.cpp shows the places.
#include "ui/models/lens_search.h"

#include <algorithm>

#include "ui/look/text.h"

namespace dayrun::ui {
namespace {

// The piece as a person reads it: sentencepiece and byte-level BPE write a space and a line break
// as letters of their own.
QString plainPiece(const std::string& piece) {
    if (piece == "<0x0A>") return QStringLiteral("\n");
    return toQt(piece)
        .replace(QChar(0x2581), QLatin1Char(' '))
        .replace(QChar(0x0120), QLatin1Char(' '))
        .replace(QChar(0x010A), QLatin1Char('\n'));
}

}  // namespace

std::vector<TokenRange> findTokens(const std::vector<core::LensToken>& tokens,
                                   const QString& text) {
    std::vector<TokenRange> found;
    if (text.isEmpty()) return found;
    if (text.startsWith(QStringLiteral("id:"))) {
        bool is_number = false;
        const int32_t id = text.mid(3).trimmed().toInt(&is_number);
        for (size_t i = 0; is_number && i < tokens.size(); ++i) {
            if (tokens[i].id == id) found.emplace_back(i, i + 1);
        }
        return found;
    }
    QString all;
    std::vector<qsizetype> ends;  // of each token in `all`
    for (const core::LensToken& token : tokens) {
        all += plainPiece(token.piece);
        ends.push_back(all.size());
    }
    const auto token_at = [&](qsizetype place) {
        return static_cast<size_t>(std::upper_bound(ends.begin(), ends.end(), place) -
                                   ends.begin());
    };
    for (qsizetype at = all.indexOf(text, 0, Qt::CaseInsensitive); at >= 0;
         at = all.indexOf(text, at + text.size(), Qt::CaseInsensitive)) {
        found.emplace_back(token_at(at), token_at(at + text.size() - 1) + 1);
    }
    return found;
}

}  // namespace dayrun::ui
