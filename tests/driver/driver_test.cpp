// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Runs rownorm_driver as a user would, and looks at what it prints, writes and returns. The environment variable
// ROWNORM_DRIVER names another driver to test.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Arguments = std::vector<std::string>;

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("no file " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const fs::path& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

/// A new folder that is removed with all it holds.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "rownorm_driver_test.XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  fs::path operator/(const std::string& name) const { return path_ / name; }
  const fs::path& path() const { return path_; }
  std::set<std::string> names() const {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(path_)) found.insert(entry.path().filename().string());
    return found;
  }

 private:
  fs::path path_;
};

struct Outcome {
  int status;  ///< exit status, or minus the signal that ended the driver
  std::string out;
  std::string err;
};

/// Runs the driver with `folder` as its working directory. No file may grow beyond `file_limit` bytes.
Outcome run(const Arguments& arguments, const Folder& folder, rlim_t file_limit = RLIM_INFINITY) {
  const char* named = std::getenv("ROWNORM_DRIVER");
  std::string driver = named != nullptr ? named : ROWNORM_DRIVER;
  const Folder captured;
  const std::string out = captured / "out", err = captured / "err";

  std::vector<std::string> words = arguments;
  std::vector<char*> argv{driver.data()};
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("cannot fork");
  if (child == 0) {
    const int flags = O_WRONLY | O_CREAT | O_TRUNC;
    const bool ready = ::chdir(folder.path().c_str()) == 0 && ::dup2(::open(out.c_str(), flags, 0600), 1) == 1 &&
                       ::dup2(::open(err.c_str(), flags, 0600), 2) == 2;
    if (file_limit != RLIM_INFINITY) {
      const rlimit limit{file_limit, file_limit};
      std::signal(SIGXFSZ, SIG_IGN);
      ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    // Kokkos warns on standard error where OpenMP has no binding.
    ::setenv("OMP_PROC_BIND", "false", 0);
    ::setenv("OMP_NUM_THREADS", "2", 0);
    if (ready) ::execv(driver.c_str(), argv.data());
    ::_exit(127);
  }
  int state = 0;
  ::waitpid(child, &state, 0);
  return {WIFEXITED(state) ? WEXITSTATUS(state) : -WTERMSIG(state), read_file(out), read_file(err)};
}

std::string joined(const Arguments& arguments) {
  std::string text;
  for (const std::string& argument : arguments) text += argument + ' ';
  return text;
}

/// Runs the driver and requires the one line, the exit status and the untouched folder that an error has.
void require_error(const Arguments& arguments, const std::string& message, const Folder& folder,
                   rlim_t file_limit = RLIM_INFINITY) {
  const auto before = folder.names();
  const Outcome outcome = run(arguments, folder, file_limit);
  INFO(joined(arguments) << "\nstdout: " << outcome.out << "\nstderr: " << outcome.err);
  CHECK(outcome.status == 2);
  CHECK(outcome.out.empty());
  CHECK(outcome.err.starts_with("rownorm_driver: "));
  CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
  CHECK(outcome.err.ends_with('\n'));
  CHECK(outcome.err.find(message) != std::string::npos);
  CHECK(folder.names() == before);
}

Outcome require_success(const Arguments& arguments, const Folder& folder) {
  Outcome outcome = run(arguments, folder);
  INFO(joined(arguments) << "\nstdout: " << outcome.out << "\nstderr: " << outcome.err);
  REQUIRE(outcome.status == 0);
  CHECK(outcome.err.empty());
  return outcome;
}

nlohmann::json require_json(Arguments arguments, const Folder& folder) {
  arguments.insert(arguments.end(), {"--json", "-"});
  return nlohmann::json::parse(require_success(arguments, folder).out);
}

// A .npy file, written here once more so that the driver is not tested with itself.

std::string npy(const std::string& header, const std::string& values, int version = 1) {
  std::string text = header + '\n';
  std::string bytes = std::string("\x93NUMPY") + static_cast<char>(version) + '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) bytes += static_cast<char>(text.size() >> (8 * i));
  return bytes + text + values;
}

std::string header(const std::string& descr, const std::string& shape, bool fortran_order = false) {
  return "{'descr': '" + descr + "', 'fortran_order': " + (fortran_order ? "True" : "False") + ", 'shape': " + shape +
         ", }";
}

std::string values_of(const std::string& npy_bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(npy_bytes.at(i)); };
  return npy_bytes.substr(10 + byte(8) + 256 * byte(9));
}

