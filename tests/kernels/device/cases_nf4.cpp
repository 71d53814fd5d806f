// kernels/nf4 on a device: every value must be the CPU's to the bit.
#include <random>

#include "kernels/blockwise8/blockwise8.h"
#include "kernels/nf4/nf4.h"
#include "tests/kernels/device/cases.h"

namespace dayrun::kernels::tests {
namespace {

struct Shape {
    int64_t rows, cols, row_begin, row_end;
    int64_t block_size = kNf4BlockSize;
    int64_t nested_block_size = kNf4NestedBlockSize;
    int64_t offset = 0;  // elements that the output lies off its alignment
};

// All rows and slices, rows that begin in the middle of a byte, a run or a block, odd counts.
const Shape kShapes[] = {{4, 64, 0, 4},         {3, 7, 0, 3},
                         {5, 33, 1, 4},         {9, 40, 2, 9, 32},
                         {2, 4099, 0, 2},       {2, 4099, 1, 2, 128},
                         {40, 512, 0, 40},      {40, 512, 3, 29, 64, 16},
                         {6, 96, 1, 5, 64, 24}, {4, 64, 1, 3, 64, 256, 1}};

/// Random codes and constants in both layouts.
struct Weight {
    explicit Weight(const Shape& shape) {
        std::mt19937 random(7);
        const int64_t count = shape.rows * shape.cols;
        codes.resize(static_cast<size_t>(nf4_code_bytes(count)));
        for (uint8_t& code : codes) code = static_cast<uint8_t>(random());
        const int64_t blocks = nf4_block_count(count, shape.block_size);
        std::uniform_real_distribution<float> size(0.001f, 0.2f);
        for (int64_t i = 0; i < blocks; ++i) {
            absmax.push_back(size(random));
            absmax_codes.push_back(static_cast<uint8_t>(random()));
        }
        for (int64_t i = 0; i < blocks; i += shape.nested_block_size)
            nested.push_back(size(random));
        map.assign(dynamic_map(MapSign::Signed), dynamic_map(MapSign::Signed) + 256);
    }
    std::vector<uint8_t> codes, absmax_codes;
    std::vector<float> absmax, nested, map;
};

void dequantize_with(Case& c, const Shape& shape, Dtype dtype, bool is_nested) {
    c.describe(
        shape_text(dtype, {shape.rows, shape.cols, shape.row_begin, shape.row_end}, shape.offset) +
        (is_nested ? " nested" : " plain"));
    const Weight weight(shape);
    const auto d_codes = c.put_values(weight.codes),
               d_absmax_codes = c.put_values(weight.absmax_codes);
    const auto d_absmax = c.put_values(weight.absmax), d_nested = c.put_values(weight.nested);
    const auto d_map = c.put_values(weight.map);
    const int64_t count = (shape.row_end - shape.row_begin) * shape.cols;
    const DeviceArray d_out = c.put(Buffer(dtype, count), shape.offset);
    Nf4Dequantize p;
    p.dtype = dtype;
    p.row_begin = shape.row_begin;
    p.row_end = shape.row_end;
    p.weight.rows = shape.rows;
    p.weight.cols = shape.cols;
    p.weight.block_size = shape.block_size;
    p.weight.nested_block_size = shape.nested_block_size;
    p.weight.absmax_offset = 0.05f;
    p.out = d_out.data();
    p.weight.codes = d_codes.get();
    p.weight.absmax = is_nested ? nullptr : d_absmax.get();
    p.weight.absmax_codes = d_absmax_codes.get();
    p.weight.nested_absmax = d_nested.get();
    p.weight.nested_map = d_map.get();
    c.launched(c.ops().nf4_dequantize(p, nullptr));
    Buffer expected(dtype, count);
    p.out = expected.data();
    p.weight.codes = weight.codes.data();
    p.weight.absmax = is_nested ? nullptr : weight.absmax.data();
    p.weight.absmax_codes = weight.absmax_codes.data();
    p.weight.nested_absmax = weight.nested.data();
    p.weight.nested_map = weight.map.data();
    nf4_reference_dequantize(p);
    c.check_equal("out", c.fetch(d_out), expected);
}

void dequantize(Case& c) {
    for (const Shape& shape : kShapes) {
        for (const Dtype dtype : kBothDtypes) {
            dequantize_with(c, shape, dtype, false);
            dequantize_with(c, shape, dtype, true);
        }
    }
}

/// Codes beyond 2^32 elements; the constants are one value everywhere.
void high_blocks(Case& c) {
    const int64_t cols = 2048, rows = (int64_t{1} << 32) / cols + 2, block_size = 4096;
    const std::shared_ptr<void> codes =
        c.machine().reserve(static_cast<std::size_t>(nf4_code_bytes(rows * cols)));
    const std::shared_ptr<void> out =
        c.machine().reserve(static_cast<std::size_t>(2 * rows * cols));
    if (codes == nullptr || out == nullptr) return c.skip("needs 10 GiB of the machine's memory");
    std::vector<float> absmax(static_cast<size_t>(nf4_block_count(rows * cols, block_size)), 0.5f);
    const auto d_absmax = c.put_values(absmax);
    std::vector<uint8_t> last(static_cast<size_t>(cols / 2));
    for (size_t i = 0; i < last.size(); ++i) last[i] = static_cast<uint8_t>(i * 37);
    const int64_t at = (rows - 1) * cols;
    c.machine().copy_in(static_cast<uint8_t*>(codes.get()) + at / 2, last.data(), last.size());
    Nf4Dequantize p;
    p.dtype = Dtype::BFloat16;
    p.row_end = rows;
    p.weight.rows = rows;
    p.weight.cols = cols;
    p.weight.block_size = block_size;
    p.weight.codes = static_cast<uint8_t*>(codes.get());
    p.weight.absmax = d_absmax.get();
    p.out = out.get();
    c.machine().run_only({rows - 1});  // 256 threads of 8 elements are a row
    c.launched(c.ops().nf4_dequantize(p, nullptr));
    Buffer value(Dtype::BFloat16, cols), expected(Dtype::BFloat16, cols);
    const DeviceArray d_out(out, 0, Dtype::BFloat16, rows * cols);
    c.copy_out(value.data(), d_out.from(at), static_cast<std::size_t>(2 * cols));
    p.row_end = p.weight.rows = 1;
    p.weight.codes = last.data();
    p.weight.absmax = absmax.data();
    p.out = expected.data();
    nf4_reference_dequantize(p);
    c.describe("the last of 2,097,154 rows of 2,048");
    c.check_equal("out", value, expected);
}

}  // namespace

std::vector<NamedCase> nf4_cases() {
    return {{"nf4 dequantize", &dequantize}, {"nf4 high blocks", &high_blocks}};
}

}  // namespace dayrun::kernels::tests
