"""Profiles: the right one for a model's name, and configured ones that change only what they say."""

from __future__ import annotations

import pytest

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
        ("openai/gpt-oss-20b", "generic"),
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
    own = {"gemma-4": "gemma4", "qwen3": "hermes_json", "qwen3.5": "qwen_xml", "qwen3-coder": "qwen_xml"}
    assert {each.name: each.reads[0] for each in load() if each.name in own} == own


def test_the_templates_thought_is_open_where_it_is() -> None:
    assert {each.name for each in load() if each.thinking_prompt == "open"} == {
        "ernie-4.5-thinking",
        "longcat-thinking",
        "qwen3.5",
    }


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