template <class Stored>
std::string as_bytes(Stored value) {
  std::string bytes(sizeof(value), '\0');
  std::memcpy(bytes.data(), &value, sizeof(value));
  return bytes;
}

template <class Stored>
std::vector<Stored> as_values(const std::string& bytes) {
  std::vector<Stored> values(bytes.size() / sizeof(Stored));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(Stored));
  return values;
}

/// The bytes of a value that the dtype holds exactly.
std::string encode(const std::string& dtype, float value) {
  if (dtype == "f32") return as_bytes(value);
  if (dtype == "f64") return as_bytes(static_cast<double>(value));
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (dtype == "bf16") return as_bytes(static_cast<std::uint16_t>(bits >> 16));
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000);
  if (value == 0) return as_bytes(sign);
  return as_bytes(static_cast<std::uint16_t>(sign | ((bits >> 13 & 0x3ffff) - ((127 - 15) << 10))));
}

/// The bytes of a matrix of `columns` columns, given row by row.
std::string encode(const std::string& dtype, const std::vector<float>& matrix, std::size_t columns,
                   bool fortran_order) {
  std::string bytes;
  const std::size_t rows = matrix.size() / columns;
  for (std::size_t k = 0; k < matrix.size(); ++k)
    bytes += encode(dtype, matrix[fortran_order ? k % rows * columns + k / rows : k]);
  return bytes;
}

std::string descr(const std::string& dtype) {
  if (dtype == "f32") return "<f4";
  if (dtype == "f64") return "<f8";
  return dtype == "f16" ? "<f2" : "<V2";
}

const std::vector<float> x_rows{1, -2, 3, 2, 4, 0, -4, 8, 0, 0, 0, 0};
const std::vector<float> y_rows{0.5, -1, 1.5, 1, 1, 0, -1, 2, 0, 0, 0, 0};  // with epsilon 0
const std::string x_shape = "(3, 4)";

}  // namespace

TEST_CASE("wrong flags are refused") {
  const Folder folder;
  const std::vector<std::pair<Arguments, std::string>> cases = {
      {{"--bogus"}, "--bogus"},
      {{"word"}, "word"},
      {{"--batch"}, "--batch"},
      {{"--batch", "many"}, "--batch"},
      {{"--batch", "0"}, "--batch"},
      {{"--batch", "-5"}, "--batch"},
      {{"--batch", "1.5"}, "--batch"},
      {{"--batch", "99999999999999999999"}, "--batch"},
      {{"--dim", "0"}, "--dim"},
      {{"--dim", "-1"}, "--dim"},
      {{"--dtype", "f8"}, "f8"},
      {{"--layout", "diagonal"}, "diagonal"},
      {{"--epsilon", "-1e-8"}, "--epsilon"},
      {{"--epsilon", "nan"}, "--epsilon"},
      {{"--epsilon", "inf"}, "--epsilon"},
      {{"--epsilon", "small"}, "--epsilon"},
      {{"--repeat", "0"}, "--repeat"},
      {{"--repeat", "-3"}, "--repeat"},
      {{"--seed", "-1"}, "--seed"},
      {{"--seed", "1", "--input", "x.npy"}, "--seed"},
      {{"--output", "same", "--json", "same"}, "same file"},
      {{"--kokkos-num-threads=0"}, "--kokkos-num-threads=0"},
      {{"--kokkos-num-threads=two"}, "--kokkos-num-threads=two"},
      {{"--kokkos-bogus"}, "--kokkos-bogus"},
  };
  for (const auto& [arguments, message] : cases) require_error(arguments, message, folder);
}

TEST_CASE("matrices that no memory holds are refused") {
  const Folder folder;
  require_error({"--batch", "1099511627776"}, "memory", folder);
  require_error({"--batch", "9223372036854775807", "--dim", "9223372036854775807"}, "memory", folder);
  require_error({"--batch", "1099511627776", "--in-place", "--dtype", "f16"}, "memory", folder);
}

