// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ROWNORM_DRIVER_OUTPUT_FILE_HPP
#define ROWNORM_DRIVER_OUTPUT_FILE_HPP

#include <filesystem>
#include <fstream>

namespace driver {

/// A file that appears under its name when it is complete, or not at all: it is written beside that name and renamed.
class OutputFile {
 public:
  /// Throws std::runtime_error where the file could not be written. Touches nothing yet.
  explicit OutputFile(const std::filesystem::path& path);
  OutputFile(OutputFile&&) = delete;
  ~OutputFile();

  void write(const char* bytes, std::size_t count);
  void commit();

 private:
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  std::ofstream stream_;
  bool pending_ = false;  // the temporary file exists
};

}  // namespace driver

#endif
