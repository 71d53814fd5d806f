// The emulator finds what it is there to find: bodies with one mistake each, and what a right body
// is promised. Only in the emulated run.
#include <functional>
#include <stdexcept>

#include "kernels/device/launch.h"
#include "kernels/device/packs.h"
#include "kernels/device/reduce.h"
#include "tests/kernels/device/cases.h"

namespace dayrun::kernels::tests {
namespace {

constexpr int kThreads = 64;

/// A body whose work is a plain function of the test.
struct AnyBody {
    static constexpr int kThreads = tests::kThreads;
    static constexpr bool kSwitches = true;
    struct Shared {
        int value[kThreads];
    };
    std::function<void(Block&)> work;
    void operator()(Block& block) const { work(block); }
};

struct PlainBody : AnyBody {
    static constexpr bool kSwitches = false;
};

/// The words of the std::logic_error that the body runs into; empty when it runs through.
template <class Body>
std::string mistake_of(std::function<void(Block&)> work, int64_t blocks = 1) {
    Body body;
    body.work = std::move(work);
    try {
        launch(body, blocks, nullptr);
    } catch (const std::logic_error& error) {
        return error.what();
    }
    return {};
}

void mistakes(Case& c) {
    const auto says = [&](const std::string& text, const char* part) {
        c.check(text.find(part) != std::string::npos, "'" + text + "' lacks '" + part + "'");
    };
    c.describe("a barrier in a branch");
    says(mistake_of<AnyBody>([](Block& b) {
             if (b.thread() < 40) b.barrier();
         }),
         "waits at a barrier while thread");
    c.describe("a shuffle that one lane misses");
    says(mistake_of<AnyBody>([](Block& b) {
             if (b.thread() != 37) b.shuffle_xor(1, 1);
         }),
         "at a shuffle or vote");
    c.describe("half a warp at a barrier, half at a vote");
    says(mistake_of<AnyBody>([](Block& b) {
             if (b.thread() % 2 == 0) {
                 b.barrier();
             } else {
                 b.ballot(true);
             }
         }),
         "waits");
    c.describe("a switch point that was not announced");
    says(mistake_of<PlainBody>([](Block& b) { b.barrier(); }), "kSwitches is false");
    c.describe("a pack at an odd address");
    alignas(16) static const float s_values[8] = {};
    says(mistake_of<AnyBody>([](Block&) { load_pack<4>(s_values + 1); }), "no multiple");
    c.describe("the block of a mistake");
    says(mistake_of<AnyBody>(
             [](Block& b) {
                 if (b.index() == 3) b.shared<int[1000]>();
             },
             5),
         "block 3 of 5");
}

/// A missing barrier: what a thread reads depends on the order, so the two runs differ. The sum of
/// both orders' results is the same in each run, hence the runner's own comparison is content.
void races(Case& c) {
    const EmulatedOrder order = emulator_settings().order;
    int read[2] = {};
    for (const bool has_barrier : {false, true}) {
        for (int run = 0; run < 2; ++run) {
            emulator_settings().order =
                run == 0 ? EmulatedOrder::Ascending : EmulatedOrder::Descending;
            int result = 0;
            mistake_of<AnyBody>([&](Block& b) {
                auto& shared = b.shared<AnyBody::Shared>();
                shared.value[b.thread()] = b.thread() + 1;
                if (has_barrier) b.barrier();
                if (b.thread() == 20) result = shared.value[40];
            });
            read[run] = result;
        }
        c.describe(has_barrier ? "with a barrier" : "without a barrier");
        c.check((read[0] == read[1]) == has_barrier, "the orders show it");
    }
    emulator_settings().order = order;
}

void exchanges(Case& c) {
    std::vector<float> sums(kThreads), firsts(kThreads);
    std::vector<uint32_t> votes(kThreads);
    mistake_of<AnyBody>([&](Block& b) {
        const auto at = static_cast<size_t>(b.thread());
        const auto value = static_cast<float>(b.thread());
        sums[at] = reduce_block<kThreads>(
            b, reinterpret_cast<float(&)[2]>(b.shared<AnyBody::Shared>().value), value,
            Sum<float>());
        votes[at] = b.ballot(b.thread() % 3 == 0);
        // Two exchanges in a row, with lanes at different speeds between them.
        firsts[at] = b.shuffle(value, 5) + b.shuffle(2.0f * value, 5);
    });
    for (int thread = 0; thread < kThreads; ++thread) {
        const auto at = static_cast<size_t>(thread);
        c.check(sums[at] == kThreads * (kThreads - 1) / 2.0f, "a block's sum");
        uint32_t expected = 0;
        for (int lane = 0; lane < 32; ++lane) {
            if ((thread / 32 * 32 + lane) % 3 == 0) expected |= 1u << lane;
        }
        c.check(votes[at] == expected, "a vote");
        c.check(firsts[at] == 3.0f * static_cast<float>(thread / 32 * 32 + 5), "a shuffle");
    }
}

}  // namespace

std::vector<NamedCase> emulator_cases() {
    return {{"emulator mistakes", &mistakes},
            {"emulator races", &races},
            {"emulator exchanges", &exchanges}};
}

}  // namespace dayrun::kernels::tests