TEST_CASE("outputs that cannot be written are refused") {
  const Folder folder;
  const Arguments small = {"--batch", "3", "--dim", "5"};
  fs::create_directory(folder / "folder");
  for (const std::string flag : {"--output", "--json"})
    for (const std::string path : {"missing/file", "folder", "folder/", "/dev/null"}) {
      Arguments arguments = small;
      arguments.insert(arguments.end(), {flag, path});
      require_error(arguments, path, folder);
    }

  // The superuser may write to any folder.
  if (::geteuid() != 0) {
    fs::permissions(folder / "folder", fs::perms::owner_read | fs::perms::owner_exec);
    require_error({"--output", "folder/y.npy"}, "not writable", folder);
  }
}

TEST_CASE("an output that cannot be completed leaves nothing behind") {
  const Folder folder;
  write_file(folder / "y.npy", "of an earlier run");
  require_error({"--batch", "64", "--dim", "64", "--output", "y.npy", "--json", "y.json"}, "y.npy", folder, 4096);
  CHECK(read_file(folder / "y.npy") == "of an earlier run");
}

TEST_CASE("wrong input files are refused") {
  const Folder folder;
  const std::string values = encode("f32", x_rows, 4, false);
  const std::string good = npy(header("<f4", x_shape), values);
  write_file(folder / "good.npy", good);

  require_error({"--input", "missing.npy"}, "missing.npy", folder);
  require_error({"--input", "."}, "regular", folder);
  require_error({"--input", ""}, "no such file", folder);
  require_error({"--input", "good.npy", "--dtype", "f64"}, "f64", folder);
  require_error({"--input", "good.npy", "--dtype", "bf16"}, "bf16", folder);
  require_error({"--input", "good.npy", "--batch", "4"}, "--batch", folder);
  require_error({"--input", "good.npy", "--dim", "3"}, "--dim", folder);

  const std::vector<std::pair<std::string, std::string>> bad = {
      {"not an array at all", "not a .npy file"},
      {good + '\0', "too long"},
      {npy(header("<f4", x_shape), values, 4), "version 4.0"},
      {std::string("\x93NUMPY\x01\x07", 8) + good.substr(8), "version 1.7"},
      {std::string("\x93NUMPY\x03\x00\xff\xff\xff\xff", 12) + good.substr(10), "header"},
      {npy(header("<f4", "()"), values.substr(0, 4)), "rank 0"},
      {npy(header("<f4", "(3, 2, 2)"), values), "rank 3"},
      {npy(header("<f4", "(0, 4)"), ""), "no elements"},
      {npy(header("<f4", "(3, 0)"), ""), "no elements"},
      {npy(header("<f4", "(-3, 4)"), values), "malformed"},
      {npy(header("<f4", "(12)"), values), "malformed"},
      {npy(header("<f4", "(3, 4"), values), "malformed"},
      {npy(header("<f4", "[3, 4]"), values), "malformed"},
      {npy(header("<f4", "(4294967296, 4294967296)"), values), "too large"},
      {npy(header("<f4", "(3, 99999999999999999999)"), values), "too large"},
      {npy(header("<f4", "(3, 1152921504606846976)"), values), "too large"},
      {npy(header(">f4", x_shape), values), "big-endian"},
      {npy(header("<i4", x_shape), values), "<i4"},
      {npy(header("<c8", x_shape), values + values), "<c8"},
      {npy(header("<V2", x_shape), values.substr(0, 24)), "--dtype bf16"},
      {npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (12,), }", values), "records"},
      {npy("{'descr': '<f4', 'fortran_order': 0, 'shape': (3, 4), }", values), "malformed"},
      {npy("{'descr': '<f4', 'shape': (3, 4), }", values), "malformed"},
      {npy("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }", values), "malformed"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), 'more': 1, }", values), "malformed"},
      {npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } 1", values), "malformed"},
      {npy("{'descr': '<f4, 'fortran_order': False, 'shape': (3, 4), }", values), "malformed"},
      {npy("", values), "malformed"},
  };
  for (const auto& [bytes, message] : bad) {
    write_file(folder / "bad.npy", bytes);
    require_error({"--input", "bad.npy", "--output", "y.npy"}, message, folder);
  }
  for (const std::size_t length : {0u, 5u, 6u, 7u, 8u, 9u, 10u, 40u, unsigned(good.size() - 1)}) {
    write_file(folder / "bad.npy", good.substr(0, length));
    require_error({"--input", "bad.npy", "--output", "y.npy"}, "bad.npy", folder);
  }
}

