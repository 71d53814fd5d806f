// Body of nf4_export.h.
#include "core/export/nf4_export.h"

#include <fmt/format.h>

#include <set>
#include <system_error>

#include "core/base/atomic_file.h"
#include "core/export/model_files.h"
#include "core/model/model_config.h"
#include "core/model/model_folder.h"
#include "core/quantize/nf4_writer.h"

namespace dayrun::core {

Result<Nf4ExportReport> export_nf4(const Nf4ExportRequest& request) {
    std::error_code ignored;
    if (std::filesystem::equivalent(request.base, request.out, ignored)) {
        return Error{
            .code = ErrorCode::BadUsage,
            .message = fmt::format("'{}' is the base model's own folder.", request.out.string()),
            .hint = "Choose another folder for the 4-bit model."};
    }
    TRY(config, read_model_config(request.base));
    if (!config.quantization.empty()) {
        return Error{
            .code = ErrorCode::BadUsage,
            .message = fmt::format("'{}' holds 4-bit weights already.", request.base.string()),
            .hint = "Give the folder of the 16-bit model."};
    }
    const WeightMap map = make_weight_map(config);
    TRY(files, CheckpointFiles::open(request.base));
    TRY_VOID(check_layer_count(files, config));
    Nf4WriteRequest write{.files = files,
                          .quantized = linear_weights(map),
                          .options = request.options,
                          .stop = request.stop,
                          .on_progress = request.on_progress};
    std::set<std::string> quantized;
    for (const WeightInfo& weight : write.quantized) quantized.insert(weight.name);
    for (const auto& file : files.files()) {
        for (const TensorView& tensor : file->tensors()) {
            if (!quantized.contains(tensor.name)) write.plain.push_back(tensor.name);
        }
    }
    TRY_VOID(ensure_folder(request.out));
    TRY_VOID(write_nf4(request.out / "model.safetensors", write));
    TRY_VOID(write_model_config(
        config, request.base, request.out, "",
        request.options.double_quant ? ConfigQuantization::Nf4Double : ConfigQuantization::Nf4));
    TRY_VOID(copy_tokenizer_files(request.base, request.out));
    TRY_VOID(copy_model_side_files(request.base, request.out));
    Nf4ExportReport report{.quantized_modules = std::ssize(write.quantized)};
    const auto bytes = std::filesystem::file_size(request.out / "model.safetensors", ignored);
    if (!ignored) report.bytes = static_cast<int64_t>(bytes);
    return report;
}

}  // namespace dayrun::core
