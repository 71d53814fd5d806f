// Reading the filter's text and holding rows against it. Neighbour: sample_table_model.cpp.
#include "ui/models/row_filter.h"

#include <algorithm>

#include "ui/look/text.h"
#include "ui/models/sample_text.h"

namespace dayrun::ui {
namespace {

constexpr int64_t kRowsPerRead = 200;

bool holds(const core::BrowsedRow& row, const RowFilter::Condition& condition) {
    const auto has = [&](const QString& text) {
        return text.contains(condition.text, Qt::CaseInsensitive);
    };
    if (condition.field.isEmpty()) {
        if (has(toQt(row.problem))) return true;
        for (const core::Sample& sample : row.samples) {
            for (const SamplePart& part : sampleParts(sample)) {
                if (has(part.text)) return true;
            }
        }
        return row.samples.empty() && has(toQt(row.value.text()));
    }
    const std::string field = toStd(condition.field);
    // The file's own columns count as fields, whatever the converter made of them.
    const core::Value* value = row.value.find(field);
    if (value != nullptr && has(toQt(value->text()))) return true;
    return std::any_of(row.samples.begin(), row.samples.end(),
                       [&](const core::Sample& sample) { return has(toQt(sample.field(field))); });
}

}  // namespace

RowFilter RowFilter::make(const QString& text) {
    RowFilter filter;
    Condition next;
    bool in_quotes = false;
    const auto finish = [&] {
        if (!next.text.isEmpty()) filter.m_conditions.push_back(next);
        next = {};
    };
    for (const QChar letter : text) {
        if (letter == QLatin1Char('"')) {
            in_quotes = !in_quotes;
        } else if (letter.isSpace() && !in_quotes) {
            finish();
        } else if (letter == QLatin1Char(':') && !in_quotes && next.field.isEmpty() &&
                   !next.text.isEmpty()) {
            next.field = next.text;
            next.text.clear();
        } else {
            next.text += letter;
        }
    }
    finish();
    return filter;
}

bool RowFilter::fits(const core::BrowsedRow& row) const {
    return std::all_of(m_conditions.begin(), m_conditions.end(),
                       [&](const Condition& condition) { return holds(row, condition); });
}

core::Result<std::vector<int64_t>> RowFilter::find(const core::SourceBrowser& browser,
                                                   int64_t begin, int64_t end,
                                                   std::stop_token stop) const {
    std::vector<int64_t> found;
    while (begin < end && !stop.stop_requested()) {
        const int64_t count = std::min(kRowsPerRead, end - begin);
        TRY(rows, browser.rows(begin, count));
        if (rows.empty()) break;
        for (const core::BrowsedRow& row : rows) {
            if (fits(row)) found.push_back(row.row_index);
        }
        begin += count;
    }
    return found;
}

}  // namespace dayrun::ui
