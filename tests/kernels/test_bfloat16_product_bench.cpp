// Speed of bfloat16_product on one thread: GFLOP/s of CPU time on the shapes of a small model's
// layers and head, with the weight in the caches and with many weights in turn from memory. Left
// out of the plain ./test; prints, and fails on nothing.
#include <time.h>

#include <cstdio>

#include "kernels/bfloat16_product/bfloat16_product.h"
#include "tests/kernels/kernel_support.h"
#include "tests/support/test_registry.h"

using namespace dayrun::kernels;
using namespace dayrun::kernels::tests;

namespace {

double thread_cpu_s() {
    timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

struct Shape {
    int64_t rows, cols, inner;
    double operations() const { return 2.0 * static_cast<double>(rows * cols * inner); }
};

void multiply(Buffer& out, const Buffer& x, const bfloat16* w, const Shape& shape,
              WeightForm form) {
    const ProductTerm term{.x = static_cast<const bfloat16*>(x.data()),
                           .w = w,
                           .inner = shape.inner,
                           .x_stride = shape.inner,
                           .w_stride = form == WeightForm::ColsByInner ? shape.inner : shape.cols,
                           .form = form};
    bfloat16_product({.out = out.data(),
                      .terms = &term,
                      .term_count = 1,
                      .rows = shape.rows,
                      .cols = shape.cols,
                      .out_stride = shape.cols});
}

const char* name_of(WeightForm form) {
    return form == WeightForm::ColsByInner ? "forward" : "back";
}

}  // namespace

class TestBfloat16ProductBench : public QObject {
    Q_OBJECT
  private Q_SLOTS:
    void init() {
        if (!has_bfloat16_product()) QSKIP("this processor has no AVX512-BF16");
    }

    void one_weight() {
        for (const Shape& shape : {Shape{1024, 576, 576},
                                   {1024, 192, 576},
                                   {1024, 1536, 576},
                                   {1024, 576, 1536},
                                   {1024, 16, 576},
                                   {256, 49152, 576},
                                   {256, 576, 49152}}) {
            const Buffer x = Buffer::normal(Dtype::BFloat16, shape.rows * shape.inner, 1);
            const Buffer w = Buffer::normal(Dtype::BFloat16, shape.cols * shape.inner, 2);
            Buffer out(Dtype::BFloat16, shape.rows * shape.cols);
            for (const WeightForm form : {WeightForm::ColsByInner, WeightForm::InnerByCols}) {
                double best = INFINITY;
                for (int i = 0; i < 6; ++i) {
                    const double start = thread_cpu_s();
                    multiply(out, x, static_cast<const bfloat16*>(w.data()), shape, form);
                    best = std::min(best, thread_cpu_s() - start);
                }
                std::printf("%5ld x %5ld x %5ld %-8s %7.1f GFLOP/s\n", long{shape.rows},
                            long{shape.cols}, long{shape.inner}, name_of(form),
                            shape.operations() / best * 1e-9);
            }
        }
    }

    void weights_in_turn() {
        const Shape shape{1024, 1536, 576};
        constexpr int64_t kWeights = 100;  // 177 MB
        const Buffer x = Buffer::normal(Dtype::BFloat16, shape.rows * shape.inner, 1);
        const Buffer w(Dtype::BFloat16, kWeights * shape.cols * shape.inner);
        Buffer out(Dtype::BFloat16, shape.rows * shape.cols);
        for (const WeightForm form : {WeightForm::ColsByInner, WeightForm::InnerByCols}) {
            const double start = thread_cpu_s();
            for (int64_t i = 0; i < kWeights; ++i) {
                const auto* const all = static_cast<const bfloat16*>(w.data());
                multiply(out, x, all + i * shape.cols * shape.inner, shape, form);
            }
            std::printf("%ld weights of 1536 x 576 in turn %-8s %7.1f GFLOP/s\n", long{kWeights},
                        name_of(form),
                        kWeights * shape.operations() / (thread_cpu_s() - start) * 1e-9);
        }
    }
};

DAYRUN_TEST(TestBfloat16ProductBench)
#include "test_bfloat16_product_bench.moc"
