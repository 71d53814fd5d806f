// Words of the levels. Neighbour: preflight_check.h.
#include "core/plan/preflight_check.h"

namespace dayrun::core {

std::string_view to_string(CheckLevel level) {
    switch (level) {
        case CheckLevel::Green:
            return "green";
        case CheckLevel::Amber:
            return "amber";
        case CheckLevel::Red:
            return "red";
    }
    return "red";
}

}  // namespace dayrun::core
