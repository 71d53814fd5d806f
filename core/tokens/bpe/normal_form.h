// The four Unicode normal forms (UAX #15) of UTF-8 text. What is normal already, which is nearly
// every text, is recognised from one byte a character and left alone; of any other text only the
// stretches that may change go through utf8proc. Any thread. Neighbour: pipeline/normalizer.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dayrun::core {

class NormalForm {
  public:
    /// "NFC", "NFD", "NFKC" or "NFKD"; nullptr for any other name. It lives for ever.
    static const NormalForm* named(std::string_view name);

    /// Bytes that are no UTF-8 stay as they are.
    void apply(std::string& text) const;

  private:
    explicit NormalForm(int options);
    void append_normal(std::string_view stretch, std::string& result) const;
    size_t stretch_end(std::string_view text, size_t at) const;

    int m_options;                   // utf8proc's
    std::vector<uint8_t> m_classes;  // one entry a code point, see the .cpp
};

}  // namespace dayrun::core
