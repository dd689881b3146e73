// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace mw::hub {

/// A model that has a short name here.
struct KnownModel {
  const char* name;        ///< What `mw pull` and `mw generate --model` take.
  const char* repository;  ///< On the hub.
  const char* task;        ///< Of `mw generate --task`.
  const char* base;        ///< Name of the model whose VAE and encoders it uses; null for none.
};

std::span<const KnownModel> known_models();

/// The model of that short name, or of that repository; null when neither is known.
const KnownModel* find_known_model(std::string_view name_or_repository);

/// A command that uses a pulled model: `name` is what `--model` takes. Without a known model, how
/// to look at the files.
std::string next_command(const KnownModel* model, const std::string& name);

}  // namespace mw::hub
