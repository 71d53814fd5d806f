// Body of unpacker.h.
#include "core/data/readers/unpacker.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>

namespace dayrun::core {
namespace {

class GzipUnpacker final : public Unpacker {
  public:
    GzipUnpacker() = default;
    ~GzipUnpacker() override { ::inflateEnd(&m_stream); }
    bool begin() {
        constexpr int kGzipOnly = MAX_WBITS + 16;
        return ::inflateInit2(&m_stream, kGzipOnly) == Z_OK;
    }

    const char* step(std::span<const uint8_t>& in, std::span<uint8_t>& out) override {
        if (m_is_between_members && ::inflateReset(&m_stream) != Z_OK) return "zlib has no state";
        constexpr size_t kMost = size_t{1} << 30;  // zlib counts in 32 bits
        const size_t in_size = std::min(in.size(), kMost);
        const size_t out_size = std::min(out.size(), kMost);
        m_stream.next_in = const_cast<uint8_t*>(in.data());
        m_stream.avail_in = static_cast<uInt>(in_size);
        m_stream.next_out = out.data();
        m_stream.avail_out = static_cast<uInt>(out_size);
        const int code = ::inflate(&m_stream, Z_NO_FLUSH);
        in = in.subspan(in_size - m_stream.avail_in);
        out = out.subspan(out_size - m_stream.avail_out);
        m_is_between_members = code == Z_STREAM_END;
        // Z_BUF_ERROR: nothing to do without more bytes or more room.
        if (code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR) return nullptr;
        return m_stream.msg != nullptr ? m_stream.msg : ::zError(code);
    }

  private:
    z_stream m_stream = {};
};

class ZstdUnpacker final : public Unpacker {
  public:
    bool begin() { return m_stream != nullptr; }

    const char* step(std::span<const uint8_t>& in, std::span<uint8_t>& out) override {
        ZSTD_inBuffer from = {in.data(), in.size(), 0};
        ZSTD_outBuffer to = {out.data(), out.size(), 0};
        const size_t left = ::ZSTD_decompressStream(m_stream.get(), &to, &from);
        in = in.subspan(from.pos);
        out = out.subspan(to.pos);
        m_is_between_members = left == 0;
        return ::ZSTD_isError(left) != 0 ? ::ZSTD_getErrorName(left) : nullptr;
    }

  private:
    struct Free {
        void operator()(ZSTD_DStream* stream) const { ::ZSTD_freeDStream(stream); }
    };
    std::unique_ptr<ZSTD_DStream, Free> m_stream{::ZSTD_createDStream()};
};

template <typename Kind>
std::unique_ptr<Unpacker> begun() {
    auto made = std::make_unique<Kind>();
    if (!made->begin()) return nullptr;
    return made;
}

}  // namespace

std::unique_ptr<Unpacker> Unpacker::make(Compression compression) {
    if (compression == Compression::Gzip) return begun<GzipUnpacker>();
    return begun<ZstdUnpacker>();
}

}  // namespace dayrun::core
