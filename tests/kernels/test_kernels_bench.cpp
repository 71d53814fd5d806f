// Bandwidth of every kernel on one thread, beside memcpy of the same bytes in the same run:
// GB/s of CPU time and the share of memcpy's. Left out of the plain ./test; prints, and fails on
// nothing.
#include <time.h>

#include <cstdio>

#include "kernels/adamw/adamw.h"
#include "kernels/adamw8bit/adamw8bit.h"
#include "kernels/cross_entropy/cross_entropy.h"
#include "kernels/decode_attention/decode_attention.h"
#include "kernels/dropout/dropout.h"
#include "kernels/embedding/embedding.h"
#include "kernels/few_rows/few_rows.h"
#include "kernels/grad_norm/grad_norm.h"
#include "kernels/neftune/neftune.h"
#include "kernels/nf4/nf4.h"
#include "kernels/rms_norm/rms_norm.h"
#include "kernels/rope/rope.h"
#include "kernels/swiglu/swiglu.h"
#include "tests/kernels/kernel_support.h"
#include "tests/support/test_registry.h"

using namespace dayrun::kernels;
using namespace dayrun::kernels::tests;

namespace {

/// CPU seconds of this thread, so that other work on the machine counts little.
double seconds_of(const std::function<void()>& work) {
    const auto now = [] {
        timespec time;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
    };
    const double start = now();
    work();
    return now() - start;
}

/// The best of interleaved runs of the kernel and of a memcpy that moves as many bytes.
void report(const char* name, double bytes, const std::function<void()>& work) {
    const size_t half = static_cast<size_t>(bytes / 2);
    std::vector<char> from(half, 1), to(half);
    double ours = INFINITY, copy = INFINITY;
    work();
    for (int i = 0; i < 9; ++i) {
        copy = std::min(copy, seconds_of([&] { std::memcpy(to.data(), from.data(), half); }));
        ours = std::min(ours, seconds_of(work));
    }
    std::printf("%-34s %8.2f ms %7.2f GB/s %5.0f %% of memcpy\n", name, ours * 1e3,
                bytes / ours * 1e-9, 100.0 * copy / ours);
}

const char* name_of(const char* op, Dtype dtype) {
    static char s_name[64];
    std::snprintf(s_name, sizeof(s_name), "%s %s", op, dtype == Dtype::Float32 ? "f32" : "bf16");
    return s_name;
}

}  // namespace

