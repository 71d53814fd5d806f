// decode_attention: values against the reference over texts of different lengths, and the promise
// that a text has the same bits alone and beside others.
#include "kernels/decode_attention/decode_attention.h"
#include "tests/kernels/kernel_support.h"
#include "tests/support/test_registry.h"

using namespace dayrun::kernels;
using namespace dayrun::kernels::tests;

namespace {

struct Texts {
    DecodeAttention params;
    std::vector<Buffer> q, k, v, out;
    std::vector<DecodeText> list;
};

Texts make_texts(Dtype dtype, const std::vector<int64_t>& lengths) {
    Texts texts;
    texts.params = {.dtype = dtype, .heads = 6, .kv_heads = 2, .head_dim = 20, .scale = 0.22f};
    texts.params.kv_stride = 2 * 20 + 4;
    for (size_t i = 0; i < lengths.size(); ++i) {
        const auto seed = static_cast<unsigned>(10 * lengths[i]);
        texts.q.push_back(Buffer::normal(dtype, 120, seed + 1));
        texts.k.push_back(Buffer::normal(dtype, lengths[i] * 44, seed + 2));
        texts.v.push_back(Buffer::normal(dtype, lengths[i] * 44, seed + 3));
        texts.out.emplace_back(dtype, 120);
    }
    for (size_t i = 0; i < lengths.size(); ++i) {
        texts.list.push_back({.out = texts.out[i].data(),
                              .q = texts.q[i].data(),
                              .k = texts.k[i].data(),
                              .v = texts.v[i].data(),
                              .keys = lengths[i]});
    }
    texts.params.texts = texts.list.data();
    texts.params.text_count = static_cast<int64_t>(lengths.size());
    return texts;
}

}  // namespace

class TestDecodeAttention : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void equals_the_reference_data() { add_dtype_rows(); }
    void equals_the_reference() {
        const RowSetup setup;
        const std::vector<int64_t> lengths = {1, 2, 17, 64, 333};
        const Texts fast = make_texts(setup.dtype, lengths);
        const Texts want = make_texts(setup.dtype, lengths);
        decode_attention(fast.params);
        decode_attention_reference(want.params);
        for (size_t i = 0; i < lengths.size(); ++i) {
            DAYRUN_COMPARE_CLOSE(fast.out[i], want.out[i],
                                 setup.dtype == Dtype::Float32 ? 3e-6 : 8e-3);
        }
    }

    void a_text_does_not_depend_on_its_neighbours_data() { add_dtype_rows(); }
    void a_text_does_not_depend_on_its_neighbours() {
        const RowSetup setup;
        const Texts together = make_texts(setup.dtype, {5, 70, 9});
        decode_attention(together.params);
        const Texts alone = make_texts(setup.dtype, {70});
        decode_attention(alone.params);
        QVERIFY(together.out[1] == alone.out[0]);
    }

    void same_bits_over_threads() {
        QVERIFY(is_bit_equal_over_threads([] {
            const Texts texts = make_texts(Dtype::Float32, {400, 1, 333});
            decode_attention(texts.params);
            return texts.out;
        }));
    }
};

DAYRUN_TEST(TestDecodeAttention)
#include "test_decode_attention.moc"
