// Quantization on a device: nf4, its nested constants, blockwise8. Codes and constants must be the
// reference's to the bit.
#include "kernels/blockwise8/blockwise8.h"
#include "kernels/nf4/nf4.h"
#include "tests/kernels/device/cases.h"

namespace dayrun::kernels::tests {
namespace {

struct Shape {
    int64_t count, block_size;
    int64_t offset = 0;  // elements that the weight lies off its alignment
};

// Part of a block, whole blocks of every size around a warp's 256 elements, odd counts.
const Shape kShapes[] = {{1, 64},     {63, 64},     {64, 64},    {4096, 64},
                         {5003, 64},  {700, 32},    {1500, 128}, {2048, 256},
                         {3000, 512}, {9001, 4096}, {700, 64, 1}};

void nf4(Case& c) {
    for (const Shape& shape : kShapes) {
        for (const Dtype dtype : kBothDtypes) {
            c.describe(shape_text(dtype, {shape.count, shape.block_size}, shape.offset));
            Buffer weight = Buffer::normal(dtype, shape.count, 1, 0.02f);
            // A block of zeros, where one fits.
            for (int64_t i = shape.block_size; i < 2 * shape.block_size && i < shape.count; ++i) {
                weight.set(i, 0.0f);
            }
            const auto blocks = static_cast<size_t>(nf4_block_count(shape.count, shape.block_size));
            std::vector<uint8_t> codes(static_cast<size_t>(nf4_code_bytes(shape.count)), 0xAA);
            std::vector<float> absmax(blocks, -1.0f);
            const DeviceArray d_weight = c.put(weight, shape.offset);
            const auto d_codes = c.put_values(codes);
            const auto d_absmax = c.put_values(absmax);
            const auto d_broken = c.put_values(std::vector<int32_t>{0});
            Nf4QuantizeInto into;
            into.not_finite = d_broken.get();
            Nf4Quantize& p = into.quantize;
            p.dtype = dtype;
            p.count = shape.count;
            p.block_size = shape.block_size;
            p.weight = d_weight.data();
            p.codes = d_codes.get();
            p.absmax = d_absmax.get();
            c.launched(c.ops().nf4_quantize(into, nullptr));
            p.weight = weight.data();
            p.codes = codes.data();
            p.absmax = absmax.data();
            c.check(nf4_reference_quantize(p) == Nf4Outcome::Done, "the weight is finite");
            c.check(c.fetch_values(d_codes, codes.size()) == codes, "codes");
            c.check(c.fetch_values(d_absmax, blocks) == absmax, "absmax");
            c.check(c.fetch_values(d_broken, 1)[0] == 0, "nothing broken is seen");

            weight.set(shape.count - 1, shape.count % 2 == 0 ? NAN : INFINITY);
            const DeviceArray d_bad = c.put(weight, shape.offset);
            p.weight = d_bad.data();
            p.codes = d_codes.get();
            p.absmax = d_absmax.get();
            c.launched(c.ops().nf4_quantize(into, nullptr));
            c.check(c.fetch_values(d_broken, 1)[0] == 1, "a broken element is seen");
        }
    }
}

void blockwise8(Case& c) {
    for (const Shape& shape : {Shape{1, 256}, Shape{1000, 256}, Shape{777, 64}, Shape{900, 100}}) {
        for (const MapSign sign : {MapSign::Signed, MapSign::Unsigned}) {
            c.describe(shape_text(Dtype::Float32, {shape.count, shape.block_size}));
            Buffer values = Buffer::normal(Dtype::Float32, shape.count, 1);
            for (int64_t i = 0; i < shape.count; ++i) {
                // Many decades, as the moments have them.
                const float small = values.at(i) * values.at(i) * values.at(i) * 0.01f;
                values.set(i, sign == MapSign::Signed ? small : std::abs(small));
            }
            const auto blocks =
                static_cast<size_t>((shape.count + shape.block_size - 1) / shape.block_size);
            std::vector<uint8_t> codes(static_cast<size_t>(shape.count));
            std::vector<float> absmax(blocks);
            const DeviceArray d_values = c.put(values);
            const auto d_codes = c.put_values(codes);
            const auto d_absmax = c.put_values(absmax);
            Blockwise8Quantize p;
            p.count = shape.count;
            p.block_size = shape.block_size;
            p.sign = sign;
            p.values = d_values.floats();
            p.codes = d_codes.get();
            p.absmax = d_absmax.get();
            c.launched(c.ops().blockwise8_quantize(p, nullptr));
            p.values = values.floats();
            p.codes = codes.data();
            p.absmax = absmax.data();
            blockwise8_quantize(p);
            c.check(c.fetch_values(d_codes, codes.size()) == codes, "codes");
            c.check(c.fetch_values(d_absmax, blocks) == absmax, "absmax");
        }
    }
}

void nested(Case& c) {
    for (const int64_t count : {1, 255, 3000}) {
        c.describe(std::to_string(count) + " blocks");
        Buffer absmax = Buffer::normal(Dtype::Float32, count, 1, 0.01f);
        for (int64_t i = 0; i < count; ++i) absmax.set(i, 0.05f + std::abs(absmax.at(i)));
        std::vector<uint8_t> codes(static_cast<size_t>(count));
        std::vector<float> outer(static_cast<size_t>((count + 255) / 256)), offset(1);
        const DeviceArray d_absmax = c.put(absmax);
        const auto d_codes = c.put_values(codes);
        const auto d_outer = c.put_values(outer), d_offset = c.put_values(offset);
        Nf4NestedQuantize p;
        p.block_count = count;
        p.absmax = d_absmax.floats();
        p.absmax_codes = d_codes.get();
        p.nested_absmax = d_outer.get();
        p.absmax_offset = d_offset.get();
        c.launched(c.ops().nf4_nested_quantize(p, nullptr));
        p.absmax = absmax.floats();
        p.absmax_codes = codes.data();
        p.nested_absmax = outer.data();
        p.absmax_offset = offset.data();
        nf4_nested_quantize(p);
        c.check(c.fetch_values(d_codes, codes.size()) == codes, "codes");
        c.check(c.fetch_values(d_outer, outer.size()) == outer, "nested absmax");
        c.check(c.fetch_values(d_offset, 1) == offset, "offset");
    }
}

}  // namespace

std::vector<NamedCase> quantize_cases() {
    return {{"nf4 quantize", &nf4},
            {"blockwise8 quantize", &blockwise8},
            {"nf4 nested quantize", &nested}};
}

}  // namespace dayrun::kernels::tests
