// Parquet rows through Arrow: lists, structs and maps become Values. Batches of rows are read,
// never a whole file. Arrow's exceptions and the Parquet library's end here. Neighbour:
// row_reader.h.
#include <arrow/api.h>
#include <arrow/io/file.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>
#include <parquet/metadata.h>

#include <algorithm>

#include "core/base/units.h"
#include "core/data/readers/record_splitter.h"
#include "core/data/readers/row_reader.h"
#include "core/data/text.h"

namespace dayrun::core {
namespace {

constexpr int64_t kRowsPerBatch = 512;
constexpr int64_t kBatchBytes = int64_t{32} << 20;  // of a batch, unpacked, where rows are long
const Value kNoHeader;

Value cell_value(const arrow::Array& array, int64_t row);

template <typename ArrayType>
Value list_value(const arrow::Array& array, int64_t row) {
    const auto& list = static_cast<const ArrayType&>(array);
    const int64_t begin = list.value_offset(row);
    const int64_t count = list.value_length(row);
    Value::Array values;
    values.reserve(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) values.push_back(cell_value(*list.values(), begin + i));
    return Value(std::move(values));
}

Value struct_value(const arrow::StructArray& array, int64_t row) {
    Value::Object members;
    for (int i = 0; i < array.num_fields(); ++i) {
        // field(i) takes the struct's own offset into account.
        members.push_back(
            {array.struct_type()->field(i)->name(), cell_value(*array.field(i), row)});
    }
    return Value(std::move(members));
}

Value map_value(const arrow::MapArray& array, int64_t row) {
    Value::Object members;
    for (int64_t i = array.value_offset(row); i < array.value_offset(row + 1); ++i) {
        members.push_back({cell_value(*array.keys(), i).text(), cell_value(*array.items(), i)});
    }
    return Value(std::move(members));
}

template <typename ArrayType>
Value text_value(const arrow::Array& array, int64_t row) {
    return Value(std::string_view(static_cast<const ArrayType&>(array).GetView(row)));
}

template <typename ArrayType>
Value integer_value(const arrow::Array& array, int64_t row) {
    return Value(static_cast<int64_t>(static_cast<const ArrayType&>(array).Value(row)));
}

/// Types without a plain meaning for text (dates, decimals, …) read as Arrow prints them.
Value printed_value(const arrow::Array& array, int64_t row) {
    const auto scalar = array.GetScalar(row);
    return scalar.ok() ? Value((*scalar)->ToString()) : Value();
}

Value cell_value(const arrow::Array& array, int64_t row) {
    if (array.IsNull(row)) return Value();
    switch (array.type_id()) {
        case arrow::Type::STRING:
            return text_value<arrow::StringArray>(array, row);
        case arrow::Type::LARGE_STRING:
            return text_value<arrow::LargeStringArray>(array, row);
        case arrow::Type::BINARY:
            return text_value<arrow::BinaryArray>(array, row);
        case arrow::Type::LARGE_BINARY:
            return text_value<arrow::LargeBinaryArray>(array, row);
        case arrow::Type::BOOL:
            return Value(static_cast<const arrow::BooleanArray&>(array).Value(row));
        case arrow::Type::INT8:
            return integer_value<arrow::Int8Array>(array, row);
        case arrow::Type::INT16:
            return integer_value<arrow::Int16Array>(array, row);
        case arrow::Type::INT32:
            return integer_value<arrow::Int32Array>(array, row);
        case arrow::Type::INT64:
            return integer_value<arrow::Int64Array>(array, row);
        case arrow::Type::UINT8:
            return integer_value<arrow::UInt8Array>(array, row);
        case arrow::Type::UINT16:
            return integer_value<arrow::UInt16Array>(array, row);
        case arrow::Type::UINT32:
            return integer_value<arrow::UInt32Array>(array, row);
        case arrow::Type::FLOAT:
            return Value(double{static_cast<const arrow::FloatArray&>(array).Value(row)});
        case arrow::Type::DOUBLE:
            return Value(static_cast<const arrow::DoubleArray&>(array).Value(row));
        case arrow::Type::DICTIONARY: {
            const auto& indices = static_cast<const arrow::DictionaryArray&>(array);
            return cell_value(*indices.dictionary(), indices.GetValueIndex(row));
        }
        case arrow::Type::EXTENSION:
            return cell_value(*static_cast<const arrow::ExtensionArray&>(array).storage(), row);
        case arrow::Type::LIST:
            return list_value<arrow::ListArray>(array, row);
        case arrow::Type::LARGE_LIST:
            return list_value<arrow::LargeListArray>(array, row);
        case arrow::Type::FIXED_SIZE_LIST:
            return list_value<arrow::FixedSizeListArray>(array, row);
        case arrow::Type::LIST_VIEW:
            return list_value<arrow::ListViewArray>(array, row);
        case arrow::Type::LARGE_LIST_VIEW:
            return list_value<arrow::LargeListViewArray>(array, row);
        case arrow::Type::STRUCT:
            return struct_value(static_cast<const arrow::StructArray&>(array), row);
        case arrow::Type::MAP:
            return map_value(static_cast<const arrow::MapArray&>(array), row);
        default:
            return printed_value(array, row);
    }
}

Error damaged(const SourceFile& file, const std::string& detail) {
    return {.code = ErrorCode::FileDamaged,
            .message = fmt::format("{} is no Parquet file that can be read, or it is damaged.",
                                   file.path.string()),
            .hint = "Fetch the file again.",
            .detail = detail};
}

/// Unpacked bytes of a row where rows are longest, by the file's own account of its row groups: a
/// file of kilobytes may unpack to gigabytes.
int64_t longest_row_bytes(const parquet::FileMetaData& metadata) {
    int64_t longest = 0;
    for (int group = 0; group < metadata.num_row_groups(); ++group) {
        const auto rows = metadata.RowGroup(group);
        int64_t bytes = 0;
        for (int column = 0; column < rows->num_columns(); ++column) {
            bytes += std::max<int64_t>(0, rows->ColumnChunk(column)->total_uncompressed_size());
        }
        longest = std::max(longest, bytes / std::max<int64_t>(1, rows->num_rows()));
    }
    return longest;
}

Error too_long_rows(const SourceFile& file, int64_t bytes) {
    return {
        .code = ErrorCode::BadData,
        .message = fmt::format("{} has rows of {}, more than the {} a row may have.",
                               file.path.string(), format_bytes(bytes), format_bytes(kMaxRowBytes)),
        .hint = "Cut its texts into smaller rows."};
}

/// Every text of the value, however deep, is valid UTF-8.
bool has_valid_texts(const Value& value) {
    if (value.is_string()) return is_valid_utf8(value.string());
    for (const Value& item : value.array()) {
        if (!has_valid_texts(item)) return false;
    }
    for (const Member& member : value.object()) {
        if (!has_valid_texts(member.value)) return false;
    }
    return true;
}

class ParquetRowReader : public RowReader {
  public:
    static Result<std::unique_ptr<RowReader>> open(const SourceFile& file) {
        auto made = std::make_unique<ParquetRowReader>();
        made->m_file = file;
        try {
            auto input = arrow::io::ReadableFile::Open(file.path.string());
            if (!input.ok()) return damaged(file, input.status().ToString());
            parquet::arrow::FileReaderBuilder builder;
            parquet::ReaderProperties properties = parquet::default_reader_properties();
            // A page whose checksum is wrong is damage, not data.
            properties.set_page_checksum_verification(true);
            properties.enable_buffered_stream();
            const auto status = builder.Open(*input, properties);
            if (!status.ok()) return damaged(file, status.ToString());
            const int64_t row_bytes = longest_row_bytes(*builder.raw_reader()->metadata());
            if (row_bytes > kMaxRowBytes) return too_long_rows(file, row_bytes);
            parquet::ArrowReaderProperties arrow_properties;
            arrow_properties.set_batch_size(std::clamp<int64_t>(
                kBatchBytes / std::max<int64_t>(1, row_bytes), 1, kRowsPerBatch));
            auto reader = builder.properties(arrow_properties)->Build();
            if (!reader.ok()) return damaged(file, reader.status().ToString());
            made->m_reader = std::move(*reader);
            auto batches = made->m_reader->GetRecordBatchReader();
            if (!batches.ok()) return damaged(file, batches.status().ToString());
            made->m_batches = std::move(*batches);
        } catch (const std::exception& error) {
            return damaged(file, error.what());
        }
        made->m_rows = made->m_reader->parquet_reader()->metadata()->num_rows();
        return std::unique_ptr<RowReader>(std::move(made));
    }