class TestKernelsBench : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void initTestCase() { std::printf("one thread, %s\n", simd_level_name(simd_level())); }

    void rows_of_a_layer_data() {
        QTest::addColumn<int>("dtype");
        QTest::newRow("f32") << 0;
        QTest::newRow("bf16") << 1;
    }
    void rows_of_a_layer() {
        QFETCH(int, dtype);
        const Dtype type = static_cast<Dtype>(dtype);
        const double size = static_cast<double>(element_bytes(type));
        const int64_t tokens = 4096, cols = 1536;
        const double elements = static_cast<double>(tokens * cols);
        Buffer x = Buffer::normal(type, tokens * cols, 1), y = x, z = x, w = x;
        const Buffer weight = Buffer::normal(type, cols, 2);
        std::vector<float> rstd(static_cast<size_t>(tokens)), dweight(static_cast<size_t>(cols));
        RmsNormForward norm;
        norm.y = y.data();
        norm.rstd = rstd.data();
        norm.x = x.data();
        norm.weight = weight.data();
        norm.dtype = norm.weight_dtype = type;
        norm.tokens = tokens;
        norm.cols = cols;
        report(name_of("rms_norm_forward", type), 2 * size * elements,
               [&] { rms_norm_forward(norm); });
        norm.h = z.data();
        norm.residual = w.data();
        report(name_of("rms_norm_forward + residual", type), 4 * size * elements,
               [&] { rms_norm_forward(norm); });
        RmsNormBackward back;
        back.dx = z.data();
        back.dy = y.data();
        back.x = x.data();
        back.rstd = rstd.data();
        back.weight = weight.data();
        back.dresidual = w.data();
        back.dtype = back.weight_dtype = type;
        back.tokens = tokens;
        back.cols = cols;
        report(name_of("rms_norm_backward", type), 4 * size * elements,
               [&] { rms_norm_backward(back); });
        back.dweight = dweight.data();
        report(name_of("rms_norm_backward + dweight", type), 6 * size * elements,
               [&] { rms_norm_backward(back); });
        SwigluForward swiglu;
        swiglu.out = z.data();
        swiglu.gate = x.data();
        swiglu.up = y.data();
        swiglu.dtype = type;
        swiglu.rows = tokens;
        swiglu.cols = cols;
        report(name_of("swiglu_forward", type), 3 * size * elements,
               [&] { swiglu_forward(swiglu); });
        SwigluBackward swiglu_back;
        swiglu_back.gate = x.data();
        swiglu_back.up = y.data();
        swiglu_back.out = z.data();
        swiglu_back.dout = z.data();
        swiglu_back.dtype = type;
        swiglu_back.rows = tokens;
        swiglu_back.cols = cols;
        report(name_of("swiglu_backward + out", type), 6 * size * elements, [&] {
            swiglu_back.out = z.data();
            swiglu_backward(swiglu_back);
        });
        x = Buffer::normal(type, tokens * cols, 1);
        Dropout dropout;
        dropout.out = z.data();
        dropout.x = x.data();
        dropout.probability = 0.05f;
        dropout.dtype = type;
        dropout.rows = tokens;
        dropout.cols = cols;
        report(name_of("dropout_apply", type), 2 * size * elements,
               [&] { dropout_apply(dropout); });
        const std::vector<float> scale(static_cast<size_t>(tokens), 0.0f);
        Neftune noise;
        noise.x = x.data();
        noise.scale = scale.data();
        noise.dtype = type;
        noise.tokens = tokens;
        noise.cols = cols;
        report(name_of("neftune_add", type), 2 * size * elements, [&] { neftune_add(noise); });

        const int64_t half = 32;
        std::vector<float> cosine(static_cast<size_t>(tokens * half), 0.6f),
            sine(cosine.size(), 0.8f);
        std::vector<int32_t> ids(static_cast<size_t>(tokens));
        for (size_t t = 0; t < ids.size(); ++t) ids[t] = static_cast<int32_t>(t);
        Rope rope;
        rope.q = x.data();
        rope.cos = cosine.data();
        rope.sin = sine.data();
        rope.position_ids = ids.data();
        rope.dtype = type;
        rope.tokens = tokens;
        rope.q_heads = 24;
        rope.head_dim = 64;
        report(name_of("rope_forward", type), 2 * size * elements, [&] { rope_forward(rope); });
        EmbeddingForward gather;
        gather.out = z.data();
        gather.table = x.data();
        gather.token_ids = ids.data();
        gather.dtype = gather.table_dtype = type;
        gather.tokens = gather.vocab = tokens;
        gather.cols = cols;
        report(name_of("embedding_forward", type), 2 * size * elements,
               [&] { embedding_forward(gather); });
        std::vector<float> dtable(static_cast<size_t>(tokens * cols));
        EmbeddingBackward scatter;
        scatter.dtable = dtable.data();
        scatter.dout = z.data();
        scatter.token_ids = ids.data();
        scatter.dtype = type;
        scatter.tokens = scatter.vocab = tokens;
        scatter.cols = cols;
        report(name_of("embedding_backward", type), (8 + size) * elements,
               [&] { embedding_backward(scatter); });
    }

    void logits_data() { rows_of_a_layer_data(); }
    void logits() {
        QFETCH(int, dtype);
        const Dtype type = static_cast<Dtype>(dtype);
        const double size = static_cast<double>(element_bytes(type));
        for (const int64_t vocab : {32000, 152064}) {
            const int64_t rows = 16384000 / vocab;
            const double elements = static_cast<double>(rows * vocab);
            Buffer z = Buffer::normal(type, rows * vocab, 1);
            std::vector<int32_t> labels(static_cast<size_t>(rows), 17);
            std::vector<float> loss(static_cast<size_t>(rows));
            CrossEntropy p;
            p.loss = loss.data();
            p.logits = z.data();
            p.labels = labels.data();
            p.dtype = type;
            p.rows = rows;
            p.vocab = vocab;
            const std::string label = "cross_entropy " + std::to_string(vocab);
            report(name_of((label + " loss").c_str(), type), size * elements,
                   [&] { cross_entropy_forward(p); });
            report(name_of((label + " grad").c_str(), type), 2 * size * elements,
                   [&] { cross_entropy_forward_backward(p); });
        }
    }

    // A weight of 1536 x 6144 read once for 1, 4 and 16 texts, and 16 texts' 512 keys each.
    void generation_data() { rows_of_a_layer_data(); }
    void generation() {
        QFETCH(int, dtype);
        const Dtype type = static_cast<Dtype>(dtype);
        const double size = static_cast<double>(element_bytes(type));
        const int64_t inner = 1536, cols = 6144, texts = kFewRows, keys = 512;
        const Buffer x = Buffer::normal(type, texts * inner, 1);
        const Buffer w = Buffer::normal(type, cols * inner, 2);
        Buffer out(type, texts * cols);
        for (const int64_t rows : {int64_t{1}, int64_t{4}, texts}) {
            const std::string name = "few_rows " + std::to_string(rows);
            report(name_of(name.c_str(), type), static_cast<double>(cols * inner) * size, [&] {
                few_rows_product({.out = out.data(),
                                  .x = x.data(),
                                  .w = w.data(),
                                  .dtype = type,
                                  .rows = rows,
                                  .cols = cols,
                                  .inner = inner});
            });
        }
        const Buffer k = Buffer::normal(type, texts * keys * 256, 3), v = k;
        std::vector<DecodeText> list;
        for (int64_t i = 0; i < texts; ++i) {
            list.push_back(
                {.out = out.from(i * inner),
                 .q = static_cast<const char*>(x.data()) + i * inner * element_bytes(type),
                 .k = static_cast<const char*>(k.data()) + i * keys * 256 * element_bytes(type),
                 .v = static_cast<const char*>(v.data()) + i * keys * 256 * element_bytes(type),
                 .keys = keys});
        }
        report(name_of("decode_attention", type),
               2.0 * static_cast<double>(texts * keys * 256) * size, [&] {
                   decode_attention({.texts = list.data(),
                                     .text_count = texts,
                                     .dtype = type,
                                     .heads = 12,
                                     .kv_heads = 2,
                                     .head_dim = 128,
                                     .scale = 0.09f});
               });
    }

    void optimizer() {
        const int64_t count = 8 << 20;
        const double elements = static_cast<double>(count);
        Buffer param = Buffer::normal(Dtype::Float32, count, 1);
        Buffer grad = Buffer::normal(Dtype::Float32, count, 2);
        std::vector<float> m(static_cast<size_t>(count)), v(m.size());
        AdamwTensor tensor;
        tensor.param = param.floats();
        tensor.m = m.data();
        tensor.v = v.data();
        tensor.grad = grad.floats();
        tensor.count = count;
        AdamwStep step;
        step.learning_rate = 1e-4;
        report("adamw_step", 28 * elements,
               [&] { adamw_step({.tensors = &tensor, .tensor_count = 1, .step = step}); });
        std::vector<uint8_t> state1(m.size()), state2(m.size());
        Adamw8bitTensor small;
        small.param = param.floats();
        small.grad = grad.floats();
        small.state1 = state1.data();
        small.state2 = state2.data();
        small.absmax1 = m.data();
        small.absmax2 = v.data();
        small.count = count;
        report("adamw8bit_step", 16 * elements,
               [&] { adamw8bit_step({.tensors = &small, .tensor_count = 1, .step = step}); });
        const GradTensor gradient{grad.floats(), count};
        report("grad_norm", 4 * elements, [&] { (void)grad_norm(&gradient, 1); });
    }

    void four_bits() {
        const int64_t rows = 4096, cols = 4096;
        const double elements = static_cast<double>(rows * cols);
        for (const Dtype type : {Dtype::Float32, Dtype::BFloat16}) {
            Buffer weight = Buffer::normal(type, rows * cols, 1);
            std::vector<uint8_t> codes(static_cast<size_t>(nf4_code_bytes(rows * cols)));
            std::vector<float> absmax(static_cast<size_t>(nf4_block_count(rows * cols)));
            Nf4Quantize quantize;
            quantize.codes = codes.data();
            quantize.absmax = absmax.data();
            quantize.weight = weight.data();
            quantize.dtype = type;
            quantize.count = rows * cols;
            const double size = static_cast<double>(element_bytes(type));
            report(name_of("nf4_quantize", type), (size + 0.5625) * elements,
                   [&] { (void)nf4_quantize(quantize); });
            Nf4Dequantize dequantize;
            dequantize.out = weight.data();
            dequantize.weight.codes = codes.data();
            dequantize.weight.absmax = absmax.data();
            dequantize.weight.rows = rows;
            dequantize.weight.cols = cols;
            dequantize.dtype = type;
            dequantize.row_end = rows;
            report(name_of("nf4_dequantize", type), (size + 0.5625) * elements,
                   [&] { nf4_dequantize(dequantize); });
        }
    }
};

DAYRUN_TEST(TestKernelsBench)
#include "test_kernels_bench.moc"
