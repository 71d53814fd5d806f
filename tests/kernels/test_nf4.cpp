// kernels/nf4 and blockwise8: hand-made blocks, reference data, row ranges, refusals, threads.
#include "kernels/nf4/nf4.h"

#include "kernels/blockwise8/blockwise8.h"
#include "tests/kernels/golden_file.h"
#include "tests/kernels/kernel_support.h"
#include "tests/support/shared.h"
#include "tests/support/test_registry.h"

using namespace dayrun::kernels;
using namespace dayrun::kernels::tests;

namespace {

/// A quantized tensor with the buffers it needs.
struct Quantized {
    std::vector<uint8_t> codes, absmax_codes;
    std::vector<float> absmax, nested_absmax;
    float offset = 0.0f;
    Nf4Outcome outcome;
    Nf4Weight weight;

    Quantized(const Buffer& values, int64_t rows, int64_t cols, int64_t block_size = 64,
              Nf4Outcome (*function)(const Nf4Quantize&) = nf4_quantize)
        : codes(static_cast<size_t>(nf4_code_bytes(rows * cols)), 0xcd),
          absmax(static_cast<size_t>(nf4_block_count(rows * cols, block_size))) {
        Nf4Quantize p;
        p.codes = codes.data();
        p.absmax = absmax.data();
        p.weight = values.data();
        p.dtype = values.dtype();
        p.count = rows * cols;
        p.block_size = block_size;
        outcome = function(p);
        weight.codes = codes.data();
        weight.absmax = absmax.data();
        weight.block_size = block_size;
        weight.rows = rows;
        weight.cols = cols;
    }
    Quantized(const Quantized&) = delete;

    void nest() {
        absmax_codes.resize(absmax.size());
        nested_absmax.resize((absmax.size() + 255) / 256);
        Nf4NestedQuantize p;
        p.absmax_codes = absmax_codes.data();
        p.nested_absmax = nested_absmax.data();
        p.absmax_offset = &offset;
        p.absmax = absmax.data();
        p.block_count = static_cast<int64_t>(absmax.size());
        nf4_nested_quantize(p);
        weight.absmax = nullptr;
        weight.absmax_codes = absmax_codes.data();
        weight.nested_absmax = nested_absmax.data();
        weight.nested_map = dynamic_map(MapSign::Signed);
        weight.absmax_offset = offset;
    }
    Buffer values(Dtype dtype, int64_t row_begin, int64_t row_end,
                  void (*function)(const Nf4Dequantize&) = nf4_dequantize) const {
        Buffer out(dtype, (row_end - row_begin) * weight.cols);
        Nf4Dequantize p;
        p.out = out.data();
        p.weight = weight;
        p.dtype = dtype;
        p.row_begin = row_begin;
        p.row_end = row_end;
        function(p);
        return out;
    }
};

const int64_t kShapes[][2] = {{1, 1}, {1, 63}, {1, 64}, {3, 65}, {5, 77}, {48, 64}, {7, 129}};

Buffer from_floats(const std::vector<float>& values) {
    Buffer buffer(Dtype::Float32, static_cast<int64_t>(values.size()));
    std::memcpy(buffer.data(), values.data(), values.size() * sizeof(float));
    return buffer;
}

}  // namespace

