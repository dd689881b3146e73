// SPDX-License-Identifier: Apache-2.0
#include "apps/mw/model_card.h"

#include <cstdio>

#include "mw/data/dataset_info.h"
#include "mw/io/atomic_file.h"

namespace mw::app {
namespace {

std::string number(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

/// The one-step errors as a table, where the run measured them.
std::string error_table(const train::Scalars& figures) {
  std::string rows;
  for (const char* name : {"still", "look", "walk"}) {
    const std::string text = name;
    if (figures.count(text) == 0) continue;
    rows += "| " + text + " | " + number("%.4f", figures.at(text)) + " | " +
            number("%.4f", figures.at(text + "_prior")) + " | " +
            number("%.4f", figures.at(text + "_repeat")) + " |\n";
  }
  if (rows.empty()) return "";
  return "\nMean squared error of the next latent (unit variance), one step from pure noise, on "
         "worlds\nnever trained on:\n\n| frames | this model | camera prior alone | last frame "
         "repeated |\n| --- | --- | --- | --- |\n" +
         rows;
}

}  // namespace

void write_model_card(const ModelCard& card, const std::filesystem::path& folder) {
  const data::DatasetInfo info = data::read_info(data::DatasetPaths{card.dataset}.info());
  std::string text = "# " + card.name + "\n\nA world model of " + std::to_string(info.width) + "x" +
                     std::to_string(info.height) + " pixels at " + number("%.0f", info.fps) +
                     " frames per second: a causal Wan transformer of " +
                     number("%.2f", static_cast<double>(card.num_parameters) / 1e6) +
                     " M parameters\nover a camera prior, with a frame autoencoder.\n\n"
                     "- Weights: CC-BY-SA-4.0, as they derive from recorded frames (data: " +
                     info.license + ").\n- Data: `" + info.name + "`, " +
                     std::to_string(card.num_clips) + " clips, " + std::to_string(card.num_frames) +
                     " frames";
  for (const auto& [key, value] : info.made_by) text += "; " + key + ": " + value;
  text += ".\n- Training: " + std::to_string(card.steps) + " updates in " +
          number("%.2f", card.hours) + " h, seed " + std::to_string(card.seed) +
          (card.init_from.empty() ? std::string(", from scratch")
                                  : ", from the weights of an earlier run") +
          "; `mw train base`.\n" + error_table(card.figures);
  io::write_file(folder / "README.md", text);
}

}  // namespace mw::app
