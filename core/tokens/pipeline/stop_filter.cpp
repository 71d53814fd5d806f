// Body of stop_filter.h.
#include "core/tokens/pipeline/stop_filter.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace dayrun::core {
namespace {

// The length of the longest end of `text` that begins `stop`.
size_t begun(std::string_view text, std::string_view stop) {
    size_t length = std::min(text.size(), stop.size() - 1);
    while (length > 0 && !stop.starts_with(text.substr(text.size() - length))) --length;
    return length;
}

}  // namespace

StopFilter::StopFilter(std::vector<std::string> stops) : m_stops(std::move(stops)) {
    std::erase(m_stops, std::string());
}

std::string StopFilter::push(std::string_view piece) {
    if (m_is_stopped) return {};
    m_waiting += piece;
    // The stop text that is whole first, and of those the longest: so it does not matter how the
    // text is cut into pieces.
    size_t end = std::string::npos, begin = std::string::npos, held = 0;
    for (const std::string& stop : m_stops) {
        held = std::max(held, begun(m_waiting, stop));
        const size_t at = m_waiting.find(stop);
        if (at == std::string::npos) continue;
        std::tie(end, begin) = std::min(std::pair(end, begin), std::pair(at + stop.size(), at));
    }
    if (begin != std::string::npos) {
        m_is_stopped = true;
        m_waiting.resize(begin);
        return std::exchange(m_waiting, {});
    }
    std::string shown = m_waiting.substr(0, m_waiting.size() - held);
    m_waiting.erase(0, shown.size());
    return shown;
}

std::string StopFilter::finish() {
    return std::exchange(m_waiting, {});
}

}  // namespace dayrun::core
