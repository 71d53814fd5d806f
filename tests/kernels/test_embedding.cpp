// kernels/embedding: gather between types, repeated tokens, unknown ids, threads.
#include "kernels/embedding/embedding.h"
#include "tests/kernels/kernel_support.h"
#include "tests/support/test_registry.h"

using namespace dayrun::kernels;
using namespace dayrun::kernels::tests;

namespace {

constexpr int64_t kVocab = 13;
const std::vector<int32_t> kTokens = {3, 0, 12, 3, 3, 7, 0, 12, 5, 3};

}  // namespace

class TestEmbedding : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void gather_matches_reference_data() { add_dtype_rows(); }
    void gather_matches_reference() {
        const RowSetup setup;
        for (const Dtype table_dtype : {Dtype::Float32, Dtype::BFloat16}) {
            for (const int64_t cols : {1, 16, 45, 288}) {
                const Buffer table = Buffer::normal(table_dtype, kVocab * cols, 1);
                const int64_t stride = cols + 3, tokens = static_cast<int64_t>(kTokens.size());
                Buffer out(setup.dtype, tokens * stride), truth = out;
                EmbeddingForward p;
                p.out = out.data();
                p.table = table.data();
                p.token_ids = kTokens.data();
                p.dtype = setup.dtype;
                p.table_dtype = table_dtype;
                p.tokens = tokens;
                p.cols = cols;
                p.vocab = kVocab;
                p.out_stride = stride;
                embedding_forward(p);
                p.out = truth.data();
                embedding_reference_forward(p);
                QVERIFY(out == truth);
                const Buffer rounded = table.as(setup.dtype);
                QCOMPARE(out.at(stride * 5), rounded.at(7 * cols));
                QCOMPARE(out.at(stride * 2 + cols - 1), rounded.at(13 * cols - 1));
            }
        }
    }

    void unknown_ids_become_nan() {
        const Buffer table = Buffer::normal(Dtype::Float32, kVocab * 20, 1);
        const std::vector<int32_t> ids = {-1, 2, 13};
        Buffer out(Dtype::Float32, 60);
        EmbeddingForward p;
        p.out = out.data();
        p.table = table.data();
        p.token_ids = ids.data();
        p.tokens = 3;
        p.cols = 20;
        p.vocab = kVocab;
        embedding_forward(p);
        for (int64_t i = 0; i < 20; ++i) {
            QVERIFY(std::isnan(out.at(i)) && std::isnan(out.at(40 + i)));
            QCOMPARE(out.at(20 + i), table.at(40 + i));
        }
        Buffer dtable(Dtype::Float32, kVocab * 20);
        EmbeddingBackward b;
        b.dtable = dtable.floats();
        b.dout = out.data();
        b.token_ids = ids.data();
        b.tokens = 3;
        b.cols = 20;
        b.vocab = kVocab;
        embedding_backward(b);
        for (int64_t i = 0; i < dtable.count(); ++i) QVERIFY(!std::isnan(dtable.at(i)));
    }

    void scatter_adds_repeated_tokens_data() { add_dtype_rows(); }
    void scatter_adds_repeated_tokens() {
        const RowSetup setup;
        for (const int64_t cols : {1, 16, 45, 288}) {
            const int64_t tokens = static_cast<int64_t>(kTokens.size());
            const Buffer dout = Buffer::normal(setup.dtype, tokens * cols, 1);
            Buffer dtable = Buffer::normal(Dtype::Float32, kVocab * cols, 2), truth = dtable;
            EmbeddingBackward p;
            p.dtable = dtable.floats();
            p.dout = dout.data();
            p.token_ids = kTokens.data();
            p.dtype = setup.dtype;
            p.tokens = tokens;
            p.cols = cols;
            p.vocab = kVocab;
            embedding_backward(p);
            p.dtable = truth.floats();
            embedding_reference_backward(p);
            DAYRUN_COMPARE_CLOSE(dtable, truth, 5e-7);
        }
    }

    void threads_change_no_bit_data() { add_dtype_rows(); }
    void threads_change_no_bit() {
        const RowSetup setup;
        const int64_t tokens = 500, cols = 300;
        std::vector<int32_t> ids;
        for (int64_t t = 0; t < tokens; ++t) ids.push_back(static_cast<int32_t>(t * t % kVocab));
        QVERIFY(is_bit_equal_over_threads([&] {
            const Buffer dout = Buffer::normal(setup.dtype, tokens * cols, 1);
            Buffer dtable(Dtype::Float32, kVocab * cols);
            EmbeddingBackward p;
            p.dtable = dtable.floats();
            p.dout = dout.data();
            p.token_ids = ids.data();
            p.dtype = setup.dtype;
            p.tokens = tokens;
            p.cols = cols;
            p.vocab = kVocab;
            embedding_backward(p);
            return std::vector<Buffer>{dtable};
        }));
    }
};

DAYRUN_TEST(TestEmbedding)
#include "test_embedding.moc"
