// Body of stream_decoder.h.
#include "core/tokens/pipeline/stream_decoder.h"

#include <string_view>

namespace dayrun::core {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr size_t kLongestCharacter = 4;  // bytes, so at most as many ids wait for one character

}  // namespace

std::string StreamDecoder::text_behind_shown(bool is_end) {
    const std::string before = m_tokenizer.decode(std::vector<int32_t>(
        m_window.begin(), m_window.begin() + static_cast<ptrdiff_t>(m_shown_ids)));
    const std::string all = m_tokenizer.decode(m_window);
    if (all.size() <= before.size() || !all.starts_with(before)) return {};
    // A U+FFFD at the end may become a character with the next id, or stays one.
    const size_t waiting = m_window.size() - m_shown_ids;
    if (!is_end && all.ends_with(kReplacement) && waiting < kLongestCharacter) return {};
    m_window.erase(m_window.begin(), m_window.begin() + static_cast<ptrdiff_t>(m_shown_ids));
    m_shown_ids = m_window.size();
    return all.substr(before.size());
}

std::string StreamDecoder::push(int32_t id) {
    m_window.push_back(id);
    return text_behind_shown(false);
}

std::string StreamDecoder::finish() {
    std::string text = text_behind_shown(true);
    m_window.clear();
    m_shown_ids = 0;
    return text;
}

}  // namespace dayrun::core
