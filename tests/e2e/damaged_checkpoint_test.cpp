// SPDX-License-Identifier: Apache-2.0
// Damaged and hostile checkpoints, given to the program as a user would: one line, status 1, and
// nothing written.
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "mw/models/wan/transformer.h"
#include "tests/support/checkpoint_bytes.h"
#include "tests/support/program.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tensors.h"

namespace mw {
namespace {

namespace fs = std::filesystem;
using test::checkpoint_of;
using test::gguf_tensor;
using test::gguf_text;
using test::GgufBytes;
using test::little_endian;
using test::pickled;
using test::pickled_dict;
using test::pickled_tensor;
using test::write_bytes;
using test::zip_of;

constexpr const char* kWeights = "diffusion_pytorch_model.safetensors";
constexpr const char* kIndex = "diffusion_pytorch_model.safetensors.index.json";

struct Damage {
  std::string name;
  std::string line;  ///< Part of what must be said.
  std::function<void(const fs::path& folder, nn::TensorMap tensors)> write;
};

/// A folder of a transformer whose weights `damage` has spoilt, and inputs for it.
class DamagedFolderTest : public ::testing::Test {
 protected:
  DamagedFolderTest() {
    config_.dim = 16;
    config_.ffn_dim = 32;
    config_.num_heads = 2;
    config_.num_layers = 1;
    config_.text_dim = 8;
    nn::ParameterStore store = nn::ParameterStore::created(1);
    const wan::Transformer model(config_, nn::WeightScope(store));
    tensors_ = store.tensors();
    nn::write_tensors(scratch_ / "in.safetensors",
                      {{"hidden_states", test::random_tensor({1, 16, 1, 2, 2}, 1)},
                       {"timestep", test::random_tensor({1}, 2).abs()},
                       {"encoder_hidden_states", test::random_tensor({1, 4, 8}, 3)}});
  }

  void expect_refused(const Damage& damage) const {
    SCOPED_TRACE(damage.name);
    const fs::path folder = scratch_ / damage.name;
    fs::create_directory(folder);
    config_.write(folder / "config.json");
    damage.write(folder, tensors_);
    const auto out = scratch_ / "out.safetensors";
    const test::ProgramResult result =
        test::run_mw({"forward", "transformer", "--model", folder, "--in",
                      scratch_ / "in.safetensors", "--out", out});
    EXPECT_TRUE(test::was_refused(result, damage.line));
    EXPECT_FALSE(fs::exists(out));
  }

