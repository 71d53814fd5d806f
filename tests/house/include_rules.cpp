// Body of include_rules.h: docs/dev/architecture.md's table in code.
#include "tests/house/include_rules.h"

#include <cctype>
#include <initializer_list>
#include <string_view>

namespace dayrun::tests {
namespace {

bool starts_with(std::string_view text, std::string_view start) {
    return text.substr(0, start.size()) == start;
}

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> starts) {
    for (const std::string_view start : starts) {
        if (starts_with(text, start)) return true;
    }
    return false;
}

bool is_torch(std::string_view included) {
    return starts_with_any(included, {"torch/", "ATen/", "c10/", "caffe2/"});
}

// <QWidget>, <QtCharts/QChart>, <qglobal.h>: Qt's headers begin so, the standard's never do.
bool is_qt(std::string_view included) {
    if (included.size() < 2) return false;
    if (included[0] == 'Q' && std::isupper(static_cast<unsigned char>(included[1]))) return true;
    return starts_with_any(included, {"Qt", "qglobal.h", "qobject"});
}

bool is_cuda(std::string_view included) {
    return starts_with_any(included, {"cuda", "cublas"});
}

bool is_sqlite(std::string_view included) {
    return starts_with_any(included, {"sqlite3", "SQLiteCpp/"});
}

bool is_yaml(std::string_view included) {
    return starts_with(included, "yaml-cpp/");
}

bool is_arrow(std::string_view included) {
    return starts_with_any(included, {"arrow/", "parquet/"});
}

// Of the engine the others see one header: the abstract class that it implements.
bool is_behind_door(std::string_view included) {
    return starts_with(included, "core/engine/") && included != "core/engine/engine.h";
}

std::string check_kernels(std::string_view included) {
    if (is_torch(included)) return "kernels never see torch";
    if (is_qt(included)) return "kernels never see Qt";
    if (is_sqlite(included)) return "kernels never see SQLite";
    if (starts_with_any(included, {"core/", "ui/", "app/"})) return "kernels is the lowest room";
    return {};
}

std::string check_core(std::string_view path, std::string_view included) {
    if (is_torch(included)) return "torch belongs to core/engine/torch and core/engine/cuda alone";
    if (is_qt(included)) return "core has no Qt";
    if (is_cuda(included)) return "core reaches CUDA through the plug-in only";
    if (starts_with_any(included, {"ui/", "app/"})) return "core never looks up";
    if (is_behind_door(included)) return "the rest of core knows core/engine/engine.h only";
    if (is_arrow(included) && !starts_with_any(path, {"core/data/", "core/compile/"})) {
        return "Arrow belongs to core/data and core/compile";
    }
    if (starts_with(included, "curl/") && !starts_with(path, "core/hub/")) {
        return "libcurl belongs to core/hub";
    }
    if (starts_with(included, "httplib") && !starts_with(path, "core/serve/")) {
        return "cpp-httplib belongs to core/serve";
    }
    return {};
}

std::string check_engine(std::string_view path, std::string_view included) {
    const bool is_plug_in = starts_with_any(path, {"core/engine/torch/", "core/engine/cuda/"});
    if (is_torch(included) && !is_plug_in) {
        return "torch belongs to core/engine/torch and core/engine/cuda alone";
    }
    if (is_qt(included)) return "the engine has no Qt: its slots macro cannot meet torch";
    if (starts_with_any(included, {"ui/", "app/"})) return "core never looks up";
    return {};
}

// "ui/stages/data/" of "ui/stages/data/source_table.h", else empty.
std::string_view stage_of(std::string_view path) {
    constexpr std::string_view kStages = "ui/stages/";
    if (!starts_with(path, kStages)) return {};
    const std::size_t slash = path.find('/', kStages.size());
    return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash + 1);
}

std::string check_ui(std::string_view path, std::string_view included) {
    if (is_torch(included)) return "ui never sees torch";
    if (is_cuda(included)) return "ui never sees CUDA";
    if (is_sqlite(included)) return "ui asks core/records, never SQLite";
    if (is_yaml(included)) return "ui asks core/recipe, never yaml-cpp";
    if (is_arrow(included)) return "ui asks core/data, never Arrow";
    if (is_behind_door(included)) return "ui knows core/engine/engine.h only";
    if (starts_with(included, "kernels/")) return "ui reaches kernels through core";
    if (starts_with(included, "app/")) return "ui never looks up";
    const std::string_view stage = stage_of(path);
    const std::string_view other = stage_of(included);
    if (!stage.empty() && !other.empty() && stage != other) return "stages never look sideways";
    return {};
}

std::string check_app(std::string_view included) {
    if (is_torch(included)) return "app never sees torch";
    if (is_sqlite(included)) return "app asks core/records, never SQLite";
    if (is_behind_door(included) && included != "core/engine/engine_factory.h") {
        return "the engine has one maker, core/engine/engine_factory.h";
    }
    return {};
}

}  // namespace

std::string forbidden_include(const std::string& path, const std::string& included) {
    if (starts_with(path, "kernels/")) return check_kernels(included);
    if (starts_with(path, "core/engine/")) return check_engine(path, included);
    if (starts_with(path, "core/")) return check_core(path, included);
    if (starts_with(path, "ui/")) return check_ui(path, included);
    if (starts_with(path, "app/")) return check_app(included);
    return {};
}

}  // namespace dayrun::tests
