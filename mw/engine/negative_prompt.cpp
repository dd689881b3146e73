// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/clip_plan.h"

namespace mw::engine {
namespace {

// What the models were told to avoid when their quality was judged; `sample_neg_prompt` of
// github.com/Wan-Video/Wan2.1. In English: garish colours, overexposed, static, blurred details,
// subtitles, style, works, paintings, picture, still, greyish overall, worst quality, low quality,
// JPEG residue, ugly, mutilated, extra fingers, badly drawn hands, badly drawn faces, deformed,
// disfigured, malformed limbs, fused fingers, motionless picture, cluttered background, three legs,
// many people in the background, walking backwards.
constexpr const char* kNegativePrompt =
    "\u8272\u8c03\u8273\u4e3d\uff0c\u8fc7\u66dd\uff0c\u9759\u6001\uff0c"
    "\u7ec6\u8282\u6a21\u7cca\u4e0d\u6e05\uff0c\u5b57\u5e55\uff0c\u98ce\u683c\uff0c"
    "\u4f5c\u54c1\uff0c\u753b\u4f5c\uff0c\u753b\u9762\uff0c\u9759\u6b62\uff0c"
    "\u6574\u4f53\u53d1\u7070\uff0c\u6700\u5dee\u8d28\u91cf\uff0c\u4f4e\u8d28\u91cf\uff0c"
    "JPEG\u538b\u7f29\u6b8b\u7559\uff0c\u4e11\u964b\u7684\uff0c\u6b8b\u7f3a\u7684\uff0c"
    "\u591a\u4f59\u7684\u624b\u6307\uff0c\u753b\u5f97\u4e0d\u597d\u7684\u624b\u90e8\uff0c"
    "\u753b\u5f97\u4e0d\u597d\u7684\u8138\u90e8\uff0c\u7578\u5f62\u7684\uff0c"
    "\u6bc1\u5bb9\u7684\uff0c\u5f62\u6001\u7578\u5f62\u7684\u80a2\u4f53\uff0c"
    "\u624b\u6307\u878d\u5408\uff0c\u9759\u6b62\u4e0d\u52a8\u7684\u753b\u9762\uff0c"
    "\u6742\u4e71\u7684\u80cc\u666f\uff0c\u4e09\u6761\u817f\uff0c"
    "\u80cc\u666f\u4eba\u5f88\u591a\uff0c\u5012\u7740\u8d70";
// "The camera shakes," and "the camera cuts,".
constexpr const char* kCameraShakes = "\u955c\u5934\u6643\u52a8\uff0c";
constexpr const char* kCameraCuts = "\u955c\u5934\u5207\u6362\uff0c";

}  // namespace

std::string default_negative_prompt(const ModelLayout& layout) {
  if (layout.kind == LayoutKind::kDiffusers) return "";
  // Micro-World takes the plain text for both of its models.
  std::string prompt = kNegativePrompt;
  if (layout.task == "i2v" || layout.task == "flf2v") prompt = kCameraShakes + prompt;
  if (layout.task == "flf2v") prompt = kCameraCuts + prompt;
  return prompt;
}

}  // namespace mw::engine
