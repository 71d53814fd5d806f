// Ends a streamed text where the first of its stop texts is whole, which may stand across the
// borders of tokens, without ever showing a part of one. One thread. Neighbour: stream_decoder.h
// gives the pieces.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dayrun::core {

class StopFilter {
  public:
    /// Empty stop texts are left out.
    explicit StopFilter(std::vector<std::string> stops);

    /// The text that may be shown now: what may be the beginning of a stop text waits.
    std::string push(std::string_view piece);
    /// Whether a stop text came: nothing more will be shown.
    bool is_stopped() const { return m_is_stopped; }
    /// What still waits when the text ends by itself.
    std::string finish();

  private:
    std::vector<std::string> m_stops;
    std::string m_waiting;
    bool m_is_stopped = false;
};

}  // namespace dayrun::core
