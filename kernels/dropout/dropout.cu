// Dropout on a device (dropout.h has the rule); the mask is the CPU's, element for element.
// Shapes: [rows, cols], rows tokens, cols a linear module's input (4,096 to 28,672).
// Bytes moved: 2 * rows * cols elements of T, 3 when it adds.
// Why so: a Philox counter costs some 80 instructions and decides on eight elements. Drawn per
// element it would be two to three times slower than the memory; sixteen neighbouring threads draw
// one counter each and share the words, which leaves ten instructions per element. Rows that are no
// multiple of 128 elements draw per element.
#include "kernels/dropout/dropout_body.h"

namespace dayrun::kernels {

// ---- device code: dropout_body.h -----------------------------------------------------------

// ---- launchers -----------------------------------------------------------------------------

DeviceStatus launch_dropout_apply(const Dropout& params, DeviceStream stream) {
    DropoutLaunch p{params, dropout_rule(params.probability)};
    Dropout& call = p.call;
    if (call.out_stride == 0) call.out_stride = call.cols;
    if (call.x_stride == 0) call.x_stride = call.cols;
    const RowsAndCols shape{call.rows, call.cols};
    const int64_t bytes = element_bytes(call.dtype);
    const std::initializer_list<PackedOperand> operands = {{call.out, bytes, call.out_stride},
                                                           {call.x, bytes, call.x_stride}};
    const int pack = static_cast<int>(kPackBytes / bytes);
    if (call.cols % 128 == 0 && packs_fit(pack, operands)) {
        return launch_packed_rows<DropoutSharingBody>(p, call.dtype, shape, operands, stream);
    }
    return launch_packed_rows<DropoutBody>(p, call.dtype, shape, operands, stream);
}

}  // namespace dayrun::kernels