TEST_CASE("files of every dtype, order and version are normalized") {
  const Folder folder;
  const std::string dtype = GENERATE("f32", "f64", "f16", "bf16");
  const bool fortran_order = GENERATE(false, true);
  const int version = GENERATE(1, 2, 3);
  const std::string layout = GENERATE("", "right", "left", "strided");
  const bool in_place = GENERATE(false, true);

  write_file(folder / "x.npy",
             npy(header(descr(dtype), x_shape, fortran_order), encode(dtype, x_rows, 4, fortran_order), version));
  Arguments arguments = {"--input", "x.npy", "--output", "y.npy", "--epsilon", "0", "--repeat", "1", "--check"};
  if (!layout.empty()) arguments.insert(arguments.end(), {"--layout", layout});
  if (in_place) arguments.push_back("--in-place");
  if (dtype == "bf16") arguments.insert(arguments.end(), {"--dtype", "bf16"});
  const nlohmann::json result = require_json(arguments, folder);

  CHECK(result["dtype"] == dtype);
  CHECK(result["layout"] == (!layout.empty() ? layout : fortran_order ? "left" : "right"));
  CHECK(folder.names() == std::set<std::string>{"x.npy", "y.npy"});
  const std::string y = read_file(folder / "y.npy");
  CHECK(y.substr(0, 8) == std::string("\x93NUMPY\1\0", 8));
  CHECK(y.substr(10, header(descr(dtype), x_shape, fortran_order).size()) ==
        header(descr(dtype), x_shape, fortran_order));
  CHECK((y.size() - values_of(y).size()) % 64 == 0);
  CHECK(values_of(y) == encode(dtype, y_rows, 4, fortran_order));
}

TEST_CASE("a file of rank 1 is one row, and stays of rank 1") {
  const Folder folder;
  write_file(folder / "x.npy", npy(header("<f4", "(4,)"), encode("f32", {1, -2, 3, 2}, 4, false)));
  const auto result = require_json({"--input", "x.npy", "--output", "y.npy", "--epsilon", "0", "--batch", "1"}, folder);
  CHECK(result["shape"] == nlohmann::json{1, 4});
  const std::string y = read_file(folder / "y.npy");
  CHECK(y.find("'shape': (4,)") != std::string::npos);
  CHECK(values_of(y) == encode("f32", {0.5, -1, 1.5, 1}, 4, false));
}

TEST_CASE("bfloat16 bytes may be called |V2 too") {
  const Folder folder;
  write_file(folder / "x.npy", npy(header("|V2", x_shape), encode("bf16", x_rows, 4, false)));
  require_json({"--input", "x.npy", "--output", "y.npy", "--epsilon", "0", "--dtype", "bf16"}, folder);
  CHECK(values_of(read_file(folder / "y.npy")) == encode("bf16", y_rows, 4, false));
}

TEST_CASE("a file may be normalized onto itself, also through a link") {
  const Folder folder;
  write_file(folder / "x.npy", npy(header("<f4", x_shape), encode("f32", x_rows, 4, false)));
  fs::create_symlink("x.npy", folder / "link.npy");
  require_success({"--input", "x.npy", "--output", "link.npy", "--epsilon", "0"}, folder);
  CHECK(fs::is_symlink(folder / "link.npy"));
  CHECK(values_of(read_file(folder / "x.npy")) == encode("f32", y_rows, 4, false));
}