  test::ScratchFolder scratch_;
  wan::WanConfig config_;
  nn::TensorMap tensors_;
};

std::string index_of(const std::string& map) { return "{\"weight_map\":{" + map + "}}"; }

TEST_F(DamagedFolderTest, AreRefused) {
  const auto cut = [](double part) {
    return [part](const fs::path& folder, const nn::TensorMap& tensors) {
      nn::write_tensors(folder / kWeights, tensors);
      const auto size = static_cast<double>(fs::file_size(folder / kWeights));
      fs::resize_file(folder / kWeights, static_cast<uintmax_t>(size * part));
    };
  };
  const auto bytes = [](const std::string& text) {
    return [text](const fs::path& folder, const nn::TensorMap&) {
      write_bytes(folder / kWeights, text);
    };
  };
  const auto changed = [](const std::function<void(nn::TensorMap&)>& change) {
    return [change](const fs::path& folder, nn::TensorMap tensors) {
      change(tensors);
      nn::write_tensors(folder / kWeights, tensors);
    };
  };
  const auto indexed = [](const std::string& index) {
    return [index](const fs::path& folder, const nn::TensorMap& tensors) {
      nn::write_tensors(folder / "m-1.safetensors", tensors);
      write_bytes(folder / kIndex, index);
    };
  };
  const std::vector<Damage> table = {
      {"cut_in_half", "it is truncated", cut(0.5)},
      {"cut_by_a_byte", "it is truncated", cut(0.99999)},
      {"empty", "0 bytes, too few", bytes("")},
      {"header_of_2_to_the_60", "at most 100000000 are read",
       bytes(little_endian(uint64_t{1} << 60) + "{}")},
      {"header_past_the_end", "it is truncated", bytes(little_endian(uint64_t{90000}) + "{}")},
      {"shape_overflows", "overflows", bytes([] {
         const std::string header =
             R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})";
         return little_endian(uint64_t{header.size()}) + header;
       }())},
      {"missing_tensor", "missing 1: head.modulation",
       changed([](nn::TensorMap& t) { t.erase("head.modulation"); })},
      {"extra_tensor", "without a place 1: vace_blocks.0.before_proj.weight",
       changed([](nn::TensorMap& t) {
         t["vace_blocks.0.before_proj.weight"] = test::random_tensor({2, 2}, 1);
       })},
      {"missing_and_extra", "missing 1: head.head.bias; without a place 1: head.head.biases",
       changed([](nn::TensorMap& t) {
         t["head.head.biases"] = t.at("head.head.bias");
         t.erase("head.head.bias");
       })},
      {"wrong_shape", "'text_embedding.0.weight' must be [16, 8], the file has [8, 16]",
       changed([](nn::TensorMap& t) {
         t["text_embedding.0.weight"] = t.at("text_embedding.0.weight").t().contiguous();
       })},
      {"wrong_dtype", "'head.head.weight' must be of a floating dtype, the file has Long",
       changed([](nn::TensorMap& t) {
         t["head.head.weight"] = t.at("head.head.weight").to(at::kLong);
       })},
      {"index_without_its_shard", "names 'm-2.safetensors', which is missing",
       indexed(index_of(R"("a":"m-1.safetensors","b":"m-2.safetensors")"))},
      {"index_out_of_the_folder", "'../in.safetensors' is not the name of a .safetensors file",
       indexed(index_of(R"("a":"../in.safetensors")"))},
      {"index_of_the_root", "'/etc/in.safetensors' is not the name of a .safetensors file",
       indexed(index_of(R"("a":"/etc/in.safetensors")"))},
      {"index_places_wrongly", "which lacks it",
       indexed(index_of(R"("no.such.tensor":"m-1.safetensors")"))},
      {"index_cut", "not JSON at byte", indexed(R"({"weight_map":{"a":"m-1.sa)")},
      {"index_says_twice", "tensor 'a' is given twice",
       indexed(index_of(R"("a":"m-1.safetensors","a":"m-1.safetensors")"))},
      {"tensor_in_two_shards", "stands in two shards",
       [](const fs::path& folder, const nn::TensorMap& tensors) {
         nn::write_tensors(folder / "m-1.safetensors", tensors);
         nn::write_tensors(folder / "m-2.safetensors", tensors);
         write_bytes(folder / kIndex, index_of(R"("head.modulation":"m-1.safetensors",)"
                                               R"("head.head.bias":"m-2.safetensors")"));
       }},
  };
  for (const Damage& damage : table) expect_refused(damage);
}

TEST(DamagedFileTest, AreRefused) {
  struct Row {
    std::string name, bytes, line;
  };
  const std::string data = "12345678";
  const std::string sound = pickled_dict("w", pickled_tensor("0", 2, 0, {2}, {1}));
  const std::string whole = checkpoint_of(sound, {{"0", data}});
  const auto with = [&](const std::string& tensor) {
    return checkpoint_of(pickled_dict("w", tensor), {{"0", data}});
  };
  const uint64_t huge = uint64_t{1} << 60;
  const std::vector<Row> table = {
      {"cut.pth", whole.substr(0, whole.size() / 2), "it is truncated"},
      {"calls.pth",
       checkpoint_of("\x80\x02"
                     "cos\nsystem\n" +
                         pickled(std::string("touch " + std::string("was_run"))) + "\x85R.",
                     {}),
       "it names 'os.system', which is not part of a plain dictionary of tensors; nothing was run"},
      {"builds.pth", checkpoint_of("\x80\x02(ios\nsystem\n.", {}), "nothing was run"},
      {"bomb.pth", zip_of({{"m/data.pkl", sound, 0, 0, 1 << 30}}), "claims 1073741824 bytes"},
      {"compressed.pth", zip_of({{"m/data.pkl", sound, 8}}), "is compressed"},
      {"overlap.pth", zip_of({{"a", zip_of({{"b", "x"}})}, {"b", "x", 0, 0, -1, 31}}),
       "two entries share the bytes"},
      {"expanded.pth", with(pickled_tensor("0", 2, 0, {1 << 30, 1 << 30}, {0, 0})),
       "its elements overlap"},
      {"offset.pth", with(pickled_tensor("0", 2, 5, {2}, {1})), "pass the end of its storage"},
      {"storage.pth", with(pickled_tensor("../../secret", 2, 0, {2}, {1})), "is missing"},
      {"legacy.pth", "\x80\x02 and numbers", "before torch 1.6"},
      {"tensors.gguf", GgufBytes{.num_tensors = huge}.file(), "1152921504606846976 tensors"},
      {"keys.gguf", GgufBytes{.num_tensors = 0, .num_keys = huge}.file(),
       "1152921504606846976 keys"},
      {"type.gguf",
       GgufBytes{.tensors = gguf_tensor("w", {256}, 10, 0), .data = std::string(256, 'd')}.file(),
       "type 10, which is not read"},
      {"cut.gguf",
       GgufBytes{.tensors = gguf_tensor("w", {64}, 8, 0), .data = std::string(67, 'd')}.file(),
       "it is truncated"},
      {"shape.gguf", GgufBytes{.tensors = gguf_tensor("w", {huge, huge}, 0, 0)}.file(),
       "overflows"},
      {"noise.safetensors", std::string(4096, 'x'), "not a whole safetensors file"},
  };
  const test::ScratchFolder scratch;
  for (const Row& row : table) {
    SCOPED_TRACE(row.name);
    write_bytes(scratch / row.name, row.bytes);
    EXPECT_TRUE(test::was_refused(test::run_mw({"inspect", scratch / row.name}), row.line));
  }
  EXPECT_EQ(scratch.num_entries(), table.size());
  EXPECT_FALSE(fs::exists("was_run"));
}

}  // namespace
}  // namespace mw
