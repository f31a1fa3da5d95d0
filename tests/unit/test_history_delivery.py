"""What each answer of a store means, against a strict stand-in that misbehaves on demand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from firesense.domain.errors import HistoryDown, HistoryRefused
from firesense.history import InfluxV1History, InfluxV2History, InfluxV3History, VictoriaMetricsHistory
from firesense.history.http import retry_after
from tests.contract.influx_fake import BUCKET, ORG, TOKEN, FakeInflux
from tests.frames import T0
from tests.readings import device, readings, registry_of

UNPARSABLE = (400, '{"code":"invalid","message":"unable to parse"}')


@pytest.fixture
def fake():
    running = FakeInflux()
    yield running
    running.close()


@pytest.fixture
def opened():
    """Makes histories and closes them."""
    histories = []

    def make(kind, *args, **options):
        histories.append(kind(*args, timeout=timedelta(seconds=0.5), **options))
        return histories[-1]

    yield make
    for history in histories:
        history.close()


@pytest.fixture
def history(fake, opened):
    return opened(InfluxV2History, fake.url, ORG, BUCKET, TOKEN)


def table(n=8, **changed):
    """n rows at one-second steps; ``changed={3: {...}}`` replaces columns of a row."""
    rows = [{"at": i * 1_000_000, "temperature": float(i)} for i in range(n)]
    return readings(*(row | changed.get(f"row{i}", {}) for i, row in enumerate(rows)), first_offset=100)


def kept(fake):
    return sorted((at - T0) // 1_000_000 for series in fake.points.values() for at in series)


def test_a_batch_is_one_request(fake, history):
    assert history.write([table()], registry_of()) == {}
    assert kept(fake) == list(range(8))
    (((path, query, headers)),) = fake.requests
    assert (path, query) == ("/api/v2/write", {"org": ORG, "bucket": BUCKET, "precision": "us"})
    assert headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize("bad", [{0}, {3}, {7}, {0, 1}, {2, 5, 6}, set(range(8))])
def test_a_refused_point_costs_that_point(fake, history, bad):
    fake.types["smoke", "humidity"] = str  # as if somebody had written text there before
    rows = {f"row{i}": {"humidity": 50.0} for i in bad}
    refused = history.write([table(**rows)], registry_of())
    assert set(refused) == {100 + i for i in bad}
    assert all("field type conflict" in reason for reason in refused.values())
    assert kept(fake) == sorted(set(range(8)) - bad)


def test_a_batch_that_is_refused_whole_is_not_halved(fake, history):
    fake.types["smoke", "temperature"] = str
    assert len(history.write([table()], registry_of())) == 8
    assert len(fake.requests) == 1


def test_a_line_that_cannot_be_read_costs_that_line(fake, history):
    fake.misdeeds += [UNPARSABLE] * 4  # 8, 4, 2, 1 lines
    assert history.write([table()], registry_of()) == {100: "unable to parse"}
    assert kept(fake) == list(range(1, 8))


def test_what_is_too_large_is_sent_in_parts(fake, history):
    fake.most_bytes = 200  # two lines
    assert history.write([table()], registry_of()) == {}
    assert kept(fake) == list(range(8))
    fake.most_bytes = 10
    refused = history.write([table(2)], registry_of())
    assert set(refused) == {100, 101}


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_busy_store_is_asked_again_later(fake, history, status):
    fake.misdeeds.append((status, "busy", {"Retry-After": "7"}))
    with pytest.raises(HistoryDown, match=str(status)) as caught:
        history.write([table()], registry_of())
    assert caught.value.retry_after == timedelta(seconds=7)
    assert len(fake.requests) == 1
    assert history.write([table()], registry_of()) == {}


@pytest.mark.parametrize("misdeed", ["half", "reset", "silence"])
def test_no_whole_answer_is_no_answer(fake, history, misdeed):
    fake.misdeeds.append(misdeed)
    with pytest.raises(HistoryDown):
        history.write([table()], registry_of())
    assert history.write([table()], registry_of()) == {}


@pytest.mark.parametrize("misdeed", ["half", "reset", "silence"])
def test_no_whole_answer_to_a_question_either(fake, history, misdeed):
    fake.misdeeds.append(misdeed)
    with pytest.raises(HistoryDown):
        history.raw(device(), "temperature", T0, T0 + 1)


def test_nobody_there(opened, fake):
    fake_url = fake.url.rsplit(":", 1)[0] + ":1"
    for history in (
        opened(InfluxV1History, fake_url, "fire"),
        opened(InfluxV2History, fake_url, ORG, BUCKET, TOKEN),
        opened(InfluxV3History, fake_url, "fire", TOKEN),
        opened(VictoriaMetricsHistory, fake_url),
    ):
        with pytest.raises(HistoryDown):
            history.write([table()], registry_of())
        with pytest.raises(HistoryDown):
            history.raw(device(), "temperature", T0, T0 + 1)


def test_what_a_person_has_to_put_right(fake, opened):
    for given in ((ORG, BUCKET, "wrong"), (ORG, "nowhere", TOKEN), ("nobody", BUCKET, TOKEN)):
        history = opened(InfluxV2History, fake.url, *given)
        with pytest.raises(HistoryRefused, match=r"^40[14]: "):
            history.write([table()], registry_of())
    assert fake.points == {}


@pytest.mark.parametrize("page", ["<html>400 Bad Request</html>", "", "[1]", '{"status":"no"}'])
def test_a_400_that_is_not_the_stores_gives_up_no_point(fake, history, page):
    fake.misdeeds.append((400, page))
    with pytest.raises(HistoryRefused):
        history.write([table()], registry_of())
    assert len(fake.requests) == 1


@pytest.mark.parametrize("kind", ["1", "2"])
def test_a_friendly_page_is_not_a_store(fake, history, opened, kind):
    fake.misdeeds.append((200, "<html>welcome</html>"))
    with pytest.raises(HistoryRefused, match="200"):
        (history if kind == "2" else opened(InfluxV1History, fake.url, "fire")).write([table()], registry_of())


def test_redirects_are_not_followed(fake, history):
    fake.misdeeds.append((307, "", {"Location": f"{fake.url}/elsewhere"}))
    with pytest.raises(HistoryRefused):
        history.write([table()], registry_of())
    assert len(fake.requests) == 1


def test_an_outage_in_the_middle_of_halving_is_an_outage(fake, history):
    fake.misdeeds += [UNPARSABLE, (503, "")]
    with pytest.raises(HistoryDown):
        history.write([table()], registry_of())


def test_version_1_writes_in_its_own_words(fake, opened):
    history = opened(InfluxV1History, fake.url, "fire", "writer", "made-up", retention_policy="a year")
    fake.misdeeds.append((204, ""))
    history.write([table(1)], registry_of())
    ((path, query, headers),) = fake.requests
    assert (path, query) == ("/write", {"db": "fire", "precision": "u", "rp": "a year"})
    assert headers["Authorization"].startswith("Basic ")
    assert headers["Content-Encoding"] == "gzip"


def test_compression_can_be_left_out(fake, opened):
    for history in (
        opened(InfluxV1History, fake.url, "fire", compress=False),
        opened(InfluxV2History, fake.url, ORG, BUCKET, TOKEN, compress=False),
    ):
        fake.misdeeds.append((204, ""))
        history.write([table(1)], registry_of())
        assert "Content-Encoding" not in fake.requests[-1][2]


def test_version_3_is_read_by_influxql(fake, opened):
    history = opened(InfluxV3History, fake.url, "fire", TOKEN)
    answer = '{"results":[{"series":[{"columns":["time","temperature"],"values":[[17,20.5]]}]}]}'
    fake.misdeeds.append((200, answer))
    series = history.raw(device(), "temperature", 10, 20)
    assert (series.at.tolist(), series.values.tolist()) == ([17], [20.5])
    path, query, headers = fake.requests[0]
    assert (path, query["db"], query["epoch"]) == ("/query", "fire", "u")
    assert headers["Authorization"] == f"Token {TOKEN}"


@pytest.mark.parametrize("text", ["not json", "[]", '{"results":[{"series":[{"columns":[]}]}]}', '{"results":7}'])
def test_an_answer_that_makes_no_sense_is_no_answer(fake, opened, text):
    for history in (opened(InfluxV3History, fake.url, "fire", TOKEN), opened(VictoriaMetricsHistory, fake.url)):
        fake.misdeeds.append((200, text))
        with pytest.raises(HistoryDown, match="the answer to"):
            history.raw(device(), "temperature", 10, 20)


def test_a_question_the_store_refuses(fake, opened, history):
    fake.misdeeds.append((200, '{"results":[{"error":"not authorized"}]}'))
    with pytest.raises(HistoryRefused, match="not authorized"):
        opened(InfluxV3History, fake.url, "fire", TOKEN).raw(device(), "temperature", 10, 20)
    fake.misdeeds.append((200, ",error,reference\r\n,stream broke,897\r\n"))
    with pytest.raises(HistoryRefused, match="stream broke"):
        history.raw(device(), "temperature", 10, 20)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "120"}, timedelta(seconds=120)),
        ({"retry-after": " 0 "}, timedelta()),
        (
            {"retry-after": "Thu, 01 Jan 2026 00:01:30 GMT", "date": "Thu, 01 Jan 2026 00:00:00 GMT"},
            timedelta(seconds=90),
        ),
        ({"retry-after": "Thu, 01 Jan 2026 00:00:00 GMT", "date": "Thu, 01 Jan 2026 00:01:00 GMT"}, timedelta()),
        ({"retry-after": "Thu, 01 Jan 2026 00:01:30 GMT"}, None),
        ({"retry-after": "soon", "date": "Thu, 01 Jan 2026 00:00:00 GMT"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "٣"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers, expected):
    assert retry_after(headers) == expected


def test_the_body_is_gzip_of_lines(fake, history):
    history.write([table(200)], registry_of())
    length = int(fake.requests[0][2]["Content-Length"])
    assert length < 200 * 20
    assert len(kept(fake)) == 200
