"""What stands above the launchers: tensors, and the runtime that they call, in C++ and in Python."""

CPP = """\
// Launches the kernels of '{program}' ({chip}). Generated; needs nothing but the standard library.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

namespace dsv4 {{

using Shape = std::vector<std::int64_t>;

// Memory of the device, row by row or strided as a part of a larger tensor. `element` is in bytes.
struct Tensor {{
  char *data;
  std::size_t element;
  Shape shape, strides;

  Tensor(void *data, std::size_t element, Shape shape_)
      : data(static_cast<char *>(data)), element(element), shape(std::move(shape_)),
        strides(shape.size(), 1) {{
    for (std::size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  }}
  Tensor reshape(Shape to) const {{ return Tensor(data, element, std::move(to)); }}
  Tensor slice(const Shape &offsets, Shape size) const {{
    Tensor part = *this;
    for (std::size_t i = 0; i < offsets.size(); ++i) part.data += offsets[i] * strides[i] * element;
    part.shape = std::move(size);
    return part;
  }}
  std::int64_t count() const {{
    std::int64_t product = 1;
    for (auto extent : shape) product *= extent;
    return product;
  }}
}};

enum class Core {{ cube, vector, mixed }};

// What a kernel is given: memory, a number, or what the runtime knows (the number of the block, of blocks).
struct Argument {{
  enum Kind {{ memory, integer, floating, block_index, block_count }} kind;
  void *pointer = nullptr;
  std::int64_t integer_value = 0;
  double floating_value = 0;
}};
inline Argument pass(const Tensor &t) {{ return {{Argument::memory, t.data}}; }}
inline Argument pass(std::int64_t n) {{ return {{Argument::integer, nullptr, n}}; }}
inline Argument pass(float x) {{ return {{Argument::floating, nullptr, 0, x}}; }}

// The calls of the real runtime go into a class derived from this one.
struct Runtime {{
  virtual ~Runtime() = default;
  virtual void *allocate(std::size_t bytes) = 0;  // aclrtMalloc; what a program creates lives until `release`
  virtual void release(void *memory) = 0;         // aclrtFree
  // Run all blocks of a kernel (rtKernelLaunch and, behind it, an event or a synchronised stream: the next
  // step may read what this one wrote). A mixed kernel is NAME_aic and NAME_aiv with the same arguments.
  virtual void launch(const char *kernel, Core core, std::int64_t blocks,
                      const std::vector<Argument> &arguments) = 0;
  virtual void copy(const Tensor &to, const Tensor &from) = 0;             // aclrtMemcpy2d, device to device
  virtual std::int64_t read(const Tensor &element) = 0;                    // aclrtMemcpy, device to host
  virtual void write(const Tensor &element, std::int64_t value) = 0;       // aclrtMemcpy, host to device
}};

// Memory that is given back when the program ends.
class Owned {{
  Runtime &runtime;
  std::vector<void *> owned;

public:
  explicit Owned(Runtime &runtime) : runtime(runtime) {{}}
  Owned(const Owned &) = delete;
  ~Owned() {{ for (void *memory : owned) runtime.release(memory); }}
  Tensor create(std::size_t element, const Shape &shape) {{
    std::size_t bytes = element;
    for (auto extent : shape) bytes *= static_cast<std::size_t>(extent);
    owned.push_back(runtime.allocate(bytes));
    return Tensor(owned.back(), element, shape);
  }}
}};

inline std::int64_t floor_div(std::int64_t a, std::int64_t b) {{
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}}
inline std::int64_t floor_mod(std::int64_t a, std::int64_t b) {{ return a - floor_div(a, b) * b; }}

}} // namespace dsv4
"""

PYTHON = '''\
"""Launches the kernels of '{program}' ({chip}). Generated; needs nothing but the standard library."""

import ctypes
from enum import Enum
from math import prod


class Core(Enum):
    CUBE = "cube"
    VECTOR = "vector"
    MIXED = "mixed"


class Tensor:
    """Memory of the device, row by row or strided as a part of a larger tensor. `element` is in bytes."""

    def __init__(self, data, element, shape, strides=None):
        self.data, self.element, self.shape = data, element, tuple(shape)
        self.strides = strides or tuple(prod(self.shape[i + 1 :]) for i in range(len(self.shape)))

    def reshape(self, shape):
        return Tensor(self.data, self.element, shape)

    def slice(self, offsets, shape):
        start = sum(o * s for o, s in zip(offsets, self.strides))
        return Tensor(self.data + start * self.element, self.element, shape, self.strides)


class Runtime:
    """The calls of the real runtime go into a class derived from this one."""

    BLOCK_INDEX, BLOCK_COUNT = object(), object()
    """Stand among the arguments of a launch for what only the runtime knows."""

    def allocate(self, size):
        """Device memory of so many bytes, as an address (aclrtMalloc)."""
        raise NotImplementedError

    def release(self, data):
        """Give it back (aclrtFree)."""
        raise NotImplementedError

    def launch(self, kernel, core, blocks, arguments):
        """Run all blocks of a kernel and wait, or order what follows behind it (rtKernelLaunch).

        A mixed kernel is NAME_aic and NAME_aiv with the same arguments.
        """
        raise NotImplementedError

    def copy(self, to, source):
        """Copy a tensor on the device (aclrtMemcpy2d)."""
        raise NotImplementedError

    def read(self, element):
        """One number from the device (aclrtMemcpy)."""
        raise NotImplementedError

    def write(self, element, value):
        """One number to the device (aclrtMemcpy)."""
        raise NotImplementedError


class Library(Runtime):
    """Kernels in a shared library, one C function `NAME(blocks, arguments)` each; memory of this process."""

    def __init__(self, path):
        self.library, self.memory = ctypes.CDLL(path), {{}}

    def allocate(self, size):
        memory = ctypes.create_string_buffer(max(size, 1))
        self.memory[address := ctypes.addressof(memory)] = memory
        return address

    def release(self, data):
        del self.memory[data]

    def launch(self, kernel, core, blocks, arguments):
        given = [a.data if isinstance(a, Tensor) else a for a in arguments]
        known = {{id(self.BLOCK_INDEX): 0, id(self.BLOCK_COUNT): blocks}}
        values = (ctypes.c_int64 * len(given))(*(int(known.get(id(a), a)) for a in given))
        getattr(self.library, kernel)(ctypes.c_int64(blocks), values)


class pl:
    """What expressions of the program text use."""

    INDEX = INT32 = UINT32 = None
    min, max = min, max
    cast = const = staticmethod(lambda value, dtype: value)
'''
