// The optimizers through the engine's own parameters: 8-bit states against reference data and
// against 32-bit ones, paged states bit-equal to those in place, and states that come back.
#include <QTemporaryDir>
#include <QTest>
#include <cstring>

#include "core/base/rng.h"
#include "core/engine/optimizer/optimizer.h"
#include "kernels/adamw8bit/adamw8bit.h"
#include "tests/engine/engine_support.h"
#include "tests/kernels/golden_file.h"
#include "tests/support/shared.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;
using namespace dayrun::engine;
using namespace dayrun::tests;
using dayrun::kernels::tests::GoldenFile;

namespace {

void fill_normal(float* values, int64_t count, uint64_t seed, double scale) {
    Rng rng(seed, "optimizer test");
    for (int64_t i = 0; i < count; ++i) values[i] = static_cast<float>(scale * rng.normal());
}

/// A large weight, one just under the smallest 8-bit tensor, and a bias.
std::unique_ptr<ParameterSet> make_parameters(Dtype compute = Dtype::BFloat16) {
    auto parameters = std::make_unique<ParameterSet>(compute);
    parameters->add_block({{"a.lora_A.weight", {50, 101}}, {"b.lora_B.weight", {45, 91}}});
    parameters->add_block({{"c.bias", {33}}});
    uint64_t seed = 1;
    for (Parameter& parameter : parameters->all()) {
        fill_normal(parameter.value, parameter.count, seed++, 0.1);
    }
    parameters->refresh_copies();
    return parameters;
}

void steps(Optimizer& optimizer, ParameterSet& parameters, int first, int last) {
    for (int step = first; step < last; ++step) {
        uint64_t seed = 100 * static_cast<uint64_t>(step);
        for (Parameter& parameter : parameters.all()) {
            fill_normal(parameter.gradient, parameter.count, ++seed, 1.0);
        }
        const dayrun::kernels::StepGate gate{.clip = 0.7F};
        optimizer.step(1e-2, &gate);
    }
}

bool same_bits(const ParameterSet& a, const ParameterSet& b) {
    for (size_t i = 0; i < a.all().size(); ++i) {
        const Parameter &one = a.all()[i], &other = b.all()[i];
        const auto count = static_cast<size_t>(one.count);
        if (std::memcmp(one.value, other.value, count * 4) != 0) return false;
        if (one.copy != nullptr && std::memcmp(one.copy, other.copy, count * 2) != 0) return false;
    }
    return true;
}

/// A pager as a device's: two slots, pieces really copied there and back, and the order checked.
class TwoSlotPager : public StatePager {
  public:
    explicit TwoSlotPager(int64_t limit, int& fetches, bool& in_order)
        : m_limit(limit), m_fetches(fetches), m_in_order(in_order) {
        for (auto& slot : m_slots) slot.resize(static_cast<size_t>(2 * limit));
    }
    Buffer make_states(int64_t bytes) override {
        Buffer states(bytes, MemoryPart::Optimizer);
        states.fill_zero();
        return states;
    }
    int64_t piece_limit() const override { return m_limit; }
    void prefetch(size_t index, const StatePiece& piece) override {
        m_in_order = m_in_order && m_owner[index % 2] < 0 && piece.count <= m_limit;
        m_owner[index % 2] = static_cast<int64_t>(index);
        const StatePiece here = slot(index, piece);
        std::memcpy(here.m, piece.m, static_cast<size_t>(piece.count) * 4);
        std::memcpy(here.v, piece.v, static_cast<size_t>(piece.count) * 4);
        ++m_fetches;
    }
    StatePiece fetched(size_t index, const StatePiece& piece) override {
        m_in_order = m_in_order && m_owner[index % 2] == static_cast<int64_t>(index);
        return slot(index, piece);
    }
    void finish(size_t index, const StatePiece& piece) override {
        const StatePiece here = slot(index, piece);
        std::memcpy(piece.m, here.m, static_cast<size_t>(piece.count) * 4);
        std::memcpy(piece.v, here.v, static_cast<size_t>(piece.count) * 4);
        m_owner[index % 2] = -1;
    }
    void settle() override { m_in_order = m_in_order && m_owner[0] < 0 && m_owner[1] < 0; }

