// A fuzzer's seeds with random bytes changed, for the short runs without libFuzzer. Neighbours:
// the test_fuzz_slow.cpp of the rooms whose readers strangers' files reach.
#pragma once

#include <QTest>
#include <filesystem>
#include <random>
#include <string>

#include "core/base/atomic_file.h"

namespace dayrun::fuzz {

using Reader = void (*)(const uint8_t*, size_t);

/// One to four changes: another byte, a piece cut out, a piece doubled.
inline std::string changed(std::string bytes, std::mt19937& random) {
    for (auto i = random() % 4 + 1; i > 0 && !bytes.empty(); --i) {
        const size_t at = random() % bytes.size();
        const size_t length = std::min<size_t>(random() % 9 + 1, bytes.size() - at);
        switch (random() % 4) {
            case 0:
                bytes[at] = static_cast<char>(random() % 256);
                break;
            case 1:
                bytes[at] = "0123456789{}[]\",:-e."[random() % 20];
                break;
            case 2:
                bytes.erase(at, length);
                break;
            default:
                bytes.insert(at, bytes.substr(at, length));
        }
    }
    return bytes;
}

/// Gives `reader` each seed of tests/fuzz/seeds/<name> as it is, then `count` changed ones.
inline void read_changed_seeds(const std::string& name, Reader reader, int count = 5000) {
    const auto seeds = std::filesystem::path(DAYRUN_SOURCE_DIR) / "tests" / "fuzz" / "seeds" / name;
    std::mt19937 random(1);
    int runs = 0;
    for (const auto& entry : std::filesystem::directory_iterator(seeds)) {
        const auto seed = core::read_file(entry.path());
        QVERIFY(seed.ok());
        reader(reinterpret_cast<const uint8_t*>(seed->data()), seed->size());
        for (int i = 0; i < count; ++i) {
            const std::string bytes = changed(*seed, random);
            reader(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
            ++runs;
        }
    }
    QVERIFY(runs >= count);
}

}  // namespace dayrun::fuzz
