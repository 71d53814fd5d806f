// The elementwise ops on rows on a device: gather_rows, bias, embedding, neftune, dropout. They
// have no freedom but the order of sums, so most results must be the CPU's to the bit.
#include "kernels/bias/bias.h"
#include "kernels/dropout/dropout.h"
#include "kernels/embedding/embedding.h"
#include "kernels/gather_rows/gather_rows.h"
#include "kernels/neftune/neftune.h"
#include "tests/kernels/device/cases.h"

namespace dayrun::kernels::tests {
namespace {

struct Shape {
    int64_t rows, cols;
    int64_t offset = 0;      // elements that every tensor lies off its alignment
    int64_t extra_cols = 0;  // a stride beyond dense
};

// One element, tails, whole tiles, more than a tile, runs of 128, unaligned, strided.
const Shape kShapes[] = {{1, 1},          {3, 7},         {5, 64},       {3, 128},
                         {2, 384, 0, 16}, {2, 2304},      {3, 2049},     {7, 100, 1},
                         {3, 256, 1},     {3, 256, 0, 3}, {3, 96, 8, 32}};

template <class Body>
void for_each_shape(Case& c, Body&& body) {
    for (const Shape& shape : kShapes) {
        for (const Dtype dtype : kBothDtypes) {
            c.describe(shape_text(dtype, {shape.rows, shape.cols}, shape.offset));
            body(shape, dtype, shape.cols + shape.extra_cols);
        }
    }
}

void gather(Case& c) {
    for_each_shape(c, [&](const Shape& shape, Dtype dtype, int64_t stride) {
        const int64_t from_rows = 11;
        const Buffer from = Buffer::normal(dtype, from_rows * stride, 1);
        const Buffer before = Buffer::normal(dtype, shape.rows * stride, 2);
        std::vector<int32_t> source(static_cast<size_t>(shape.rows));
        for (size_t r = 0; r < source.size(); ++r) {
            source[r] = static_cast<int32_t>((r * 7 + 10) % 12) - 1;
        }
        const DeviceArray d_from = c.put(from, shape.offset), d_out = c.put(before, shape.offset);
        const auto d_source = c.put_values(source);
        GatherRows p;
        p.dtype = dtype;
        p.rows = shape.rows;
        p.cols = shape.cols;
        p.out_stride = p.from_stride = stride;
        p.out = d_out.data();
        p.from = d_from.data();
        p.source = d_source.get();
        c.launched(c.ops().gather_rows(p, nullptr));
        Buffer out = before;
        p.out = out.data();
        p.from = from.data();
        p.source = source.data();
        gather_rows_reference(p);
        c.check_equal("out", c.fetch(d_out), out);
    });
}

void bias(Case& c) {
    for_each_shape(c, [&](const Shape& shape, Dtype dtype, int64_t stride) {
        const Buffer bias = Buffer::normal(dtype, shape.cols, 1);
        const Buffer before = Buffer::normal(dtype, shape.rows * stride, 2);
        const DeviceArray d_bias = c.put(bias, shape.offset), d_y = c.put(before, shape.offset);
        BiasFill p;
        p.dtype = dtype;
        p.rows = shape.rows;
        p.cols = shape.cols;
        p.y_stride = stride;
        p.y = d_y.data();
        p.bias = d_bias.data();
        c.launched(c.ops().bias_fill(p, nullptr));
        Buffer y = before;
        p.y = y.data();
        p.bias = bias.data();
        bias_reference_fill(p);
        c.check_equal("y", c.fetch(d_y), y);
    });
}

void bias_gradient(Case& c) {
    for (const int64_t rows : {1, 9, 700, 1300}) {
        for (const Dtype dtype : kBothDtypes) {
            const int64_t cols = 45, stride = 50;
            c.describe(shape_text(dtype, {rows, cols}));
            const Buffer dy = Buffer::normal(dtype, rows * stride, 1);
            const Buffer before = Buffer::normal(Dtype::Float32, cols, 2);
            const DeviceArray d_dy = c.put(dy), d_dbias = c.put(before);
            BiasBackward p;
            p.dtype = dtype;
            p.rows = rows;
            p.cols = cols;
            p.dy_stride = stride;
            p.dy = d_dy.data();
            p.dbias = d_dbias.floats();
            c.launched(c.ops().bias_backward(p, nullptr));
            Buffer plain = before, truth = before;
            p.dy = dy.data();
            p.dbias = plain.floats();
            bias_backward(p);
            p.dbias = truth.floats();
            bias_reference_backward(p);
            c.check_fair("dbias", c.fetch(d_dbias), plain, truth);
        }
    }
}

void embedding(Case& c) {
    for_each_shape(c, [&](const Shape& shape, Dtype dtype, int64_t stride) {
        for (const Dtype table_dtype : kBothDtypes) {
            const int64_t vocab = 13;
            const Buffer table = Buffer::normal(table_dtype, vocab * shape.cols, 1);
            const Buffer before = Buffer::normal(dtype, shape.rows * stride, 2);
            std::vector<int32_t> ids = {12, -1, 13, 0, 5, 5, 7};
            ids.resize(static_cast<size_t>(shape.rows));
            const DeviceArray d_table = c.put(table, shape.offset);
            const DeviceArray d_out = c.put(before, shape.offset);
            const auto d_ids = c.put_values(ids);
            EmbeddingForward p;
            p.dtype = dtype;
            p.table_dtype = table_dtype;
            p.tokens = shape.rows;
            p.cols = shape.cols;
            p.vocab = vocab;
            p.out_stride = stride;
            p.out = d_out.data();
            p.table = d_table.data();
            p.token_ids = d_ids.get();
            c.launched(c.ops().embedding_forward(p, nullptr));
            Buffer out = before;
            p.out = out.data();
            p.table = table.data();
            p.token_ids = ids.data();
            embedding_reference_forward(p);
            c.check_equal("out", c.fetch(d_out), out);
        }
    });
}

void embedding_gradient(Case& c) {
    for (const int64_t tokens : {1, 40, 600}) {
        for (const Dtype dtype : kBothDtypes) {
            const int64_t cols = 37, stride = 40, vocab = 29;
            c.describe(shape_text(dtype, {tokens, cols}));
            const Buffer dout = Buffer::normal(dtype, tokens * stride, 1);
            const Buffer before = Buffer::normal(Dtype::Float32, vocab * cols, 2);
            std::vector<int32_t> ids(static_cast<size_t>(tokens));
            for (size_t t = 0; t < ids.size(); ++t) {
                ids[t] = static_cast<int32_t>(t * t % 31) - 1;  // -1 and 29 are no tokens
            }
            const DeviceArray d_dout = c.put(dout), d_dtable = c.put(before);
            const auto d_ids = c.put_values(ids);
            EmbeddingBackward p;
            p.dtype = dtype;
            p.tokens = tokens;
            p.cols = cols;
            p.vocab = vocab;
            p.dout_stride = stride;
            p.dout = d_dout.data();
            p.dtable = d_dtable.floats();
            p.token_ids = d_ids.get();
            c.launched(c.ops().embedding_backward(p, nullptr));
            Buffer plain = before;
            p.dout = dout.data();
            p.dtable = plain.floats();
            p.token_ids = ids.data();
            embedding_backward(p);
            // The same order of float32 additions on both.
            c.check_equal("dtable", c.fetch(d_dtable), plain);
        }
    }
}

void neftune(Case& c) {
    for_each_shape(c, [&](const Shape& shape, Dtype dtype, int64_t stride) {
        const Buffer x = Buffer::normal(dtype, shape.rows * stride, 1);
        const Buffer scale = Buffer::normal(Dtype::Float32, shape.rows, 2, 0.2f);
        const DeviceArray d_x = c.put(x, shape.offset), d_scale = c.put(scale);
        Neftune p;
        p.dtype = dtype;
        p.stream = {77, (uint64_t{5} << 40) + 9};
        p.tokens = shape.rows;
        p.cols = shape.cols;
        p.stride = stride;
        p.x = d_x.data();
        p.scale = d_scale.floats();
        c.launched(c.ops().neftune_add(p, nullptr));
        Buffer plain = x, scales = scale;
        p.x = plain.data();
        p.scale = scales.floats();
        neftune_add(p);
        c.check_equal("x", c.fetch(d_x), plain);
    });
}

void dropout_with(Case& c, const Shape& shape, Dtype dtype, int64_t stride, DropoutInto into) {
    Buffer x = Buffer::normal(dtype, shape.rows * stride, 1);
    x.set(0, INFINITY);
    const Buffer before = Buffer::normal(dtype, shape.rows * stride, 2);
    const DeviceArray d_x = c.put(x, shape.offset), d_out = c.put(before, shape.offset);
    Dropout p;
    p.stream = {3, 8};
    p.probability = 0.3f;
    p.into = into;
    p.dtype = dtype;
    p.rows = shape.rows;
    p.cols = shape.cols;
    p.first_row = (int64_t{1} << 33) / shape.cols + 5;  // counters beyond 32 bits
    p.out_stride = p.x_stride = stride;
    p.x = d_x.data();
    p.out = d_out.data();
    c.launched(c.ops().dropout_apply(p, nullptr));
    Buffer out = before;
    p.x = x.data();
    p.out = out.data();
    dropout_reference_apply(p);
    c.check_equal("out", c.fetch(d_out), out);
}

void dropout(Case& c) {
    for_each_shape(c, [&](const Shape& shape, Dtype dtype, int64_t stride) {
        dropout_with(c, shape, dtype, stride, DropoutInto::Overwrite);
        dropout_with(c, shape, dtype, stride, DropoutInto::Add);
    });
}

/// The last row of an embedding table beyond 2^31 elements, gathered into the last of many rows.
void high_blocks(Case& c) {
    const int64_t cols = 8192, vocab = (int64_t{1} << 31) / cols + 3, tokens = vocab;
    const auto bytes = static_cast<std::size_t>(2 * vocab * cols);
    const std::shared_ptr<void> table = c.machine().reserve(bytes);
    const std::shared_ptr<void> out = c.machine().reserve(bytes);
    if (table == nullptr || out == nullptr) return c.skip("needs 8 GiB of the machine's memory");
    const DeviceArray d_table(table, 0, Dtype::BFloat16, vocab * cols);
    const DeviceArray d_out(out, 0, Dtype::BFloat16, tokens * cols);
    const Buffer row = Buffer::normal(Dtype::BFloat16, cols, 1);
    c.machine().copy_in(d_table.from((vocab - 1) * cols), row.data(),
                        static_cast<std::size_t>(2 * cols));
    std::vector<int32_t> ids(static_cast<size_t>(tokens), static_cast<int32_t>(vocab - 1));
    const auto d_ids = c.put_values(ids);
    EmbeddingForward p;
    p.dtype = p.table_dtype = Dtype::BFloat16;
    p.tokens = tokens;
    p.cols = cols;
    p.vocab = vocab;
    p.out = out.get();
    p.table = table.get();
    p.token_ids = d_ids.get();
    const int64_t tiles = 4;
    c.machine().run_only(
        {tokens * tiles - 4, tokens * tiles - 3, tokens * tiles - 2, tokens * tiles - 1});
    c.launched(c.ops().embedding_forward(p, nullptr));
    Buffer last(Dtype::BFloat16, cols);
    c.copy_out(last.data(), d_out.from((tokens - 1) * cols), static_cast<std::size_t>(2 * cols));
    c.describe("the last of 262,147 rows of 8,192");
    c.check_equal("embedding", last, row);

    GatherRows g;
    g.dtype = Dtype::BFloat16;
    g.rows = tokens;
    g.cols = cols;
    g.out = out.get();
    g.from = table.get();
    g.source = d_ids.get();
    c.machine().copy_in(d_out.from((tokens - 1) * cols), Buffer(Dtype::BFloat16, cols).data(),
                        static_cast<std::size_t>(2 * cols));
    c.launched(c.ops().gather_rows(g, nullptr));
    c.copy_out(last.data(), d_out.from((tokens - 1) * cols), static_cast<std::size_t>(2 * cols));
    c.check_equal("gather_rows", last, row);
}

}  // namespace

std::vector<NamedCase> rows_cases() {
    return {{"gather_rows", &gather},
            {"bias fill", &bias},
            {"bias backward", &bias_gradient},
            {"embedding forward", &embedding},
            {"embedding backward", &embedding_gradient},
            {"neftune", &neftune},
            {"dropout", &dropout},
            {"embedding and gather_rows high blocks", &high_blocks}};
}

}  // namespace dayrun::kernels::tests
