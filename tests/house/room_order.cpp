// Body of room_order.h: the two lists of docs/dev/architecture.md.
#include "tests/house/room_order.h"

#include <algorithm>
#include <cstddef>

namespace dayrun::tests {
namespace {

std::string floor_of(const std::string& path) {
    return path.substr(0, path.find('/'));
}

// A room that has plug-ins of its own: each is a room that only looks back at it.
const std::vector<std::string> kPlugIns = {"engine/torch", "engine/cuda"};

std::ptrdiff_t place_of(const std::string& floor, const std::string& room) {
    const auto& order = room_order(floor);
    return std::find(order.begin(), order.end(), room) - order.begin();
}

}  // namespace

const std::vector<std::string>& room_order(const std::string& floor) {
    static const std::vector<std::string> s_core = {
        "base",         "schema",      "events",   "recipe",    "model",   "device", "quantize",
        "data",         "records",     "tokens",   "templates", "compile", "plan",   "engine",
        "engine/torch", "engine/cuda", "evaluate", "export",    "run"};
    static const std::vector<std::string> s_ui = {"look",   "charts", "bridge", "project", "forms",
                                                  "models", "panels", "stages", "shell"};
    static const std::vector<std::string> s_none;
    return floor == "core" ? s_core : floor == "ui" ? s_ui : s_none;
}

std::string room_of(const std::string& path) {
    if (room_order(floor_of(path)).empty()) return {};
    const std::size_t begin = path.find('/') + 1;
    for (const std::string& room : kPlugIns) {
        if (path.compare(begin, room.size() + 1, room + "/") == 0) return room;
    }
    const std::size_t end = path.find('/', begin);
    return end == std::string::npos ? std::string() : path.substr(begin, end - begin);
}

std::string against_order(const std::string& path, const std::string& included) {
    const std::string floor = floor_of(path);
    if (floor_of(included) != floor) return {};
    const std::string from = room_of(path), to = room_of(included);
    if (from.empty() || to.empty()) return {};
    const auto count = static_cast<std::ptrdiff_t>(room_order(floor).size());
    if (place_of(floor, from) == count) return from + " stands in no list of rooms";
    if (place_of(floor, to) == count) return to + " stands in no list of rooms";
    if (place_of(floor, to) > place_of(floor, from)) return from + " stands before " + to;
    return {};
}

}  // namespace dayrun::tests
