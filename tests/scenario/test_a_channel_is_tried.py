"""Before anybody relies on a channel, one test message goes over it, and its own answer is shown."""

from __future__ import annotations

import pytest

from firesense.cli import main
from tests.house import ROOT, SmallHouse
from tests.providers import DingTalk, HandClock

ORG = (ROOT / "config/org.yaml").read_text(encoding="utf-8")


@pytest.fixture
def provider():
    with DingTalk(HandClock(), {"a-made-up-token": ""}) as server:
        yield server


@pytest.fixture
def house(tmp_path, provider):
    small = SmallHouse(tmp_path, org=ORG)
    org = ORG.replace("{log: zhang-wei,", "{ding: a-made-up-token, log: zhang-wei,")
    org = org.replace("{log: li-na,", "{ding: a-token-of-nobody, log: li-na,")
    (small.folder / "org.yaml").write_text(org, encoding="utf-8")
    file = small.folder / "firesense.yaml"
    channel = f"{{name: ding, kind: dingtalk, url: '{provider.url}'}}"
    settings = file.read_text(encoding="utf-8").replace("channels: [", f"channels: [{channel}, ")
    file.write_text(settings, encoding="utf-8")
    yield small
    small.close()


@pytest.fixture
def tried(house, capsys):
    def run(*words, code=0):
        assert main(["channel", "test", *words, "--config", str(house.folder / "firesense.yaml")]) == code
        said = capsys.readouterr()
        return said.out + said.err

    return run


def test_one_test_message_goes_out_and_is_in_the_audit(house, provider, tried):
    said = tried("ding", "--to", "zhang-wei", "--as", "yang-min")
    assert said.startswith("ding to 张伟 (")
    assert ": sent" in said
    assert "a-made-up-token" not in said
    (posted,) = provider.posted
    assert posted["text"]["content"].startswith("【测试】")
    assert "这是测试，不是火警" in posted["text"]["content"]
    (entry,) = [row.entry for row in house.book.audit(kind="channel")]
    assert (entry.who, entry.did, entry.target) == ("yang-min", "tested", "ding")
    assert (entry.detail["person"], entry.detail["state"]) == ("zhang-wei", "sent")
    assert house.book.alerts(open_only=False) == [], "there is no alert: nobody has to see to anything"


def test_what_the_provider_refuses_is_said_in_its_own_words(house, tried):
    said = tried("ding", "--to", "li-na", code=1)
    assert "refused" in said
    assert "token is not exist" in said
    (entry,) = [row.entry for row in house.book.audit(kind="channel")]
    assert entry.detail["state"] == "refused"


def test_what_cannot_be_tried_is_said(tried):
    assert "no channel 'fax'" in tried("fax", "--to", "zhang-wei", code=1)
    assert "no person 'nobody'" in tried("ding", "--to", "nobody", code=1)
    assert "no address for ding" in tried("ding", "--to", "wu-xia", code=1)
