// Body of arrow_writer.h.
#include "core/compile/arrow_file/arrow_writer.h"

#include <arrow_format_generated.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "core/base/checksum.h"

namespace dayrun::core {
namespace {

namespace format = arrow_format;
using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

constexpr auto kVersion = format::MetadataVersion::V5;

size_t padded(size_t bytes) {
    return (bytes + kArrowAlignment - 1) / kArrowAlignment * kArrowAlignment;
}

Offset<format::Field> number_field(FlatBufferBuilder& builder, const std::string& name,
                                   ArrowKind kind) {
    const bool is_signed = kind == ArrowKind::Int32 || kind == ArrowKind::Int32List;
    const auto bits = static_cast<int32_t>(width_of(kind) * 8);
    const auto type = format::CreateInt(builder, bits, is_signed);
    const auto children = builder.CreateVector(std::vector<Offset<format::Field>>());
    return format::CreateField(builder, builder.CreateString(name), false, format::Type::Int,
                               type.Union(), 0, children);
}

Offset<format::Schema> make_schema(FlatBufferBuilder& builder, const ArrowColumns& columns) {
    std::vector<Offset<format::Field>> fields;
    for (const ArrowColumn& column : columns) {
        if (!is_list(column.kind)) {
            fields.push_back(number_field(builder, column.name, column.kind));
            continue;
        }
        const std::vector items{number_field(builder, "item", column.kind)};
        const auto children = builder.CreateVector(items);
        fields.push_back(format::CreateField(builder, builder.CreateString(column.name), false,
                                             format::Type::List,
                                             format::CreateList(builder).Union(), 0, children));
    }
    return format::CreateSchema(builder, format::Endianness::Little, builder.CreateVector(fields));
}

/// The pieces of a message's body, in the order of the format.
struct Body {
    struct Piece {
        const void* bytes;
        size_t count;
    };
    std::vector<Piece> pieces;
    std::vector<format::Buffer> buffers;
    size_t length = 0;  // with the padding behind each piece

    void add(const void* bytes, size_t count) {
        pieces.push_back({bytes, count});
        buffers.emplace_back(static_cast<int64_t>(length), static_cast<int64_t>(count));
        length += padded(count);
    }
};

}  // namespace

ArrowBatch::ArrowBatch(const ArrowColumns& columns) {
    for (const ArrowColumn& column : columns) {
        m_columns.push_back({.kind = column.kind, .bytes = {}, .ends = {}});
        if (is_list(column.kind)) m_columns.back().ends.push_back(0);
    }
}

uint64_t ArrowBatch::checksum() const {
    Checksum sum;
    for (const Column& column : m_columns) {
        const auto ends = std::as_bytes(std::span(column.ends));
        const auto numbers = std::as_bytes(std::span(column.bytes));
        sum.add(is_list(column.kind) ? ends : numbers);
    }
    return sum.value();
}

void ArrowBatch::clear() {
    for (Column& column : m_columns) {
        column.bytes.clear();
        if (!column.ends.empty()) column.ends.resize(1);
    }
    m_rows = 0;
}

ArrowWriter::ArrowWriter(std::filesystem::path path, ArrowColumns columns, int descriptor)
    : m_path(std::move(path)), m_columns(std::move(columns)), m_descriptor(descriptor) {}

ArrowWriter::ArrowWriter(ArrowWriter&& other) noexcept
    : m_path(std::move(other.m_path)),
      m_columns(std::move(other.m_columns)),
      m_descriptor(std::exchange(other.m_descriptor, -1)),
      m_written(other.m_written),
      m_blocks(std::move(other.m_blocks)) {}

ArrowWriter::~ArrowWriter() {
    if (m_descriptor >= 0) ::close(m_descriptor);
}

namespace {

Error cannot_write(const std::filesystem::path& path) {
    const int reason = errno;
    return {.code = ErrorCode::DiskFull,
            .message = fmt::format("Cannot write {}.", path.string()),
            .detail = std::strerror(reason)};
}

}  // namespace

Result<ArrowWriter> ArrowWriter::create(const std::filesystem::path& path, ArrowColumns columns) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor < 0) return cannot_write(path);
    ArrowWriter writer(path, std::move(columns), descriptor);
    TRY_VOID(writer.put(kArrowMagic, sizeof kArrowMagic));
    TRY_VOID(writer.pad());
    TRY_VOID(writer.put_schema());
    return writer;
}

