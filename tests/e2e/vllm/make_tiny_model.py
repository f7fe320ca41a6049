"""Builds tiny random-weight models, without downloads, that vLLM can serve on a CPU.

    python make_tiny_model.py FOLDER qwen|gemma4

Two layers of a Qwen3 transformer (0.6 million parameters); what matters is the tokenizer: the special tokens and the turn format
of the family it plays. The tokenizer is a byte-level BPE trained on the Python standard library that lies on disk.
"""

import json
import sys
import sysconfig
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

HERE = Path(__file__).parent
VOCABULARY = 4096

# token -> special? Special tokens vanish from the text where skip_special_tokens is on.
QWEN_TOKENS = {
    "<|endoftext|>": True,
    "<|im_start|>": True,
    "<|im_end|>": True,
    "<tool_call>": False,
    "</tool_call>": False,
    "<tool_response>": False,
    "</tool_response>": False,
    "<think>": False,
    "</think>": False,
}
GEMMA_TOKENS = dict.fromkeys(
    (
        *("<pad>", "<eos>", "<bos>", "<unk>", "<|turn>", "<turn|>", "<|channel>", "<channel|>", "<|think|>"),
        *("<|tool>", "<tool|>", "<|tool_call>", "<tool_call|>", "<|tool_response>", "<tool_response|>", '<|"|>'),
    ),
    True,
)


def prose():
    """Yield text to train the tokenizer on."""
    library = Path(sysconfig.get_paths()["stdlib"])
    for file in sorted([*library.glob("*.py"), *library.glob("json/*.py")]):
        yield file.read_text(encoding="utf-8", errors="replace")
    for i in range(400):  # so that pieces of calls become tokens
        yield json.dumps({"name": f"get_weather_{i % 7}", "arguments": {"city": "Paris", "unit": "celsius", "days": i}}, indent=1)
        yield f"<function=get_weather>\n<parameter=city>\nParis {i}\n</parameter>\n</function>\n"
        yield f"call:get_weather{{city:Paris,days:{i}}}\nthought\n"


def tokenizer(tokens):
    """Train one, with these tokens, and fill the vocabulary up."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    made.decoder = decoders.ByteLevel()
    made.post_processor = processors.ByteLevel(trim_offsets=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY - len(tokens), initial_alphabet=alphabet, show_progress=False)
    made.train_from_iterator(prose(), trainer)
    made.add_tokens([AddedToken(token, special=special, normalized=False) for token, special in tokens.items()])
    missing = VOCABULARY - made.get_vocab_size()
    made.add_tokens([AddedToken(f"<|unused_{i}|>", special=True, normalized=False) for i in range(missing)])
    return made


def family(kind):
    """Return the tokenizer of a family, with its chat template, and the tokens that end a turn."""
    if kind == "gemma4":
        named = {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>"}
        fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer(GEMMA_TOKENS), **named)
        ends = ["<eos>", "<turn|>", "<|tool_response>"]  # as Gemma 4's generation_config has them
    else:
        named = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
        fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer(QWEN_TOKENS), **named)
        ends = ["<|im_end|>", "<|endoftext|>"]
    fast.chat_template = (HERE / f"{kind}.jinja").read_text(encoding="utf-8").strip()
    fast.model_max_length = 8192
    fast.clean_up_tokenization_spaces = False
    return fast, [fast.convert_tokens_to_ids(end) for end in ends]


def build(folder, kind):
    """Write the model of a family."""
    fast, ends = family(kind)
    folder.mkdir(parents=True, exist_ok=True)
    fast.save_pretrained(folder)
    config = Qwen3Config(
        vocab_size=VOCABULARY,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=32,
        max_position_embeddings=8192,
        tie_word_embeddings=False,
        bos_token_id=fast.bos_token_id,
        eos_token_id=ends[0],
        pad_token_id=fast.pad_token_id,
    )
    torch.manual_seed(0)
    model = Qwen3ForCausalLM(config).to(torch.bfloat16)
    model.generation_config.eos_token_id = ends
    model.generation_config.pad_token_id = fast.pad_token_id
    model.save_pretrained(folder)


if __name__ == "__main__":
    build(Path(sys.argv[1]) / sys.argv[2], sys.argv[2])
