"""A vLLM logits processor that makes a random-weight model say exactly what a test wants.

    python -m vllm.entrypoints.openai.api_server ... --logits-processors scripted_model:ScriptedModel

The script is given in the request body, `"vllm_xargs": {"say": "text"}`, or anywhere in the prompt, which survives any proxy:

    [[say:BASE64URL]]        the last marker that applies wins
    [[say@2:BASE64URL]]      only for the second answer of the conversation
    [[say!:BASE64URL]]       also for an answer under a grammar, which no other marker is for: that one is left to the weights

Answers are counted by the assistant headers in the prompt: a re-prompt that adds an assistant turn is the next answer, one
that adds only a user turn is not. Special tokens written in the text become their ids. After the script comes the
end-of-turn token. Without a script the model stays random. The script is applied after a grammar's mask: a script (`say!`, or
the one in the body) and a grammar that disagree end in an engine error in mid-stream, which is of use, too.
"""

import base64
import re

from transformers import AutoTokenizer
from vllm.v1.sample.logits_processor import AdapterLogitsProcessor

MARK = re.compile(r"\[\[say(?:@(\d+)|(!))?:([A-Za-z0-9_\-+/=]*)\]\]")
RESULTS = re.compile(r"<tool_response\|>(?!<\|tool_response>)")  # after these Gemma goes on without a header


def text_of(code):
    """Decode base64 of either alphabet, padded or not."""
    code = code.replace("-", "+").replace("_", "/")
    return base64.b64decode(code + "=" * (-len(code) % 4)).decode("utf-8")


class ScriptedModel(AdapterLogitsProcessor):
    """See above."""

    def __init__(self, vllm_config, device, is_pin_memory):
        super().__init__(vllm_config, device, is_pin_memory)
        self.tokenizer = AutoTokenizer.from_pretrained(vllm_config.model_config.tokenizer)
        known = self.tokenizer.get_vocab()
        self.end = known.get("<turn|>", known.get("<|im_end|>", self.tokenizer.eos_token_id))
        self.gemma = "<|turn>" in known
        self.header = "<|turn>model\n" if self.gemma else "<|im_start|>assistant\n"

    def is_argmax_invariant(self):
        return False

    def _marked(self, prompt_ids, grammar):
        text = self.tokenizer.decode(prompt_ids, skip_special_tokens=False)
        answer = text.count(self.header) + (len(RESULTS.findall(text)) if self.gemma else 0)
        found = MARK.findall(text)
        codes = [code for number, always, code in found if always or (not grammar and (not number or int(number) == answer))]
        return text_of(codes[-1]) if codes else None

    def _new_state(self, params, prompt_ids, output_ids):
        said = (params.extra_args or {}).get("say")
        if said is None and prompt_ids:
            said = self._marked(prompt_ids, getattr(params, "structured_outputs", None) is not None)
        if said is None:
            return None
        script = [*self.tokenizer.encode(str(said), add_special_tokens=False), self.end]

        def step(logits):
            token = script[min(len(output_ids), len(script) - 1)]
            logits.fill_(float("-inf"))
            logits[token] = 0.0
            return logits

        return step

    def new_req_logits_processor(self, params):
        return None
