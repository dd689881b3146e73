# SPDX-License-Identifier: Apache-2.0
"""Goldens of the text encoder: a tiny random UMT5EncoderModel of transformers, and token numbers.

    python tools/goldens/text.py tests/goldens/text

Needs torch, transformers and sentencepiece. umt5.safetensors: `weights.*` under Hugging Face's
names, `in.*` and `last_hidden_state`; the metadata holds the config as JSON and the error of
transformers' own bfloat16 forward over real tokens: mean squared difference to float32 over the
mean square of float32. spiece.model: a unigram model learned from data/sample/captions.jsonl;
tokens.json: texts with their numbers.
"""

import io
import json
import sys
from pathlib import Path

import sentencepiece
import torch
import transformers
from safetensors.torch import save_file
from transformers import UMT5Config, UMT5EncoderModel

SEED = 0
CONFIG = dict(vocab_size=120, d_model=48, d_kv=16, d_ff=96, num_layers=2, num_heads=4,
              relative_attention_num_buckets=32, relative_attention_max_distance=128,
              layer_norm_epsilon=1e-6, feed_forward_proj="gated-gelu", dropout_rate=0.0)
TEXTS = [
    "",
    "Walking forward in a grassy plain, in daylight.",
    "A blocky world: a leafy forest; the camera is turning to the left.",
    "  two   spaces  ",
    "ALL CAPITALS and digits 0123456789",
    "caf\u00e9 na\u00efve \u2014 em dash, \u201cquotes\u201d",
    "\u4e16\u754c \U0001f30d unknown characters",
    "\uff26\uff55\uff4c\uff4c \uff57\uff49\uff44\uff54\uff48 \ufb01 ligature",
    "supercalifragilisticexpialidocious " * 3,
]


def build():
    torch.manual_seed(SEED)
    model = UMT5EncoderModel(UMT5Config(**CONFIG)).eval()
    for name, parameter in model.named_parameters():
        value = torch.randn_like(parameter)
        if "norm" in name:
            parameter.data = 1 + 0.3 * value
        elif "relative_attention_bias" in name or "shared" in name:
            parameter.data = value
        else:
            # Attention does not scale its products, so queries are small.
            scale = 16 ** -0.5 if ".q." in name else 1.0
            parameter.data = value * scale * parameter.shape[1] ** -0.5
    return model


@torch.no_grad()
def run(model, inputs):
    return model(**inputs).last_hidden_state.float()


def write_encoder(folder):
    random = torch.Generator().manual_seed(SEED + 1)
    # Longer than the exact buckets and, at 100, than the last logarithmic one.
    ids = torch.randint(2, CONFIG["vocab_size"], (2, 100), generator=random)
    mask = torch.ones_like(ids)
    ids[1, 12] = 1
    ids[1, 13:] = 0
    mask[1, 13:] = 0
    inputs = dict(input_ids=ids, attention_mask=mask)
    model = build()
    last = run(model, inputs)
    half = run(build().bfloat16(), inputs)
    real = mask.bool()
    error = ((half - last)[real].square().mean() / last[real].square().mean()).item()
    weights = {k: v for k, v in model.state_dict().items() if k != "encoder.embed_tokens.weight"}
    tensors = {f"weights.{k}": v for k, v in weights.items()}
    tensors |= {f"in.{k}": v for k, v in inputs.items()}
    tensors["last_hidden_state"] = last
    path = folder / "umt5.safetensors"
    save_file({k: v.contiguous().clone() for k, v in tensors.items()}, path, {
        "config": json.dumps({"model_type": "umt5", **CONFIG}),
        "peer_bf16_error": repr(error),
        "source": f"transformers {transformers.__version__}, torch {torch.__version__}, "
                  f"seed {SEED}",
    })
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB, |last| <= {last.abs().max():.2f}, "
          f"bf16 error of the peer {error:.2e}")


def write_tokens(folder):
    captions = Path(__file__).parents[2] / "data/sample/captions.jsonl"
    sentences = [json.loads(line)["caption"] for line in captions.read_text().splitlines()]
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences), model_writer=model, model_type="unigram",
        vocab_size=256, hard_vocab_limit=False, character_coverage=1.0, pad_id=0, eos_id=1,
        unk_id=2, bos_id=-1, num_threads=1, minloglevel=2)
    (folder / "spiece.model").write_bytes(model.getvalue())
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    rows = [{"text": text, "ids": processor.encode(text) + [processor.eos_id()]} for text in TEXTS]
    path = folder / "tokens.json"
    path.write_text(json.dumps(rows, indent=1) + "\n")
    print(f"{path}: {len(rows)} texts, {processor.get_piece_size()} pieces")


if __name__ == "__main__":
    torch.set_num_threads(1)
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    write_encoder(target)
    write_tokens(target)
