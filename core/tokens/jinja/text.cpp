// Body of text.h.
#include "core/tokens/jinja/text.h"

#include <algorithm>

namespace dayrun::core::jinja {

Text::Text(std::string bytes, int32_t origin) : m_bytes(std::move(bytes)) {
    append_run({m_bytes.size(), origin, false});
}

void Text::append_run(Run run) {
    if (run.size == 0) return;
    const bool joins = !m_runs.empty() && m_runs.back().origin == run.origin &&
                       m_runs.back().is_generated == run.is_generated;
    if (joins) {
        m_runs.back().size += run.size;
    } else {
        m_runs.push_back(run);
    }
}

void Text::append(const Text& other) {
    m_bytes += other.m_bytes;
    for (const Run& run : other.m_runs) append_run(run);
}

void Text::append(std::string_view bytes, int32_t origin) {
    m_bytes += bytes;
    append_run({bytes.size(), origin, false});
}

void Text::append_part(const Text& other, size_t begin, size_t end) {
    end = std::min(end, other.size());
    if (begin >= end) return;
    m_bytes.append(other.m_bytes, begin, end - begin);
    size_t at = 0;
    for (const Run& run : other.m_runs) {
        const size_t from = std::max(begin, at);
        const size_t to = std::min(end, at + run.size);
        if (from < to) append_run({to - from, run.origin, run.is_generated});
        at += run.size;
    }
}

Text Text::part(size_t begin, size_t end) const {
    Text found;
    found.append_part(*this, begin, end);
    return found;
}

void Text::mark_generated() {
    const std::vector<Run> runs = std::move(m_runs);
    m_runs.clear();
    for (const Run& run : runs) append_run({run.size, run.origin, true});
}

}  // namespace dayrun::core::jinja
