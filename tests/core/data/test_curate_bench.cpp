// Near duplicates of 200,000 rows of 100 words, in core-seconds. Prints a table; `./test --bench`.
#include <QTest>

#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/data/curate/near_dedupe.h"
#include "tests/support/test_registry.h"

using namespace dayrun::core;

class TestCurateBench : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void near_duplicates_of_200000_rows() {
        constexpr uint32_t kRows = 200'000;
        constexpr size_t kWords = 100;
        Rng rng(1);
        std::vector<std::vector<uint32_t>> rows(kRows);
        uint32_t planted = 0;
        for (uint32_t i = 0; i < kRows; ++i) {
            // Every tenth row is an earlier one with one to three words changed.
            if (i > 0 && i % 10 == 0) {
                rows[i] = rows[rng.below(i)];
                for (uint64_t k = rng.below(3) + 1; k > 0; --k) {
                    rows[i][rng.below(kWords)] = static_cast<uint32_t>(rng.next()) | 1u;
                }
                ++planted;
                continue;
            }
            // Words as frequent as in a language: a few everywhere, most of them rare.
            for (size_t k = 0; k < kWords; ++k) {
                const double u = rng.uniform();
                rows[i].push_back(static_cast<uint32_t>(50'000 * u * u * u) + 1);
            }
        }
        const std::vector<std::span<const uint32_t>> spans(rows.begin(), rows.end());
        const double start = process_cpu_s();
        const auto found = find_near_duplicates(spans, {.threshold = 0.8, .seed = 1});
        const double cpu_s = process_cpu_s() - start;
        std::printf("%-44s %12s\n", "near dedupe, 200,000 rows of 100 words", "");
        std::printf("%-44s %12.2f\n", "core-seconds (at most 120)", cpu_s);
        std::printf("%-44s %12zu\n", "near duplicates found", found.size());
        std::printf("%-44s %12u\n", "rows planted with 1 to 3 changed words", planted);
        std::printf("%-44s %12.1f\n", "peak memory, MiB",
                    static_cast<double>(peak_resident_bytes()) / 1048576);
        QVERIFY(cpu_s < 120);
        QVERIFY(found.size() > planted * 8 / 10);
    }
};

DAYRUN_TEST(TestCurateBench)
#include "test_curate_bench.moc"
