// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "output_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <stdexcept>

namespace driver {

namespace fs = std::filesystem;

OutputFile::OutputFile(const fs::path& path) : path_(path) {
  std::error_code error;
  if (fs::is_symlink(path, error)) path_ = fs::weakly_canonical(path, error);  // replace the file, not the link to it
  const fs::path folder = path_.has_parent_path() ? path_.parent_path() : fs::path(".");
  if (!path_.has_filename()) fail("is not the name of a file");
  if (!fs::is_directory(folder, error)) fail("is in a folder that does not exist");
  if (fs::exists(path_, error) && !fs::is_regular_file(path_, error)) fail("exists and is not a regular file");
  if (::access(folder.c_str(), W_OK | X_OK) != 0) fail("is in a folder that is not writable");
  temporary_ = folder / fmt::format(".{}.{}.tmp", path_.filename().string(), ::getpid());
}

OutputFile::~OutputFile() {
  if (!pending_) return;
  stream_.close();
  std::error_code ignored;
  fs::remove(temporary_, ignored);
}

void OutputFile::write(const char* bytes, std::size_t count) {
  if (!pending_) {
    stream_.open(temporary_, std::ios::binary | std::ios::trunc);
    pending_ = stream_.is_open();
  }
  if (!stream_.write(bytes, static_cast<std::streamsize>(count))) fail("cannot be written");
}

void OutputFile::commit() {
  stream_.close();
  std::error_code error;
  if (stream_) fs::rename(temporary_, path_, error);
  if (!stream_ || error) fail("cannot be written");
  pending_ = false;
}

void OutputFile::fail(const char* what) const { throw std::runtime_error(fmt::format("{} {}", path_.string(), what)); }

}  // namespace driver
