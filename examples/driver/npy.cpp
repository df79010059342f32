// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "npy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace driver {

namespace {

using namespace std::literals;

constexpr std::string_view magic = "\x93NUMPY"sv;

/// The header, a Python literal such as {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
class Dictionary {
 public:
  explicit Dictionary(std::string_view text) : rest_(text) {
    expect('{');
    while (!accept('}')) {
      const std::string key = string();
      expect(':');
      if (key == "descr")
        set(descr_, string());
      else if (key == "fortran_order")
        set(fortran_order_, boolean());
      else if (key == "shape")
        set(shape_, tuple());
      else
        malformed();
      if (accept('}')) break;
      expect(',');
    }
    skip_space();
    if (!rest_.empty() || !descr_ || !fortran_order_ || !shape_) malformed();
  }

  const std::string& descr() const { return *descr_; }
  bool fortran_order() const { return *fortran_order_; }
  const std::vector<std::int64_t>& shape() const { return *shape_; }

 private:
  [[noreturn]] static void malformed() { throw std::runtime_error("its header is malformed"); }

  template <class Value>
  static void set(std::optional<Value>& entry, Value value) {
    if (entry) malformed();
    entry = std::move(value);
  }

  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\n"), rest_.size())); }

  bool accept(char wanted) {
    skip_space();
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void expect(char wanted) {
    if (!accept(wanted)) malformed();
  }

  std::string string() {
    if (accept('[')) throw std::runtime_error("it has records, not plain numbers");
    const char quote = accept('\'') ? '\'' : '"';
    if (quote == '"') expect('"');
    const std::size_t length = rest_.find(quote);
    if (length == rest_.npos) malformed();
    const std::string text(rest_.substr(0, length));
    rest_.remove_prefix(length + 1);
    return text;
  }

  bool boolean() {
    skip_space();
    for (const auto& [word, value] : {std::pair{"True"sv, true}, std::pair{"False"sv, false}}) {
      if (!rest_.starts_with(word)) continue;
      rest_.remove_prefix(word.size());
      return value;
    }
    malformed();
  }

  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> values;
    expect('(');
    while (!accept(')')) {
      values.push_back(integer());
      if (accept(')')) {
        if (values.size() == 1) malformed();  // (3) is no tuple in Python, (3,) is
        break;
      }
      expect(',');
    }
    return values;
  }

  std::int64_t integer() {
    skip_space();
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error == std::errc::result_out_of_range) throw std::runtime_error("its shape is too large");
    if (error != std::errc{} || value < 0) malformed();
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }

  std::string_view rest_;
  std::optional<std::string> descr_;
  std::optional<bool> fortran_order_;
  std::optional<std::vector<std::int64_t>> shape_;
};

Dtype parse_descr(const std::string& descr, std::optional<Dtype> expected) {
  if (descr == "<V2" || descr == "|V2") {
    if (expected == Dtype::bf16) return Dtype::bf16;
    throw std::runtime_error(fmt::format("its values are '{}'; give --dtype bf16 if they are bfloat16", descr));
  }
  for (const Dtype dtype : {Dtype::f32, Dtype::f64, Dtype::f16}) {
    if (descr != traits(dtype).descr) continue;
    if (expected && *expected != dtype)
      throw std::runtime_error(
          fmt::format("its values are {}, but --dtype is {}", traits(dtype).name, traits(*expected).name));
    return dtype;
  }
  if (descr.starts_with('>')) throw std::runtime_error(fmt::format("its values are '{}': big-endian", descr));
  throw std::runtime_error(fmt::format("its values are '{}', not <f2, <f4, <f8 or bfloat16", descr));
}

NpyHeader interpret(const Dictionary& dictionary, std::optional<Dtype> expected) {
  const auto& shape = dictionary.shape();
  if (shape.size() != 1 && shape.size() != 2)
    throw std::runtime_error(fmt::format("it has rank {}, not 1 (one row) or 2", shape.size()));
  const NpyHeader header{.dtype = parse_descr(dictionary.descr(), expected),
                         .fortran_order = dictionary.fortran_order(),
                         .rank = static_cast<int>(shape.size()),
                         .rows = shape.size() == 1 ? 1 : shape.front(),
                         .columns = shape.back()};
  if (header.rows == 0 || header.columns == 0) throw std::runtime_error("it has no elements");
  if (header.rows > std::numeric_limits<std::int64_t>::max() / 2 / traits(header.dtype).bytes / header.columns)
    throw std::runtime_error("its shape is too large");
  return header;
}

NpyFile open(const std::filesystem::path& path, std::optional<Dtype> expected) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!exists(status)) throw std::runtime_error("no such file");
  if (!is_regular_file(status)) throw std::runtime_error("not a regular file");
  const auto file_bytes = static_cast<std::int64_t>(std::filesystem::file_size(path));
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot be opened");

  std::int64_t offset = 0;
  const auto read = [&](std::int64_t count) {
    offset += count;
    if (offset > file_bytes) throw std::runtime_error("it ends within its header");
    std::string bytes(static_cast<std::size_t>(count), '\0');
    if (!file.read(bytes.data(), count)) throw std::runtime_error("cannot be read");
    return bytes;
  };
  if (file_bytes < static_cast<std::int64_t>(magic.size()) || read(magic.size()) != magic)
    throw std::runtime_error("not a .npy file");
  const std::string version = read(2);
  if (version[0] < 1 || version[0] > 3 || version[1] != 0)
    throw std::runtime_error(fmt::format("version {}.{} of the .npy format is not known",
                                         static_cast<unsigned char>(version[0]),
                                         static_cast<unsigned char>(version[1])));
  const std::string length = read(version[0] == 1 ? 2 : 4);
  std::int64_t header_bytes = 0;
  for (std::size_t i = 0; i < length.size(); ++i)
    header_bytes |= std::int64_t{static_cast<unsigned char>(length[i])} << (8 * i);
  if (header_bytes > 65536) throw std::runtime_error("its header is too long");

  const NpyHeader header = interpret(Dictionary(read(header_bytes)), expected);
  const std::int64_t needed = offset + header.rows * header.columns * traits(header.dtype).bytes;
  if (file_bytes != needed)
    throw std::runtime_error(fmt::format("it is {}: {} bytes where its header asks for {}",
                                         file_bytes < needed ? "truncated" : "too long", file_bytes, needed));
  return {path, header, offset};
}

}  // namespace

NpyFile open_npy(const std::filesystem::path& path, std::optional<Dtype> expected) {
  try {
    return open(path, expected);
  } catch (const std::exception& error) {
    throw std::runtime_error(fmt::format("{}: {}", path.string(), error.what()));
  }
}

std::string npy_preamble(const NpyHeader& header) {
  std::string text = fmt::format(
      "{{'descr': '{}', 'fortran_order': {}, 'shape': ({}), }}", traits(header.dtype).descr,
      header.fortran_order ? "True" : "False",
      header.rank == 1 ? fmt::format("{},", header.columns) : fmt::format("{}, {}", header.rows, header.columns));
  // The values start at a multiple of 64 bytes, after a newline.
  const std::size_t prefix = magic.size() + 4;
  text.append((64 - (prefix + text.size() + 1) % 64) % 64, ' ');
  text += '\n';
  const auto low = static_cast<char>(text.size() % 256), high = static_cast<char>(text.size() / 256);
  return std::string(magic) + '\1' + '\0' + low + high + text;
}

}  // namespace driver
