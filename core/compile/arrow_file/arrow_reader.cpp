// Body of arrow_reader.h. A check that fails says in a few words what is wrong.
#include "core/compile/arrow_file/arrow_reader.h"

#include <arrow_format_generated.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>

#include "core/base/checksum.h"

namespace dayrun::core {

namespace format = arrow_format;

void ArrowFile::Unmap::operator()(const char* bytes) const {
    ::munmap(const_cast<char*>(bytes), size);
}

std::string ArrowFile::metadata(std::string_view key) const {
    for (const auto& [name, value] : m_metadata) {
        if (name == key) return value;
    }
    return {};
}

bool ArrowFile::is_at(const std::filesystem::path& path) const {
    struct stat status = {};
    return ::stat(path.c_str(), &status) == 0 && status.st_dev == m_device &&
           status.st_ino == m_inode;
}

uint64_t ArrowFile::checksum(size_t batch) const {
    const Batch& of = m_batches[batch];
    const auto rows = static_cast<size_t>(of.rows);
    Checksum sum;
    for (size_t i = 0; i < m_columns.size(); ++i) {
        const Place& place = of.columns[i];
        if (is_list(m_columns[i].kind)) {
            sum.add(std::as_bytes(std::span(place.borders, rows == 0 ? 0 : rows + 1)));
        } else {
            const auto* const numbers = static_cast<const std::byte*>(place.values);
            sum.add(std::span(numbers, rows * width_of(m_columns[i].kind)));
        }
    }
    return sum.value();
}

namespace {

Error damaged(const char* what) {
    return {.code = ErrorCode::FileDamaged,
            .message = "The Arrow file is damaged or of another kind.",
            .detail = what};
}

/// A verified root table in memory of its own, where its alignment is sure.
template <typename Table>
class Metadata {
  public:
    bool read(std::span<const char> bytes) {
        m_bytes.assign(bytes.begin(), bytes.end());
        flatbuffers::Verifier verifier(m_bytes.data(), m_bytes.size());
        return verifier.VerifyBuffer<Table>(nullptr);
    }
    const Table& operator*() const { return *flatbuffers::GetRoot<Table>(m_bytes.data()); }

  private:
    std::vector<uint8_t> m_bytes;
};

std::optional<ArrowKind> number_kind(const format::Field& field) {
    const auto* const type = field.type_as_Int();
    if (type == nullptr) return std::nullopt;
    if (type->bit_width() == 8 && !type->is_signed()) return ArrowKind::UInt8;
    if (type->bit_width() == 32 && type->is_signed()) return ArrowKind::Int32;
    if (type->bit_width() == 64 && !type->is_signed()) return ArrowKind::UInt64;
    return std::nullopt;
}

std::optional<ArrowKind> list_kind(const format::Field& field) {
    const auto* const children = field.children();
    if (field.type_type() != format::Type::List || children == nullptr || children->size() != 1) {
        return std::nullopt;
    }
    const format::Field& item = *children->Get(0);
    const auto* const type = item.type_as_Int();
    if (type == nullptr || type->bit_width() != 32 || item.dictionary() != nullptr) {
        return std::nullopt;
    }
    return type->is_signed() ? ArrowKind::Int32List : ArrowKind::UInt32List;
}

/// A struct of a vector, by copy: the verifier does not ask whether it lies at its alignment.
template <typename Struct>
Struct struct_at(const flatbuffers::Vector<const Struct*>& structs, uint32_t index) {
    Struct value;
    std::memcpy(static_cast<void*>(&value), structs.Data() + index * sizeof(Struct), sizeof value);
    return value;
}

bool is_inside(int64_t offset, int64_t length, int64_t size) {
    return offset >= 0 && length >= 0 && offset <= size && length <= size - offset;
}

}  // namespace

/// Walks one file from its footer and fills an ArrowFile; lives as long as open() takes.
class ArrowChecker {
  public:
    explicit ArrowChecker(ArrowFile& file)
        : m_file(file), m_bytes(file.m_bytes.get(), file.m_bytes.get_deleter().size) {}

