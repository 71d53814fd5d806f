// Neighbours: sample_table_model.cpp (cells), stages/data/rows_page.cpp (whole text).
#include "ui/models/sample_text.h"

#include <QCoreApplication>
#include <QRegularExpression>
#include <array>

#include "ui/look/text.h"

namespace dayrun::ui {
namespace {

QString tr(const char* text) {
    return QCoreApplication::translate("SampleText", text);
}

QString oneLine(const QString& text, int limit) {
    QString line = text.left(qsizetype{2} * limit).simplified();
    if (line.size() > limit) line = line.left(limit - 1) + QChar(0x2026);
    return line;
}

QString roleName(core::Role role) {
    switch (role) {
        case core::Role::System:
            return tr("System");
        case core::Role::User:
            return tr("User");
        case core::Role::Assistant:
            return tr("Reply");
    }
    return {};
}

}  // namespace

std::vector<SamplePart> sampleParts(const core::Sample& sample) {
    std::vector<SamplePart> parts;
    // Fields are the finer view of one instruction; a longer dialogue is shown turn by turn.
    const bool is_instruction = !sample.field("response").empty() && sample.messages().size() <= 3;
    if (is_instruction) {
        const std::array<std::pair<const char*, QString>, 4> names{
            {{"system", tr("System")},
             {"instruction", tr("Instruction")},
             {"input", tr("Input")},
             {"response", tr("Reply")}}};
        for (const auto& [field, name] : names) {
            const std::string_view text = sample.field(field);
            if (!text.empty()) parts.push_back({name, toQt(text), field == names[3].first});
        }
        return parts;
    }
    for (const core::Message message : sample.messages()) {
        parts.push_back({roleName(message.role), toQt(message.content), message.is_trained});
    }
    if (parts.empty() && !sample.field("text").empty()) {
        parts.push_back({tr("Text"), toQt(sample.field("text")), true});
    }
    if (parts.empty() && !sample.token_ids.empty()) {
        QStringList ids;
        for (const int32_t id : sample.token_ids) ids << QString::number(id);
        parts.push_back({tr("Token ids"), ids.join(QLatin1Char(' ')), true});
    }
    return parts;
}

QString promptLine(const core::Sample& sample, int limit) {
    QStringList asked;
    for (const SamplePart& part : sampleParts(sample)) {
        if (!part.is_trained || part.name == tr("Text") || part.name == tr("Token ids")) {
            asked << part.text.left(qsizetype{2} * limit);
        }
    }
    return oneLine(asked.join(QStringLiteral(" \u00b7 ")), limit);
}

QString replyLine(const core::Sample& sample, int limit) {
    const std::vector<SamplePart> parts = sampleParts(sample);
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
        const bool is_whole = part->name == tr("Text") || part->name == tr("Token ids");
        if (part->is_trained && !is_whole) return oneLine(part->text, limit);
    }
    return {};
}

int wordCount(const core::Sample& sample) {
    int words = 0;
    for (const SamplePart& part : sampleParts(sample)) {
        bool in_word = false;
        for (const QChar letter : part.text) {
            const bool is_space = letter.isSpace();
            words += !is_space && !in_word ? 1 : 0;
            in_word = !is_space;
        }
    }
    return words;
}

}  // namespace dayrun::ui