TEST_CASE("results agree with NumPy's") {
  const Folder folder;
  const std::string name = GENERATE("f32_c", "f64_fortran", "f16_rank_1");
  const fs::path data = TEST_DATA;
  const auto result = require_json({"--input", data / (name + ".npy"), "--output", "y.npy", "--check"}, folder);
  CHECK(result["check"]["passed"] == true);

  const auto expected = as_values<double>(values_of(read_file(data / (name + ".expected.npy"))));
  const std::string bytes = values_of(read_file(folder / "y.npy"));
  const auto require_close = [&](const auto& y, double tolerance) {
    REQUIRE(y.size() == expected.size());
    for (std::size_t k = 0; k < y.size(); ++k) CHECK(std::abs(y[k] - expected[k]) <= tolerance * std::abs(expected[k]));
  };
  if (name == "f32_c") {
    require_close(as_values<float>(bytes), 0x1p-21);
  } else if (name == "f64_fortran") {
    require_close(as_values<double>(bytes), 0x1p-50);
  } else {
    std::vector<double> y;
    for (const std::uint16_t bits : as_values<std::uint16_t>(bytes))
      y.push_back(std::ldexp((bits & 0x3ff) + 1024, (bits >> 10 & 31) - 25) * (bits & 0x8000 ? -1 : 1));
    require_close(y, 0x1p-10);
  }
}

TEST_CASE("every dtype and layout passes its check, in place or not") {
  const Folder folder;
  const std::string dtype = GENERATE("f32", "f64", "f16", "bf16");
  const std::string layout = GENERATE("right", "left", "strided");
  const bool in_place = GENERATE(false, true);
  Arguments arguments = {"--dtype", dtype,  "--layout", layout, "--batch", "37",
                         "--dim",   "1001", "--repeat", "2",    "--check"};
  if (in_place) arguments.push_back("--in-place");
  const auto result = require_json(arguments, folder);
  CHECK(result["dtype"] == dtype);
  CHECK(result["layout"] == layout);
  CHECK(result["in_place"] == in_place);
  CHECK(result["check"]["passed"] == true);
  const bool wide = dtype == "f32" || dtype == "f64";
  CHECK(result["check"]["promised_ulp"] == (wide ? 4 : 1));
  CHECK(result["check"]["max_error_ulp"] <= (wide ? 4 : 1));
  CHECK(result["check"]["max_error_ulp"] > 0);
}

TEST_CASE("extreme shapes pass their check") {
  const Folder folder;
  const std::string layout = GENERATE("right", "left", "strided");
  for (const auto& [batch, dim] : {std::pair{"1", "1"}, {"1", "100003"}, {"100003", "1"}, {"2", "3"}}) {
    require_success({"--batch", batch, "--dim", dim, "--layout", layout, "--check", "--repeat", "1"}, folder);
    require_success({"--batch", batch, "--dim", dim, "--layout", layout, "--check", "--repeat", "1", "--in-place"},
                    folder);
  }
}

TEST_CASE("random values depend on the seed alone") {
  const Folder folder;
  // Rows of one element are normalized element by element: no sum depends on layout or threads.
  const auto y = [&](Arguments more) {
    more.insert(more.end(), {"--batch", "2000", "--dim", "1", "--epsilon", "1", "--output", "y.npy"});
    require_success(more, folder);
    return values_of(read_file(folder / "y.npy"));
  };
  const std::string expected = y({});
  CHECK(expected.size() == 8000);
  CHECK(y({"--seed", "0"}) == expected);
  CHECK(y({"--layout", "left"}) == expected);
  CHECK(y({"--layout", "strided", "--in-place"}) == expected);
  CHECK(y({"--kokkos-num-threads=1"}) == expected);
  CHECK(y({"--seed", "1"}) != expected);
  for (const float value : as_values<float>(expected)) CHECK(std::abs(value) <= 0.5f);
}

TEST_CASE("JSON on standard output stands alone and is complete") {
  const Folder folder;
  const auto result =
      require_json({"--batch", "6", "--dim", "50", "--repeat", "3", "--epsilon", "0.5", "--explain"}, folder);
  CHECK(result["version"].get<std::string>().find('.') != std::string::npos);
  CHECK(!result["device"].get<std::string>().empty());
  CHECK(!result["backend"].get<std::string>().empty());
  CHECK(result["shape"] == nlohmann::json{6, 50});
  CHECK(result["dtype"] == "f32");
  CHECK(result["held_as"] == "float");
  CHECK(result["layout"] == "right");
  CHECK(result["in_place"] == false);
  CHECK(result["epsilon"] == 0.5);
  CHECK(!result["schedule"]["kernel"].get<std::string>().empty());
  CHECK(!result["schedule"]["explanation"].get<std::string>().empty());
  for (const char* field : {"rows_per_team", "league_size", "team_size", "vector_length"})
    CHECK(result["schedule"][field] >= 1);
  CHECK(result["repeats"] == 3);
  const auto& time = result["milliseconds"];
  CHECK(time["min"] > 0);
  CHECK(time["min"] <= time["median"]);
  CHECK(time["median"] <= time["max"]);
  const double rate = result["gigabytes_per_second"], copy = result["copy_gigabytes_per_second"];
  CHECK(rate > 0);
  CHECK(copy > 0);
  CHECK(std::abs(result["fraction_of_copy"].get<double>() - rate / copy) < 1e-6);
  CHECK(!result.contains("check"));
}