    Result<void> run() {
        constexpr size_t kEnd = sizeof(uint32_t) + sizeof kArrowMagic;
        constexpr size_t kFront = kArrowAlignment;
        if (m_bytes.size() < kFront + kEnd) return damaged("it is too short");
        const char* const end = m_bytes.data() + m_bytes.size() - kEnd;
        if (std::memcmp(m_bytes.data(), kArrowMagic, sizeof kArrowMagic) != 0 ||
            std::memcmp(end + sizeof(uint32_t), kArrowMagic, sizeof kArrowMagic) != 0) {
            return damaged("it does not begin and end as an Arrow file");
        }
        uint32_t length = 0;
        std::memcpy(&length, end, sizeof length);
        if (length > m_bytes.size() - kFront - kEnd) return damaged("the footer has no room");
        m_data_end = static_cast<int64_t>(m_bytes.size() - kEnd - length);
        Metadata<format::Footer> footer;
        if (!footer.read(m_bytes.subspan(static_cast<size_t>(m_data_end), length))) {
            return damaged("the footer does not hold together");
        }
        TRY_VOID(read_schema((*footer).schema()));
        read_words((*footer).custom_metadata());
        const auto* const dictionaries = (*footer).dictionaries();
        if (dictionaries != nullptr && dictionaries->size() > 0) return damaged("dictionaries");
        const auto* const blocks = (*footer).record_batches();
        for (uint32_t i = 0; blocks != nullptr && i < blocks->size(); ++i) {
            TRY_VOID(read_block(struct_at(*blocks, i)));
        }
        return {};
    }

  private:
    Result<void> read_schema(const format::Schema* schema) {
        if (schema == nullptr || schema->fields() == nullptr) return damaged("no schema");
        if (schema->endianness() != format::Endianness::Little) return damaged("other byte order");
        for (const format::Field* const field : *schema->fields()) {
            auto kind = number_kind(*field);
            if (!kind) kind = list_kind(*field);
            if (!kind || field->name() == nullptr || field->dictionary() != nullptr) {
                return damaged("a column of another kind");
            }
            m_file.m_columns.push_back({field->name()->str(), *kind});
        }
        return {};
    }

    template <typename Words>
    void read_words(const Words* words) {
        if (words == nullptr) return;
        for (const format::KeyValue* const word : *words) {
            if (word->key() == nullptr || word->value() == nullptr) continue;
            m_file.m_metadata.emplace_back(word->key()->str(), word->value()->str());
        }
    }

    Result<void> read_block(const format::Block& block) {
        const int64_t begin = block.offset(), size = block.metadata_length();
        if (!is_inside(begin, size, m_data_end) ||
            !is_inside(begin + size, block.body_length(), m_data_end)) {
            return damaged("a batch lies outside the file");
        }
        constexpr int64_t kFront = 8;  // the mark and the metadata's length
        if (size < kFront) return damaged("a batch has no metadata");
        uint32_t front[2];
        std::memcpy(front, m_bytes.data() + begin, sizeof front);
        if (front[0] != kArrowMessage || front[1] > size - kFront) {
            return damaged("no message where a batch should be");
        }
        Metadata<format::Message> message;
        if (!message.read(m_bytes.subspan(static_cast<size_t>(begin + kFront), front[1]))) {
            return damaged("the metadata of a batch do not hold together");
        }
        const auto* const batch = (*message).header_as_RecordBatch();
        // The layout of these columns is the same in V4 and V5.
        if (batch == nullptr || (*message).version() < format::MetadataVersion::V4 ||
            (*message).version() > format::MetadataVersion::V5) {
            return damaged("a message that is no batch");
        }
        if (batch->compression() != nullptr) return damaged("a compressed batch");
        return read_batch(*batch, begin + size, block.body_length());
    }

