// Choosing activation plans: the least recomputation within a budget, and how they read.
#include <QTest>
#include <limits>

#include "core/plan/memory/activation_plan.h"
#include "core/plan/memory/layer_memory.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;

namespace {

std::vector<LayerChoice> alike(size_t count) {
    return std::vector<LayerChoice>(count, {{100, 60, 20, 1}, {0, 3, 10, 10}});
}

/// The least cost of any plan at all, layer by layer in any order.
double least_cost(const std::vector<LayerChoice>& layers, int64_t budget, size_t at = 0) {
    if (budget < 0) return std::numeric_limits<double>::infinity();
    if (at == layers.size()) return 0;
    double least = std::numeric_limits<double>::infinity();
    for (size_t keep = 0; keep < 3; ++keep) {
        least = std::min(least, layers[at].cost[keep] +
                                    least_cost(layers, budget - layers[at].bytes[keep], at + 1));
    }
    return least;
}

}  // namespace

class TestActivationPlan : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void all_is_kept_when_it_fits() {
        const auto layers = alike(3);
        QCOMPARE(choose_plan(layers, 300, Offloading::Never), ActivationPlan(3, Keep::Everything));
    }

    void the_least_recomputation_is_chosen() {
        const auto layers = alike(5);
        for (int64_t budget = 100; budget <= 500; budget += 7) {
            const ActivationPlan plan = choose_plan(layers, budget, Offloading::Never);
            QVERIFY(kept_bytes(layers, plan) <= budget);
            QCOMPARE(recompute_cost(layers, plan), least_cost(layers, budget));
        }
    }

    void the_last_layers_keep_the_most() {
        QCOMPARE(choose_plan(alike(4), 20 + 60 + 60 + 60, Offloading::Never),
                 (ActivationPlan{Keep::InputOnly, Keep::DropGateUp, Keep::DropGateUp,
                                 Keep::DropGateUp}));
        QCOMPARE(choose_plan(alike(2), 60 + 100, Offloading::Never),
                 (ActivationPlan{Keep::DropGateUp, Keep::Everything}));
    }

    void a_plan_reads_as_runs_of_layers() {
        QCOMPARE(plan_text({Keep::InputOnly, Keep::InputOnly, Keep::DropGateUp, Keep::Everything}),
                 std::string("layers 1-2 keep their input, layer 3 drops gate and up, layer 4 "
                             "keeps everything"));
        QCOMPARE(plan_text({}), std::string());
    }

    void offloading_is_the_last_resort() {
        const auto layers = alike(4);
        const ActivationPlan plan = choose_plan(layers, 63, Offloading::WhenNeeded);
        QCOMPARE(plan, (ActivationPlan{Keep::Offload, Keep::InputOnly, Keep::InputOnly,
                                       Keep::InputOnly}));
        QCOMPARE(choose_plan(layers, 80, Offloading::WhenNeeded),
                 ActivationPlan(4, Keep::InputOnly));
        // Nothing fits: the fewest bytes.
        QCOMPARE(choose_plan(layers, 2, Offloading::WhenNeeded), ActivationPlan(4, Keep::Offload));
        QCOMPARE(choose_plan(layers, 2, Offloading::Never), ActivationPlan(4, Keep::InputOnly));
    }

    void layers_that_keep_nothing_cost_nothing() {
        std::vector<LayerChoice> layers = alike(3);
        layers[0] = {};
        const ActivationPlan plan = choose_plan(layers, 120, Offloading::Never);
        QCOMPARE(recompute_cost(layers, plan), least_cost(layers, 120));
    }

    void a_leaner_plan_keeps_a_part_of_a_fuller_one() {
        for (int value = 0; value < static_cast<int>(Saved::Count); ++value) {
            for (int keep = 1; keep < kKeepCount; ++keep) {
                const auto saved = static_cast<Saved>(value);
                QVERIFY(!is_kept(saved, static_cast<Keep>(keep)) ||
                        is_kept(saved, static_cast<Keep>(keep - 1)));
            }
        }
    }

    void bytes_and_cost_of_a_layer() {
        LayerShape shape{.hidden = 8,
                         .q = 8,
                         .kv = 4,
                         .heads = 2,
                         .kv_heads = 1,
                         .intermediate = 16,
                         .has_qk_norm = true,
                         .qkv_rank = 3,
                         .down_rank = 2};
        const LayerChoice choice = layer_choice(shape, 64, 2, 10);
        const auto at = [](const auto& values, Keep keep) {
            return values[static_cast<size_t>(keep)];
        };
        QCOMPARE(at(choice.bytes, Keep::InputOnly), int64_t{64 * (2 * 8 + 4)});
        QCOMPARE(at(choice.bytes, Keep::Offload), int64_t{64 * 4});
        const int64_t most = 2 * (8 + 16 + 3 + 8 + 8 + 2) + 4 * (1 + 2 + 1 + 2 + 1);
        QCOMPARE(at(choice.bytes, Keep::DropGateUp), 64 * most);
        QCOMPARE(at(choice.bytes, Keep::Everything), 64 * (most + 2 * 32));
        QCOMPARE(at(choice.cost, Keep::DropGateUp), 2.0 * 64 * 8 * 32);
        QCOMPARE(at(choice.cost, Keep::Everything), 0.0);
    }
};

DAYRUN_TEST(TestActivationPlan)
#include "test_activation_plan.moc"
