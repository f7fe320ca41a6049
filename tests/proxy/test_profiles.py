"""Profiles: the right one for a model's name, and configured ones that change only what they say."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from adapters.registry import DIALECTS
from proxy.profiles import Profile, ProfileError, choose, load
from proxy.settings import ProfileTable


def chosen(model: str, *tables: dict[str, object]) -> Profile:
    return choose(model, load([ProfileTable.model_validate(table) for table in tables]))


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("google/gemma-4-26B-A4B-it", "gemma-4"),
        ("RedHatAI/Gemma-4-31B-it-NVFP4", "gemma-4"),
        ("gemma4", "gemma-4"),
        ("/models/gemma-4-e2b", "gemma-4"),
        ("google/gemma-3-27b-it", "generic"),
        ("Qwen/Qwen3-32B", "qwen3"),
        ("Qwen/Qwen3-Next-80B-A3B-Instruct", "qwen3"),
        ("Qwen/Qwen2.5-7B-Instruct", "qwen3"),
        ("Qwen/Qwen3.5-35B-A3B", "qwen3.5"),
        ("qwen3.6-max", "qwen3.5"),
        ("Qwen/Qwen3-Coder-30B-A3B-Instruct", "qwen3-coder"),
        ("qwen3-coder-next", "qwen3-coder"),
        ("zai-org/GLM-4.5-Air-FP8", "glm-4.5"),
        ("QuantTrio/GLM-4.6-AWQ", "glm-4.5"),
        ("zai-org/GLM-4.7-Flash", "glm-4.7"),
        ("zai-org/GLM-5.1-FP8", "glm-4.7"),
        ("THUDM/GLM-4-9B-0414", "generic"),
        ("inclusionAI/Ling-3.0-flash", "ling-3"),
        ("inclusionAI/Ring-3.0-1T", "ling-3"),
        ("inclusionAI/Ling-mini-2.0", "generic"),
        ("tencent/Hy3-preview", "hy-v3"),
        ("tencent/Hy4-preview", "hy-v4"),
        ("google/functiongemma-270m-it", "functiongemma"),
        ("ByteDance-Seed/Seed-OSS-36B-Instruct", "seed-oss"),
        ("XiaomiMiMo/MiMo-V2-Flash", "mimo"),
        ("XiaomiMiMo/MiMo-V2.5-Pro", "mimo"),
        ("stepfun-ai/Step-3.5-Flash", "step-3.5"),
        ("step3p5", "step-3.5"),
        ("poolside/Laguna-XS-2.1-NVFP4", "poolside"),
        ("IFM/K2-Horizon-7B", "k2-horizon"),
        ("meta-models/Muse-Glimmer-30B", "muse-glimmer"),
        ("openai/gpt-oss-20b", "gpt-oss"),
        ("unsloth/gpt-oss-120b-GGUF", "gpt-oss"),
        ("mistralai/Mistral-Small-3.2-24B-Instruct-2506", "mistral"),
        ("mistralai/Devstral-Small-2507", "mistral"),
        ("mistralai/Magistral-Small-2509", "mistral"),
        ("mistralai/Ministral-3-14B-Instruct-2512", "mistral"),
        ("NousResearch/Hermes-2-Pro-Mistral-7B", "generic"),
        ("deepseek-ai/DeepSeek-V3", "deepseek-v3"),
        ("cognitivecomputations/DeepSeek-V3-0324-AWQ", "deepseek-v3"),
        ("deepseek-ai/DeepSeek-V3.1-Terminus", "deepseek-v3.1"),
        ("deepseek-ai/DeepSeek-R1-0528", "deepseek-r1"),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-32B", "deepseek-r1"),
        ("moonshotai/Kimi-K2-Instruct-0905", "kimi-k2"),
        ("moonshotai/Kimi-K2-Thinking", "kimi-k2"),
        ("moonshotai/Kimi-K2.5", "kimi-k2.5"),
        ("moonshotai/Kimi-K3", "kimi-k3"),
        ("pfnet/plamo-3-nict-8b-base", "plamo-3"),
        ("MiniMaxAI/MiniMax-M2.7", "minimax-m2"),
        ("MiniMaxAI/MiniMax-M3", "minimax-m3"),
        ("deepseek-ai/DeepSeek-V3.2-Exp", "deepseek-v3.2"),
        ("deepseek-ai/DeepSeek-V4-Flash", "deepseek-v4"),
        ("deepseek-ai/DeepSeek-V4.1-Flash", "deepseek-v4"),
        ("stepfun-ai/step3", "step3"),
        ("stepfun-ai/step3-fp8", "step3"),
        ("dots-studio/dots-3-note-preview", "dots"),
        ("rednote-hilab/dots.llm1.inst", "dots"),
        ("openbmb/MiniCPM5-2B", "minicpm5"),
        ("", "generic"),
        ("gemma-4/something-else", "gemma-4"),
    ],
)
def test_a_name_finds_its_profile(model: str, name: str) -> None:
    assert chosen(model).name == name
    assert chosen(model.upper()).name == name


def test_generic_is_last_and_always_there() -> None:
    assert load()[-1].name == "generic"
    assert chosen("x", {"name": "generic", "match": ["never"]}).name == "generic"


def test_what_the_model_writes_is_read_first() -> None:
    own = {
        "gemma-4": "gemma4", "qwen3": "hermes_json", "qwen3.5": "qwen_xml", "qwen3-coder": "qwen_xml", "mistral": "mistral",
        "deepseek-v3": "deepseek_v3", "deepseek-v3.1": "deepseek_v31", "deepseek-r1": "deepseek_v3", "gpt-oss": "harmony",
        "kimi-k2": "kimi_k2", "kimi-k2.5": "kimi_k2", "kimi-k3": "kimi_k3", "plamo-3": "plamo3", "minimax-m2": "minimax_m2",
        "minimax-m3": "minimax_m3", "deepseek-v3.2": "deepseek_v32", "deepseek-v4": "deepseek_v4", "step3": "step3",
        "dots": "dots", "minicpm5": "minicpm5",
    }  # fmt: skip
    assert {each.name: each.reads[0] for each in load() if each.name in own} == own


def test_the_templates_thought_is_open_where_it_is() -> None:
    opened = {"qwen3.5", "deepseek-r1", "deepseek-v3.1", "kimi-k2.5", "kimi-k3", "glm-4.7", "ling-3", "poolside", "step-3.5"}
    opened |= {"lfm2.5-24b", "olmo-3-think", "minimax-m2", "deepseek-v3.2", "deepseek-v4", "step3"}
    assert {each.name for each in load() if each.thinking_prompt == "open"} == opened


def test_only_the_given_keys_change() -> None:
    before, after = chosen("gemma-4"), chosen("gemma-4", {"name": "gemma-4", "guess": False})
    assert before.guess
    assert not after.guess
    assert (after.reads, after.request, after.fill, after.match) == (before.reads, before.request, before.fill, before.match)


def test_changing_generic_does_not_hide_the_others() -> None:
    assert chosen("gemma-4", {"name": "generic", "thinking": "keep"}).name == "gemma-4"
    assert chosen("other", {"name": "generic", "thinking": "keep"}).thinking == "keep"


def test_configured_profiles_come_first_in_their_order() -> None:
    tables: list[dict[str, object]] = [{"name": "a", "match": ["gemma-4-26*"]}, {"name": "b", "match": ["gemma-4-26b*"]}]
    assert chosen("google/gemma-4-26B", *tables).name == "a"
    assert chosen("google/gemma-4-31B", *tables).name == "gemma-4"


def test_extends_derives() -> None:
    mine = chosen("tuned", {"name": "mine", "extends": "gemma-4", "match": ["TUNED"], "mode": "observe"})
    assert (mine.reads[0], mine.mode, mine.merge_users) == ("gemma4", "observe", True)
    later = chosen(
        "second", {"name": "mine", "match": ["tuned"], "thinking": "field"}, {"name": "two", "extends": "mine", "match": ["s*"]}
    )
    assert (later.name, later.thinking) == ("two", "field")


@pytest.mark.parametrize(
    ("table", "key", "complaint"),
    [
        ({"name": "x"}, "name", '"match"'),
        ({"name": "x", "match": ["x"], "extends": "gema"}, "extends", '"gemma-4"'),
        ({"name": "gemma-4", "extends": "nothing"}, "extends", '"nothing"'),
    ],
)
def test_profiles_that_make_no_sense_are_refused(table: dict[str, object], key: str, complaint: str) -> None:
    with pytest.raises(ProfileError) as caught:
        chosen("m", table)
    assert (caught.value.index, caught.value.key) == (0, key)
    assert complaint in caught.value.complaint


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(ProfileError, match="two profiles"):
        chosen("m", {"name": "x", "match": ["a"]}, {"name": "x", "match": ["b"]})


def test_the_fill_is_cautious_and_has_one_switch() -> None:
    assert all(each.fill_for("openhands") == {"security_risk": "HIGH"} for each in load())
    assert chosen("gemma-4").fill_for("openai_chat") == {}
    assert chosen("gemma-4", {"name": "gemma-4", "fill_missing": False}).fill_for("openhands") == {}


def test_patterns_may_have_classes() -> None:
    assert chosen("ab1", {"name": "x", "match": ["ab[0-9]"]}).name == "x"
    assert chosen("abc", {"name": "x", "match": ["ab[0-9]"]}).name == "generic"


def test_a_star_stands_for_every_other_dialect_that_need_not_be_asked_for() -> None:
    read = chosen("some-finetune").reads
    assert read[:3] == ("hermes_json", "qwen_xml", "gemma4")
    assert set(read) == {name for name, dialect in DIALECTS.items() if not dialect.asked}
    assert len(set(read)) == len(read)
    with pytest.raises(ValidationError, match="is no dialect"):
        ProfileTable(name="x", protocol="text:*")