Result<void> ArrowWriter::put(const void* bytes, size_t count) {
    const char* from = static_cast<const char*>(bytes);
    while (count > 0) {
        const ssize_t done = ::write(m_descriptor, from, count);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return cannot_write(m_path);
        from += done;
        count -= static_cast<size_t>(done);
        m_written += done;
    }
    return {};
}

Result<void> ArrowWriter::pad() {
    constexpr char kZeros[kArrowAlignment] = {};
    return put(kZeros, padded(static_cast<size_t>(m_written)) - static_cast<size_t>(m_written));
}

/// A message up to its body, which begins at a multiple of the alignment.
Result<void> ArrowWriter::put_message(const uint8_t* metadata, size_t size) {
    const uint32_t front[] = {kArrowMessage, static_cast<uint32_t>(padded(size))};
    TRY_VOID(put(front, sizeof front));
    TRY_VOID(put(metadata, size));
    return pad();
}

Result<void> ArrowWriter::put_schema() {
    FlatBufferBuilder builder;
    const auto schema = make_schema(builder, m_columns);
    builder.Finish(
        format::CreateMessage(builder, kVersion, format::MessageHeader::Schema, schema.Union(), 0));
    return put_message(builder.GetBufferPointer(), builder.GetSize());
}

Result<void> ArrowWriter::write(const ArrowBatch& batch) {
    Body body;
    std::vector<format::FieldNode> nodes;
    for (const ArrowBatch::Column& column : batch.m_columns) {
        nodes.emplace_back(batch.rows(), 0);
        body.add(nullptr, 0);  // no validity bits: nothing is missing
        if (is_list(column.kind)) {
            body.add(column.ends.data(), column.ends.size() * sizeof column.ends[0]);
            nodes.emplace_back(column.ends.back(), 0);
            body.add(nullptr, 0);
        }
        body.add(column.bytes.data(), column.bytes.size());
    }
    FlatBufferBuilder builder;
    const auto header =
        format::CreateRecordBatch(builder, batch.rows(), builder.CreateVectorOfStructs(nodes),
                                  builder.CreateVectorOfStructs(body.buffers));
    builder.Finish(format::CreateMessage(builder, kVersion, format::MessageHeader::RecordBatch,
                                         header.Union(), static_cast<int64_t>(body.length)));
    const int64_t offset = m_written;
    TRY_VOID(put_message(builder.GetBufferPointer(), builder.GetSize()));
    m_blocks.push_back(
        {offset, static_cast<int32_t>(m_written - offset), static_cast<int64_t>(body.length)});
    for (const Body::Piece& piece : body.pieces) {
        TRY_VOID(put(piece.bytes, piece.count));
        TRY_VOID(pad());
    }
    return {};
}

Result<void> ArrowWriter::finish(const std::vector<std::pair<std::string, std::string>>& metadata) {
    const uint32_t end_of_stream[] = {kArrowMessage, 0};
    TRY_VOID(put(end_of_stream, sizeof end_of_stream));
    FlatBufferBuilder builder;
    const auto schema = make_schema(builder, m_columns);
    std::vector<format::Block> blocks;
    for (const Block& block : m_blocks) {
        blocks.emplace_back(block.offset, block.metadata_length, block.body_length);
    }
    const auto batches = builder.CreateVectorOfStructs(blocks);
    const auto dictionaries = builder.CreateVectorOfStructs(std::vector<format::Block>());
    std::vector<Offset<format::KeyValue>> words;
    for (const auto& [key, value] : metadata) {
        const auto name = builder.CreateString(key);
        words.push_back(format::CreateKeyValue(builder, name, builder.CreateString(value)));
    }
    builder.Finish(format::CreateFooter(builder, kVersion, schema, dictionaries, batches,
                                        builder.CreateVector(words)));
    const auto size = static_cast<uint32_t>(builder.GetSize());
    TRY_VOID(put(builder.GetBufferPointer(), size));
    TRY_VOID(put(&size, sizeof size));
    TRY_VOID(put(kArrowMagic, sizeof kArrowMagic));
    // EINVAL: a file system that has nothing to bring anywhere.
    if (::fsync(m_descriptor) != 0 && errno != EINVAL) return cannot_write(m_path);
    if (::close(std::exchange(m_descriptor, -1)) != 0) return cannot_write(m_path);
    return {};
}

}  // namespace dayrun::core
