# SPDX-License-Identifier: Apache-2.0
"""Goldens of the text encoder: a tiny random UMT5EncoderModel of transformers, and token numbers.

    python tools/goldens/text.py tests/goldens/text

Needs torch, transformers, sentencepiece and ftfy. umt5.safetensors: `weights.*` under Hugging Face's
names, `in.*` and `last_hidden_state`; the metadata holds the config as JSON and the error of
transformers' own bfloat16 forward over real tokens: mean squared difference to float32 over the
mean square of float32. spiece.model: a unigram model learned from data/sample/captions.jsonl;
tokens.json: texts with their numbers, cleaned as Wan's pipelines do it; cleaned.json: hostile texts
and what that cleaning makes of them.
"""

import html
import io
import json
import re
import sys
from pathlib import Path

import ftfy
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
HOSTILE = [
    "plain text",
    "&lt;b&gt; and &amp;amp; twice",
    "P&EACUTE;REZ and &NTILDE; &nTILDE;",
    "a<b &eacute; stays &amp",
    "caf\u00e9 &notit; &notin; this&not that",
    "\ufb01ne \ufb02uff \ufb05 \u01c4 \u0149",
    "\uff26\uff55\uff4c\uff4c\u3000\uff57\uff49\uff44\uff54\uff48 \uff71 \uffe5",
    "\u201cquotes\u201d \u2018single\u2019 \u02bcq\u201b \u201f",
    "line\r\nbreak\rold\u2028sep\u2029para\u0085next",
    "\x1b[31mred\x1b[0m \x1b[36;44mx \x1b[ no \x1b[",
    "bell\x07 del\x7f \u206a\ufeffbom\ufffc",
    "&#65;&#x42;&#0;&#128;&#x1F600;&#xD800;&#x110000;&#1;&#13;&#xFFFE;",
    "&#12ab; &#; &#x; &; &amp",
    "\x85dots \x93q\x94 \x81",
    "  many \t\n\v\f spaces\u00a0\u2003\u3000 end  ",
    "&hellip;&mdash;&nbsp;x&acE;&bne;",
    "first &eacute;\n<b>\nthen &eacute; &amp;lt;",
    "&AMP;&Amp;&COPY;&copy",
    "\U0001f469\u200d\U0001f680 emoji \ufe0f",
    "&CounterClockwiseContourIntegral; &NotANameAtAllButLong;",
    "&amp;#x41; &amp;amp;amp;amp;",
    "",
    "   ",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "x&thetasym;y&THETA;&Theta;&prime;",
    "\uffe8\uffed",
    "&#x85; &#150;&#8211;",
    "a&#10;b&Tab;c&NewLine;d",
    "\u1680ogham\u180espace",
    "null\x00byte",
    "&#99999999999999999999; &#x00000000041;",
    "&ampamp &lt&gt &quot",
    "&\u00e9; &ltcaf\u00e9;",
]


def clean(text):
    text = html.unescape(html.unescape(ftfy.fix_text(text))).strip()
    return re.sub(r"\s+", " ", text).strip()


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
    rows = [{"text": text, "ids": processor.encode(clean(text)) + [processor.eos_id()]} for text in TEXTS]
    path = folder / "tokens.json"
    path.write_text(json.dumps(rows, indent=1) + "\n")
    print(f"{path}: {len(rows)} texts, {processor.get_piece_size()} pieces")
    rows = [{"text": text, "cleaned": clean(text)} for text in HOSTILE]
    (folder / "cleaned.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    write_encoder(target)
    write_tokens(target)
