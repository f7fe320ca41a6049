"""Keys of clients: several are accepted, each is compared, and none is passed on to the model server."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from proxy.keys import KeyFileError, accepted, fits, read_key, read_keys
from proxy.settings import Settings
from tests.conftest import Start
from tests.fake_vllm import FakeVllm


def settings(**given: object) -> Settings:
    return Settings.model_validate({"upstream": "http://a:1", **given})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("", "holds no key"), ("# a\n\n", "holds no key"), ("a\nb c\n", r":2: holds a blank"), (b"\xff", "not UTF-8")],
)
def test_a_file_without_usable_keys_is_refused(tmp_path: Path, text: str | bytes, complaint: str) -> None:
    path = tmp_path / "keys"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(KeyFileError, match=complaint) as caught:
        read_keys(path)
    assert "b c" not in str(caught.value)


def test_keys_are_read_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("# team\r\n k-1 \r\nk#2\n\nschlüssel\n")
    assert read_keys(path) == ("k-1", "k#2", "schlüssel")
    path.write_text("\nk-1\n")
    assert read_key(path) == "k-1"


def test_any_of_the_keys_fits_and_nothing_else() -> None:
    digests = accepted(settings(client_key="one", client_keys=("two", "schlüssel")))
    assert all(fits(each.encode(), digests) for each in ("one", "two", "schlüssel"))
    assert not any(fits(each, digests) for each in (b"", b"on", b"one ", b"three", b"\xff"))
    assert accepted(settings()) == ()


async def test_each_key_is_served_and_none_is_passed_on(vllm: FakeVllm, start: Start) -> None:
    url = await start(upstream=vllm.url, client_keys=("k-1", "k-2"))
    statuses = []
    async with aiohttp.ClientSession() as session:
        for headers in ({"Authorization": "Bearer k-1"}, {"x-api-key": "k-2"}, {"Authorization": "Bearer k-3"}, {}):
            async with session.post(f"{url}/v1/embeddings", json={}, headers=headers) as answer:
                statuses.append(answer.status)
    assert statuses == [200, 200, 401, 401]
    assert len(vllm.headers) == 2
    assert not [each for each in vllm.headers if "authorization" in each or "x-api-key" in each]
