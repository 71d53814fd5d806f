// The filter box over rows: words, "whole phrases", field:value and field:"a phrase", all of which
// a row must hold; letters' case does not count. Read-only after make: any thread.
#pragma once

#include <QString>
#include <vector>

#include "core/data/source_browser.h"

namespace dayrun::ui {

class RowFilter {
  public:
    static RowFilter make(const QString& text);
    /// No condition: every row fits.
    bool isEmpty() const { return m_conditions.empty(); }
    bool fits(const core::BrowsedRow& row) const;
    /// Row numbers below `end` that fit, from `begin` on; stops early when `stop` is asked for.
    core::Result<std::vector<int64_t>> find(const core::SourceBrowser& browser, int64_t begin,
                                            int64_t end, std::stop_token stop) const;

    /// One condition; an empty field means anywhere in the row.
    struct Condition {
        QString field;
        QString text;
        bool operator==(const Condition&) const = default;
    };
    const std::vector<Condition>& conditions() const { return m_conditions; }

  private:
    std::vector<Condition> m_conditions;
};

}  // namespace dayrun::ui