    Result<bool> next(RawRow& row) override {
        while (!m_batch || m_at == m_batch->num_rows()) {
            TRY(has_batch, read_batch());
            if (!has_batch) return false;
        }
        row.begin(0, -1, 0);
        Value::Object members;
        for (int column = 0; column < m_batch->num_columns(); ++column) {
            members.push_back({m_batch->schema()->field(column)->name(),
                               cell_value(*m_batch->column(column), m_at)});
        }
        row.value = Value(std::move(members));
        if (!has_valid_texts(row.value)) row.fail("it is not valid UTF-8");
        ++m_at;
        ++m_done;
        return true;
    }

    int64_t file_bytes_read() const override {
        return m_rows > 0 ? m_file.bytes * m_done / m_rows : m_file.bytes;
    }
    const Value& header() const override { return kNoHeader; }

  private:
    Result<bool> read_batch() {
        try {
            const auto status = m_batches->ReadNext(&m_batch);
            if (!status.ok()) return damaged(m_file, status.ToString());
            if (m_batch == nullptr) return false;
            // A damaged page may decode to arrays whose offsets point anywhere.
            const auto validity = m_batch->ValidateFull();
            const bool is_text_only =
                validity.IsInvalid() && validity.message().find("UTF8") != std::string::npos;
            if (!validity.ok() && !is_text_only) return damaged(m_file, validity.ToString());
        } catch (const std::exception& error) {
            return damaged(m_file, error.what());
        }
        m_at = 0;
        return true;
    }

    SourceFile m_file;
    std::unique_ptr<parquet::arrow::FileReader> m_reader;
    std::shared_ptr<arrow::RecordBatchReader> m_batches;
    std::shared_ptr<arrow::RecordBatch> m_batch;
    int64_t m_at = 0;
    int64_t m_done = 0;
    int64_t m_rows = 0;
};

}  // namespace

bool has_parquet_reader() {
    return true;
}

Result<std::unique_ptr<RowReader>> open_parquet_rows(const SourceFile& file) {
    if (file.compression != Compression::None) {
        return Error{.code = ErrorCode::BadData,
                     .message = fmt::format("{} is a packed Parquet file.", file.path.string()),
                     .hint = "Parquet is compressed inside: unpack the .gz or .zst around it."};
    }
    return ParquetRowReader::open(file);
}

}  // namespace dayrun::core
