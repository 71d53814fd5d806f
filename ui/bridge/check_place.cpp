// Neighbours: core/plan/data_checks.cpp names the checks, stages/plan asks, stages/data shows.
#include "ui/bridge/check_place.h"

#include <array>
#include <utility>

namespace dayrun::ui {

CheckPlace placeOfCheck(const QString& check) {
    static const std::array<std::pair<QString, CheckPlace>, 8> s_places{
        {{QStringLiteral("training rows"), CheckPlace::LeftOut},
         {QStringLiteral("rows left out"), CheckPlace::LeftOut},
         {QStringLiteral("data"), CheckPlace::Rows},
         {QStringLiteral("train/validation overlap"), CheckPlace::Overlap},
         {QStringLiteral("stop token trained"), CheckPlace::StopNotTrained},
         {QStringLiteral("lost tokens"), CheckPlace::CutOff},
         {QStringLiteral("exactly one BOS"), CheckPlace::NotOneBos},
         {QStringLiteral("no BOS"), CheckPlace::NotOneBos}}};
    for (const auto& [name, place] : s_places) {
        if (name == check) return place;
    }
    return CheckPlace::None;
}

}  // namespace dayrun::ui