TEST_CASE("JSON in a file leaves the table on standard output") {
  const Folder folder;
  const Outcome outcome = require_success({"--batch", "6", "--dim", "50", "--json", "result.json"}, folder);
  CHECK(outcome.out.find("GB/s") != std::string::npos);
  CHECK(nlohmann::json::parse(read_file(folder / "result.json"))["shape"] == nlohmann::json{6, 50});
  CHECK(folder.names() == std::set<std::string>{"result.json"});
}

TEST_CASE("what --tune measured is kept in a file, and run") {
  const Folder folder;
  const fs::path file = folder / "tuned.json";
  const Arguments flags = {"--batch", "60", "--dim", "50", "--repeat", "3", "--check", "--tune", file.string()};
  const nlohmann::json report = require_json(flags, folder);
  const std::string first = read_file(file);
  const nlohmann::json tuned = nlohmann::json::parse(first).at("tuned");
  REQUIRE(tuned.size() == 1);
  CHECK(tuned[0]["problem"]["rows"] == 60);
  for (const char* key : {"kernel", "rows_per_team", "league_size", "team_size", "vector_length"})
    CHECK(report["schedule"][key] == tuned[0]["schedule"][key]);
  CHECK(report["tuned"]["milliseconds"] <= report["tuned"]["milliseconds_before"]);
  // What is known is not measured again.
  CHECK(require_success(flags, folder).out.find("\n  tuned ") != std::string::npos);
  CHECK(read_file(file) == first);
  require_success({"--batch", "61", "--dim", "50", "--repeat", "3", "--tune", file.string()}, folder);
  CHECK(nlohmann::json::parse(read_file(file)).at("tuned").size() == 2);
  write_file(file, "[]");
  const Outcome refused = run(flags, folder);
  CHECK(refused.status == 2);
  CHECK(refused.err.find(file.string() + " is no file of tuned schedules") != std::string::npos);
  CHECK(read_file(file) == "[]");
}

TEST_CASE("the reason for the schedule is given where --explain asks for it") {
  const Folder folder;
  const Arguments arguments = {"--batch", "6", "--dim", "50"};
  const std::string explanation = require_json(arguments, folder)["schedule"]["explanation"];
  CHECK(require_success(arguments, folder).out.find(explanation) == std::string::npos);
  CHECK(require_success({"--batch", "6", "--dim", "50", "--explain"}, folder).out.find(explanation) !=
        std::string::npos);
}

TEST_CASE("the help names every flag and gives examples") {
  const Folder folder;
  const std::string help = require_success({"--help"}, folder).out;
  for (const char* word : {"--batch", "--dim", "--dtype", "--layout", "--epsilon", "--in-place", "--repeat", "--seed",
                           "--check", "--input", "--output", "--explain", "--json", "--kokkos-help", "Examples"})
    CHECK(help.find(word) != std::string::npos);
  CHECK(require_success({"--version"}, folder).out.find('.') != std::string::npos);
}

TEST_CASE("Kokkos' flags reach Kokkos") {
  const Folder folder;
  const auto result =
      require_json({"--kokkos-num-threads=1", "--batch", "4", "--dim", "4", "--kokkos-disable-warnings"}, folder);
  if (result["backend"] == "OpenMP") CHECK(result["device"] == "OpenMP, 1 thread");
  CHECK(require_success({"--kokkos-help"}, folder).out.find("--kokkos-num-threads") != std::string::npos);
}
