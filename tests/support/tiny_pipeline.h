// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace mw::test {

/// Writes the model folder that the golden `pipelines/TASK` was made with: a diffusers folder for
/// t2v and i2v; for t2w and i2w a Micro-World folder `world` whose base is the folder `base`
/// beside it. Gives the folder to name as the model. See tools/goldens/pipelines.py.
std::filesystem::path write_tiny_pipeline(const std::string& task,
                                          const std::filesystem::path& folder);

}  // namespace mw::test