class TestNf4 : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void maps_have_the_published_values() {
        const float* with_sign = dynamic_map(MapSign::Signed);
        const float* without = dynamic_map(MapSign::Unsigned);
        QCOMPARE(with_sign[0], -0.99296874f);
        QCOMPARE(with_sign[126], -5.5e-07f);
        QCOMPARE(with_sign[127], 0.0f);
        QCOMPARE(with_sign[129], 3.25e-06f);
        QCOMPARE(with_sign[191], 0.10703126f);
        QCOMPARE(with_sign[255], 1.0f);
        QCOMPARE(without[0], 0.0f);
        QCOMPARE(without[1], 3.25e-07f);
        QCOMPARE(without[64], 0.012109376f);
        QCOMPARE(without[254], 0.9964844f);
        QVERIFY(std::is_sorted(with_sign, with_sign + 256) &&
                std::is_sorted(without, without + 256));
    }

    /// The table's code against a search through all 256 values, half a step aside allowed.
    void nearest_code_is_nearest_to_its_step() {
        for (const MapSign sign : {MapSign::Signed, MapSign::Unsigned}) {
            const float* map = dynamic_map(sign);
            const NearestCode& nearest = NearestCode::of(sign);
            std::mt19937 generator(7);
            std::uniform_real_distribution<float> exponent(-9.0f, 0.0f);
            for (int i = 0; i < 20000; ++i) {
                const float size = std::pow(10.0f, exponent(generator));
                const float value = sign == MapSign::Signed && i % 2 == 0 ? -size : size;
                double best = 2.0;
                for (int code = 0; code < 256; ++code) {
                    best = std::min(best, std::abs(static_cast<double>(map[code]) - value));
                }
                const double found = std::abs(static_cast<double>(map[nearest(value)]) - value);
                QVERIFY(found <= best + 2.0 * 1.01 / 65535.0);
            }
            QCOMPARE(int{nearest(1.0f)}, 255);
        }
        QCOMPARE(int{NearestCode::of(MapSign::Signed)(-1.0f)}, 0);
    }

    void hand_made_block_data() { add_dtype_rows(); }
    /// Every code once, scaled by 2, and the packing: the first element in the high half.
    void hand_made_block() {
        const RowSetup setup;
        Buffer values(Dtype::Float32, 32);
        for (int64_t i = 0; i < 32; ++i) values.set(i, 2.0f * kNf4Values[(i * 5) % 16]);
        const Quantized quantized(values, 1, 32, 32);
        QCOMPARE(quantized.absmax.at(0), 2.0f);
        for (int64_t i = 0; i < 32; i += 2) {
            const int expected = static_cast<int>((i * 5) % 16) << 4 | ((i + 1) * 5) % 16;
            QCOMPARE(int{quantized.codes.at(static_cast<size_t>(i / 2))}, expected);
        }
        QVERIFY(quantized.values(Dtype::Float32, 0, 1) == values);
    }

    void thresholds_go_to_the_lower_code_data() { add_dtype_rows(); }
    void thresholds_go_to_the_lower_code() {
        const RowSetup setup;
        Buffer values(Dtype::Float32, 64);
        values.set(63, -1.0f);
        for (int64_t i = 0; i < 15; ++i) {
            values.set(2 * i, kNf4Thresholds[i]);
            values.set(2 * i + 1, std::nextafter(kNf4Thresholds[i], 2.0f));
        }
        const Quantized quantized(values, 1, 64);
        for (int code = 0; code < 15; ++code) {
            QCOMPARE(int{quantized.codes.at(static_cast<size_t>(code))}, code << 4 | (code + 1));
        }
    }

    /// bitsandbytes fills the last byte of an odd count with the code of a zero.
    void fills_an_odd_last_byte_data() { add_dtype_rows(); }
    void fills_an_odd_last_byte() {
        const RowSetup setup;
        for (auto* const function : {&nf4_quantize, &nf4_reference_quantize}) {
            for (const int64_t count : {1, 5, 67}) {
                Buffer values(setup.dtype, count);
                const size_t last = static_cast<size_t>(count / 2);
                QCOMPARE(int{Quantized(values, 1, count, 64, function).codes.at(last)}, 0);
                values.set(count - 1, 0.5f);
                QCOMPARE(int{Quantized(values, 1, count, 64, function).codes.at(last)}, 0xF7);
            }
        }
    }

    void same_bits_as_reference_data() { add_dtype_rows(); }
    void same_bits_as_reference() {
        const RowSetup setup;
        for (const auto& [rows, cols] : kShapes) {
            for (const int64_t block_size : {32, 64, 256}) {
                Buffer values = Buffer::normal(setup.dtype, rows * cols, 1, 0.02f);
                if (rows == 48) {
                    for (int64_t i = 64; i < 128; ++i) values.set(i, 0.0f);
                }
                Quantized fast(values, rows, cols, block_size);
                Quantized slow(values, rows, cols, block_size, nf4_reference_quantize);
                QVERIFY(fast.outcome == Nf4Outcome::Done && slow.outcome == Nf4Outcome::Done);
                QVERIFY(fast.codes == slow.codes);
                QVERIFY(fast.absmax == slow.absmax);
                for (int nested = 0; nested < 2; ++nested) {
                    if (nested == 1) fast.nest();
                    for (const Dtype out : {Dtype::Float32, Dtype::BFloat16}) {
                        const Buffer all = fast.values(out, 0, rows);
                        QVERIFY(all == fast.values(out, 0, rows, nf4_reference_dequantize));
                        const Buffer part = fast.values(out, rows / 3, rows);
                        for (int64_t i = 0; i < part.count(); ++i) {
                            QCOMPARE(part.at(i), all.at(rows / 3 * cols + i));
                        }
                    }
                }
            }
        }
    }

    /// The error of normal weights is the published 0.0919 standard deviations.
    void error_on_normal_weights() {
        const Buffer values = Buffer::normal(Dtype::Float32, 512 * 640, 3);
        Quantized quantized(values, 512, 640);
        for (int nested = 0; nested < 2; ++nested) {
            if (nested == 1) quantized.nest();
            const Buffer back = quantized.values(Dtype::Float32, 0, 512);
            double sum = 0.0;
            for (int64_t i = 0; i < values.count(); ++i) {
                sum += std::pow(static_cast<double>(values.at(i)) - back.at(i), 2);
            }
            const double rms = std::sqrt(sum / static_cast<double>(values.count()));
            QVERIFY2(std::abs(rms - 0.0919) < 0.0005 + 0.0005 * nested,
                     qPrintable(QString::number(rms)));
        }
    }

    void refuses_values_that_are_not_finite_data() { add_dtype_rows(); }
    void refuses_values_that_are_not_finite() {
        const RowSetup setup;
        for (const float bad : {INFINITY, -INFINITY, static_cast<float>(NAN)}) {
            for (const int64_t at : {0, 63, 64, 130}) {
                Buffer values = Buffer::normal(setup.dtype, 131, 1);
                values.set(at, bad);
                QVERIFY(Quantized(values, 1, 131).outcome == Nf4Outcome::NotFinite);
                QVERIFY(Quantized(values, 1, 131, 64, nf4_reference_quantize).outcome ==
                        Nf4Outcome::NotFinite);
            }
        }
    }

    void matches_bitsandbytes_data() { add_dtype_rows(); }
    void matches_bitsandbytes() {
        const RowSetup setup;
        DAYRUN_REQUIRE_SHARED(folder, "goldens/nf4");
        int cases = 0;
        for (const auto& entry : std::filesystem::directory_iterator(folder)) {
            if (entry.path().extension() != ".safetensors") continue;
            ++cases;
            const GoldenFile golden(entry.path());
            const std::vector<int64_t> shape = golden.shape("weight");
            Quantized quantized(from_floats(golden.floats("weight")), shape[0], shape[1]);
            QVERIFY(quantized.codes == golden.codes("plain_packed"));
            QVERIFY(quantized.codes == golden.codes("packed"));
            QVERIFY(quantized.absmax == golden.floats("plain_absmax"));
            const Buffer plain = quantized.values(Dtype::Float32, 0, shape[0]);
            QVERIFY(largest_error(plain, from_floats(golden.floats("plain_dequantized"))) <= 1e-6);
            quantized.nest();
            QVERIFY(quantized.absmax_codes == golden.codes("absmax_u8"));
            QVERIFY(largest_error(from_floats(quantized.nested_absmax),
                                  from_floats(golden.floats("nested_absmax"))) <= 1e-6);
            QVERIFY(std::abs(quantized.offset - golden.floats("offset").at(0)) <= 1e-6f);
            const std::vector<float> map = golden.floats("nested_code");
            QVERIFY(std::equal(map.begin(), map.end(), dynamic_map(MapSign::Signed)));
            const Buffer nested = quantized.values(Dtype::Float32, 0, shape[0]);
            QVERIFY(largest_error(nested, from_floats(golden.floats("dequantized"))) <= 1e-6);
        }
        QVERIFY(cases > 0);
    }

    void threads_change_no_bit_data() { add_dtype_rows(); }
    void threads_change_no_bit() {
        const RowSetup setup;
        QVERIFY(is_bit_equal_over_threads([&] {
            const Buffer values = Buffer::normal(setup.dtype, 100 * 999, 1);
            Quantized quantized(values, 100, 999);
            quantized.nest();
            return std::vector<Buffer>{quantized.values(setup.dtype, 0, 100)};
        }));
    }
};

DAYRUN_TEST(TestNf4)
#include "test_nf4.moc"