    Result<void> read_batch(const format::RecordBatch& batch, int64_t body, int64_t body_length) {
        size_t nodes = 0, buffers = 0;
        for (const ArrowColumn& column : m_file.m_columns) {
            nodes += is_list(column.kind) ? 2 : 1;
            buffers += is_list(column.kind) ? 4 : 2;
        }
        if (batch.nodes() == nullptr || batch.nodes()->size() != nodes ||
            batch.buffers() == nullptr || batch.buffers()->size() != buffers) {
            return damaged("a batch of other columns");
        }
        // The most rows that the borders of a list can count.
        if (batch.length() < 0 || batch.length() >= std::numeric_limits<int32_t>::max()) {
            return damaged("a batch of impossible length");
        }
        m_batch = &batch;
        m_body = {m_bytes.data() + body, static_cast<size_t>(body_length)};
        m_node = m_buffer = 0;
        ArrowFile::Batch made{.rows = batch.length(), .columns = {}};
        for (const ArrowColumn& column : m_file.m_columns) {
            ArrowFile::Place place;
            int64_t values = 0;
            TRY_VOID(next_node(values));
            if (values != made.rows) return damaged("columns of unequal length");
            if (is_list(column.kind)) {
                TRY_VOID(next_borders(made.rows, place));
                TRY_VOID(next_node(values));
                if (made.rows > 0 && place.borders[made.rows] > values) {
                    return damaged("a list ends behind its values");
                }
            }
            TRY(bytes, next_buffer(values, width_of(column.kind)));
            place.values = bytes;
            place.count = values;
            made.columns.push_back(place);
        }
        m_file.m_batches.push_back(std::move(made));
        return {};
    }

    /// The next column or list child and its validity bits, which must have nothing to say.
    Result<void> next_node(int64_t& length) {
        const auto node = struct_at(*m_batch->nodes(), m_node++);
        length = node.length();
        ++m_buffer;
        if (node.null_count() != 0) return damaged("missing values");
        return {};
    }

    /// The next buffer, which holds `count` numbers of `width` bytes.
    Result<const char*> next_buffer(int64_t count, size_t width) {
        const auto buffer = struct_at(*m_batch->buffers(), m_buffer++);
        const auto size = static_cast<int64_t>(m_body.size());
        if (count < 0 || !is_inside(buffer.offset(), buffer.length(), size) ||
            count > buffer.length() / static_cast<int64_t>(width)) {
            return damaged("values lie outside their batch");
        }
        const char* const bytes = m_body.data() + buffer.offset();
        if (reinterpret_cast<uintptr_t>(bytes) % width != 0) return damaged("values out of line");
        return bytes;
    }

    Result<void> next_borders(int64_t rows, ArrowFile::Place& place) {
        // A column without rows may leave its borders out.
        TRY(bytes, next_buffer(rows == 0 ? 0 : rows + 1, sizeof(int32_t)));
        place.borders = reinterpret_cast<const int32_t*>(bytes);
        if (rows == 0) return {};
        if (place.borders[0] < 0 || !std::is_sorted(place.borders, place.borders + rows + 1)) {
            return damaged("the borders of a list do not rise");
        }
        return {};
    }

    ArrowFile& m_file;
    std::span<const char> m_bytes;
    int64_t m_data_end = 0;  // where the footer begins
    // The batch at hand.
    const format::RecordBatch* m_batch = nullptr;
    std::span<const char> m_body;
    uint32_t m_node = 0;
    uint32_t m_buffer = 0;
};

Result<std::shared_ptr<const ArrowFile>> ArrowFile::open(const std::filesystem::path& path) {
    const auto cannot_open = [&] {
        const int reason = errno;
        return Error{.code = ErrorCode::FileMissing,
                     .message = fmt::format("Cannot open {}.", path.string()),
                     .detail = std::strerror(reason)};
    };
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return cannot_open();
    struct stat status = {};
    const bool is_known = ::fstat(descriptor, &status) == 0;
    const auto size = is_known ? static_cast<size_t>(status.st_size) : 0;
    void* const bytes =
        size > 0 ? ::mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor, 0) : MAP_FAILED;
    const Error unmapped = cannot_open();
    ::close(descriptor);
    if (is_known && size == 0) return damaged("it is empty");
    if (bytes == MAP_FAILED) return unmapped;
    std::shared_ptr<ArrowFile> file(new ArrowFile());
    file->m_bytes = {static_cast<const char*>(bytes), Unmap{size}};
    file->m_device = status.st_dev;
    file->m_inode = status.st_ino;
    TRY_VOID(ArrowChecker(*file).run());
    return std::shared_ptr<const ArrowFile>(std::move(file));
}

}  // namespace dayrun::core
