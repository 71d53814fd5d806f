// A text that knows where each of its characters came from: the template, or the content of one
// message. Every string operation of a template keeps that, so what a reply's characters are in
// the rendered dialogue is known without looking for them. Plain values: any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dayrun::core::jinja {

/// Origin of what the template itself wrote; messages count from 0.
inline constexpr int32_t kFromTemplate = -1;

/// Characters in a row with one origin.
struct Run {
    size_t size = 0;  // bytes, above 0
    int32_t origin = kFromTemplate;
    bool is_generated = false;  // inside {% generation %}
};

class Text {
  public:
    Text() = default;
    explicit Text(std::string bytes, int32_t origin = kFromTemplate);

    const std::string& bytes() const { return m_bytes; }
    const std::vector<Run>& runs() const { return m_runs; }
    size_t size() const { return m_bytes.size(); }

    void append(const Text& other);
    void append(std::string_view bytes, int32_t origin = kFromTemplate);
    /// Bytes [begin, end) of `other`.
    void append_part(const Text& other, size_t begin, size_t end);
    Text part(size_t begin, size_t end) const;
    void mark_generated();

  private:
    void append_run(Run run);

    std::string m_bytes;
    std::vector<Run> m_runs;  // together m_bytes.size() bytes
};

}  // namespace dayrun::core::jinja
