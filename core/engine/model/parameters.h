// What is trained: float32 masters, their gradients, and bfloat16 copies to compute with where the
// base is bfloat16. An adapter in bfloat16 (adapter.dtype) is seen rounded by everything but the
// optimizer, whose small updates need the masters: the copies are that already, so that rounded
// float32 values exist only where something reads float32. Names are those of the saved file
// (PEFT's, or the checkpoint's own). Neighbours: linear/linear_group.h reads the values, optimizer/
// changes them, checkpoint.h saves. Lives on the run thread; torch-free.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "core/engine/buffer.h"

namespace dayrun::engine {

struct Parameter {
    std::string name;
    std::vector<int64_t> shape;
    int64_t count = 0;
    float* value = nullptr;      // [count] the master
    float* gradient = nullptr;   // [count] added to by every micro-batch
    bfloat16* copy = nullptr;    // [count] the value rounded, or null for a float32 base
    float* rounded = nullptr;    // [count] what is saved in bfloat16, back in float32, or null
    bfloat16* narrow = nullptr;  // [count] on the way to `rounded` where there is no copy
    bool decays = true;          // weight decay acts on it

    /// What the products read: the copy where there is one, else seen().
    Matrix matrix() const;
    /// The values as they are saved, in float32; of a bfloat16 adapter over a bfloat16 base only
    /// where the set was made with SeenValues::Float32.
    Matrix seen() const;
    int64_t width() const;  // of a row; at least 1
    /// Writes the copies again after the master was set.
    void refresh_copy() const;
    /// The same after an optimizer step, which writes `copy` itself.
    void refresh_rounded() const;
};

/// Whether seen() is read where products read the copies, as DoRA's norms do.
enum class SeenValues { AsProducts, Float32 };

class ParameterSet {
  public:
    struct Spec {
        std::string name;
        std::vector<int64_t> shape;
    };

    /// `value_dtype` is the type the values have when they are saved.
    explicit ParameterSet(Dtype compute_dtype, Dtype value_dtype = Dtype::Float32,
                          SeenValues seen = SeenValues::AsProducts)
        : m_compute_dtype(compute_dtype), m_value_dtype(value_dtype), m_seen(seen) {}

    /// Adds parameters that lie end to end in memory, so that matrices of one width can also be
    /// used as one tall matrix. Returns pointers that stay valid. Values are not set.
    std::vector<Parameter*> add_block(const std::vector<Spec>& specs);

    std::deque<Parameter>& all() { return m_parameters; }
    const std::deque<Parameter>& all() const { return m_parameters; }
    Parameter* find(const std::string& name);
    int64_t count() const;
    void zero_gradients();
    void refresh_copies() const;
    void refresh_rounded() const;

  private:
    struct Block {
        Buffer values, gradients, copies, rounded, narrow;
    };
    Dtype m_compute_dtype, m_value_dtype;
    SeenValues m_seen;
    std::deque<Parameter> m_parameters;
    std::deque<Block> m_blocks;
};

/// No decay for biases and norms; adapters decay (facts: transformers' rule).
bool has_weight_decay(const std::string& name);

}  // namespace dayrun::engine