  private:
    StatePiece slot(size_t index, const StatePiece& piece) {
        float* const data = m_slots[index % 2].data();
        return {data, data + m_limit, piece.count};
    }
    std::vector<float> m_slots[2];
    int64_t m_owner[2] = {-1, -1};
    int64_t m_limit;
    int& m_fetches;
    bool& m_in_order;
};

OptimizerSpec spec_of(OptimizerName name) {
    OptimizerSpec spec;
    spec.name = name;
    spec.weight_decay = 0.01;
    return spec;
}

}  // namespace

class TestOptimizers : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void adamw_8bit_codes_are_the_reference_ones_data() {
        QTest::addColumn<int>("size");
        QTest::newRow("5000") << 5000;
        QTest::newRow("8192") << 8192;
    }
    void adamw_8bit_codes_are_the_reference_ones() {
        QFETCH(int, size);
        DAYRUN_REQUIRE_SHARED(path, "goldens/adamw8bit.safetensors");
        const GoldenFile golden(path);
        const std::string name = std::to_string(size);
        ParameterSet parameters(Dtype::Float32);
        Parameter& parameter = *parameters.add_block({{"w.lora_A.weight", {size}}}).front();
        const std::vector<float> start = golden.floats(name + ".param0");
        std::copy(start.begin(), start.end(), parameter.value);
        const auto optimizer = make_optimizer(spec_of(OptimizerName::AdamW8bit), parameters);
        int compared = 0;
        for (int step = 1; step <= 20; ++step) {
            const std::string prefix = name + ".step" + std::to_string(step);
            const std::vector<float> gradient = golden.floats(prefix + ".grad");
            std::copy(gradient.begin(), gradient.end(), parameter.gradient);
            const dayrun::kernels::StepGate gate{.clip = 1.0F};
            optimizer->step(1e-3, &gate);
            if (!golden.has(prefix + ".state1")) continue;
            for (const Optimizer::State& state : optimizer->states()) {
                const std::string key = prefix + "." + state.name.substr(0, state.name.find('.'));
                if (state.dtype == TensorDtype::UInt8) {
                    const std::vector<uint8_t> want = golden.codes(key);
                    QCOMPARE(static_cast<int64_t>(want.size()), state.bytes);
                    QVERIFY2(std::memcmp(want.data(), state.data, want.size()) == 0, key.c_str());
                } else {
                    const std::vector<float> want = golden.floats(key);
                    QVERIFY(largest_difference({static_cast<float*>(state.data), want.size()},
                                               want) < 1e-6);
                }
                ++compared;
            }
            const std::vector<float> want = golden.floats(prefix + ".param");
            QVERIFY(largest_difference(value_of(parameter), want) < 1e-6);
        }
        QCOMPARE(compared, 4 * 4);  // four states after four of the steps
    }

    void small_tensors_keep_32_bit_states() {
        const auto narrow = make_parameters(), wide = make_parameters();
        const auto eight = make_optimizer(spec_of(OptimizerName::AdamW8bit), *narrow);
        const auto full = make_optimizer(spec_of(OptimizerName::AdamW), *wide);
        steps(*eight, *narrow, 0, 5);
        steps(*full, *wide, 0, 5);
        const auto& small = narrow->all()[1];
        QVERIFY(small.count == 4095 && narrow->all()[0].count == 5050);
        QVERIFY(std::memcmp(small.value, wide->all()[1].value, 4 * 4095) == 0);
        QVERIFY(std::memcmp(small.copy, wide->all()[1].copy, 2 * 4095) == 0);
        // The large one differs by the rounding of its states, and little.
        const auto got = value_of(narrow->all()[0]), want = value_of(wide->all()[0]);
        QVERIFY(std::memcmp(got.data(), want.data(), 4 * 5050) != 0);
        QVERIFY(relative_difference(got, want) < 0.05);
        const auto bytes = [](Optimizer& optimizer) {
            int64_t sum = 0;
            for (const Optimizer::State& state : optimizer.states()) sum += state.bytes;
            return sum;
        };
        QCOMPARE(bytes(*eight), int64_t{2 * 5050 + 2 * 4 * 20 + 8 * (4095 + 33)});
        QCOMPARE(bytes(*full), int64_t{8 * (5050 + 4095 + 33)});
    }

    void paged_states_are_bit_equal_data() {
        QTest::addColumn<int>("limit");
        QTest::newRow("pieces that cut parameters") << 1000;
        QTest::newRow("one large piece") << 100000;
    }
    void paged_states_are_bit_equal() {
        QFETCH(int, limit);
        const auto paged = make_parameters(), plain = make_parameters();
        int fetches = 0;
        bool in_order = true;
        const auto pager_optimizer =
            make_optimizer(spec_of(OptimizerName::PagedAdamW32bit), *paged,
                           std::make_unique<TwoSlotPager>(limit, fetches, in_order));
        const auto optimizer = make_optimizer(spec_of(OptimizerName::AdamW), *plain);
        steps(*pager_optimizer, *paged, 0, 4);
        steps(*optimizer, *plain, 0, 4);
        QVERIFY(same_bits(*paged, *plain));
        QCOMPARE(fetches, 4 * (9178 / limit + 1));
        const auto a = pager_optimizer->states(), b = optimizer->states();
        QVERIFY(in_order);
        QCOMPARE(a.size(), b.size());
        for (size_t i = 0; i < a.size(); ++i) {
            QCOMPARE(a[i].name, b[i].name);
            QVERIFY(std::memcmp(a[i].data, b[i].data, static_cast<size_t>(a[i].bytes)) == 0);
        }
    }

    void a_reset_optimizer_starts_anew_data() { add_names(); }
    void a_reset_optimizer_starts_anew() {
        QFETCH(int, name);
        const OptimizerSpec spec = spec_of(static_cast<OptimizerName>(name));
        const auto used = make_parameters(), fresh = make_parameters(), start = make_parameters();
        const auto again = make_optimizer(spec, *used), optimizer = make_optimizer(spec, *fresh);
        steps(*again, *used, 7, 9);
        for (size_t i = 0; i < used->all().size(); ++i) {
            const Parameter& parameter = start->all()[i];
            std::copy_n(parameter.value, parameter.count, used->all()[i].value);
        }
        again->reset();
        steps(*again, *used, 0, 3);
        steps(*optimizer, *fresh, 0, 3);
        QVERIFY(same_bits(*used, *fresh));
        QCOMPARE(again->step_count(), int64_t{3});
    }

    void a_run_continues_bit_equal_data() { add_names(); }
    void a_run_continues_bit_equal() {
        QFETCH(int, name);
        const QTemporaryDir folder;
        const std::filesystem::path base = folder.filePath("base").toStdString();
        const std::filesystem::path state = folder.filePath("state").toStdString();
        QVERIFY(write_tiny_model(base, {.hidden = 48, .intermediate = 160}, 5));
        Recipe recipe = lora_recipe(base, 32);  // 32 * 160 elements: large enough for 8 bits
        recipe.optimizer.name = static_cast<OptimizerName>(name);
        const auto train = [](DecoderEngine& engine, int first, int last) {
            std::vector<double> losses;
            for (int step = first; step < last; ++step) {
                const PackedBatch batch =
                    make_batch({random_row(20, 67, static_cast<uint64_t>(step))}, 0);
                if (!engine.accumulate(batch, static_cast<double>(batch.target_token_count)).ok()) {
                    return std::vector<double>();
                }
                losses.push_back(engine.apply_step(0.01)->loss);
            }
            return losses;
        };
        const auto straight = open_engine(recipe), first = open_engine(recipe),
                   second = open_engine(recipe);
        QVERIFY(straight && first && second);
        const std::vector<double> want = train(*straight, 0, 6);
        const std::vector<double> before = train(*first, 0, 3);
        REQUIRE_OK(first->save_state(state));
        REQUIRE_OK(second->load_state(state));
        const std::vector<double> after = train(*second, 3, 6);
        QCOMPARE(want.size(), size_t{6});
        QVERIFY(std::equal(before.begin(), before.end(), want.begin()));
        QVERIFY(std::equal(after.begin(), after.end(), want.begin() + 3));
        QVERIFY(want[5] < want[0]);
    }

  private:
    static void add_names() {
        QTest::addColumn<int>("name");
        QTest::newRow("adamw") << static_cast<int>(OptimizerName::AdamW);
        QTest::newRow("adamw_8bit") << static_cast<int>(OptimizerName::AdamW8bit);
        QTest::newRow("paged_adamw_32bit") << static_cast<int>(OptimizerName::PagedAdamW32bit);
    }
};

DAYRUN_TEST(TestOptimizers)
#include "test_optimizers.moc"
