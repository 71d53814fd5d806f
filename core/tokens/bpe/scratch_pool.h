// Scratches of a tokenizer that several threads share: each call borrows one, so that its word
// cache stays warm and encode() is const for any thread. Neighbour: bpe_model.h.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace dayrun::core {

template <typename Scratch>
class ScratchPool {
  public:
    /// A scratch that goes back to its pool when it leaves scope.
    class Borrowed {
      public:
        Borrowed(ScratchPool& pool, std::unique_ptr<Scratch> scratch)
            : m_pool(pool), m_scratch(std::move(scratch)) {}
        ~Borrowed() { m_pool.give_back(std::move(m_scratch)); }
        Borrowed(const Borrowed&) = delete;
        Scratch& operator*() const { return *m_scratch; }
        Scratch* operator->() const { return m_scratch.get(); }

      private:
        ScratchPool& m_pool;
        std::unique_ptr<Scratch> m_scratch;
    };

    Borrowed borrow() {
        const std::lock_guard lock(m_mutex);
        if (m_free.empty()) return Borrowed(*this, std::make_unique<Scratch>());
        auto scratch = std::move(m_free.back());
        m_free.pop_back();
        return Borrowed(*this, std::move(scratch));
    }

  private:
    void give_back(std::unique_ptr<Scratch> scratch) {
        const std::lock_guard lock(m_mutex);
        m_free.push_back(std::move(scratch));
    }

    std::mutex m_mutex;
    std::vector<std::unique_ptr<Scratch>> m_free;
};

}  // namespace dayrun::core
