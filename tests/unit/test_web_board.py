"""The board: read once for all who look at it, and of the cards only those are sent again that say something else."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC
from types import SimpleNamespace

import pytest

from firesense import escalate
from firesense.domain.deed import Actor
from firesense.domain.instant import MINUTE, SECOND
from firesense.domain.place import Org, Post
from firesense.web.board import Board
from firesense.web.cards import Cards
from firesense.web.shown import show_alert, show_listed
from firesense.web.story_shown import show_story
from tests.console import NOW, Township


@pytest.fixture
def township(tmp_path):
    made = Township(tmp_path)
    yield made
    made.close()


@pytest.fixture
def reads(township, monkeypatch):
    """Count how often the list is read."""
    counted = SimpleNamespace(times=0)
    listing = township.book.listing

    def counting(**asked):
        counted.times += 1
        return listing(**asked)

    monkeypatch.setattr(township.book, "listing", counting)
    return counted


@pytest.fixture
def board(township):
    return Board(township.book, Cards(UTC), township.clock)


def test_who_looks_again_is_given_what_was_read_and_anew_after_the_next_step(township, board, reads):
    first = township.alarm()
    assert list(board.alerts(township.plan, "zh").cards) == [first.id]
    board.alerts(township.plan, "zh")
    assert reads.times == 1
    second = township.alarm(2)
    assert list(board.alerts(township.plan, "zh").cards) == [second.id, first.id]
    assert reads.times == 2


def test_pages_that_were_told_of_a_step_share_one_reading_however_many_steps_follow(township, board, reads):
    township.alarm()
    told = township.book.last_step()
    for number in range(2, 5):
        township.alarm(number)
        assert len(board.alerts(township.plan, "zh", told=told).cards) == 2
    assert reads.times == 1
    assert len(board.alerts(township.plan, "zh", told=township.book.last_step()).cards) == 4


@pytest.mark.parametrize("later", [10 * SECOND, -10 * SECOND], ids=["later", "by a clock put back"])
def test_what_is_ten_seconds_old_is_read_anew_whatever_pages_were_told(township, board, reads, later):
    township.alarm()
    told = township.book.last_step()
    for at in (0, later - later // 10, later, later):
        township.clock.at = NOW + at
        listed = board.alerts(township.plan, "zh", told=told)
    assert (reads.times, listed.read_at) == (2, NOW + later)


def test_who_opens_the_board_sees_what_is_so_now_whatever_pages_were_told(township, board):
    alert = township.alarm()
    told = township.book.last_step()
    board.alerts(township.plan, "zh", told=told)
    township.desk.acknowledge(alert.id, Actor("he"))
    assert "何大勇 已接警" in board.alerts(township.plan, "zh").cards[alert.id].html


def test_only_cards_that_say_something_else_are_sent_again(township, board):
    first, second = township.alarm(), township.alarm(2)
    before = board.alerts(township.plan, "zh")
    assert all("data-same" not in card for card in before.since(0))
    township.desk.acknowledge(second.id, Actor("he"))
    after = board.alerts(township.plan, "zh")
    taken, same = sorted(after.since(before.edition), key=lambda card: "data-same" in card)
    assert f'id="alert-{second.id}"' in taken
    assert "何大勇 已接警" in taken
    assert same == f'<li id="alert-{first.id}" data-same></li>\n'


def test_a_new_plan_is_shown_though_nothing_happened(township, board):
    alert = township.alarm()
    before = board.alerts(township.plan, "zh")
    township.plan = type(township.plan)()
    after = board.alerts(township.plan, "zh")
    assert "李奶奶家 客厅" in before.cards[alert.id].html
    assert "李奶奶家 客厅" not in after.cards[alert.id].html
    assert "data-same" not in "".join(after.since(before.edition))


def test_the_languages_and_the_pages_are_kept_apart(township, board, monkeypatch):
    monkeypatch.setattr("firesense.web.board.ALERTS_MOST", 1)
    first, second = township.alarm(), township.alarm(2)
    page = board.alerts(township.plan, "zh")
    assert (list(page.cards), page.next) == ([second.id], second.id)
    assert list(board.alerts(township.plan, "zh", after=second.id).cards) == [first.id]
    assert "烟感火警信号" in board.alerts(township.plan, "zh").cards[second.id].html
    assert "Smoke detector fire flag" in board.alerts(township.plan, "en").cards[second.id].html


def test_a_card_holds_nobodys_token_and_no_time_until_it_is_filled(township):
    alert = township.alarm()
    cards = Cards(UTC)
    board = Board(township.book, cards, township.clock)
    (html,) = board.alerts(township.plan, "zh").since(0)
    now = alert.event_at + MINUTE
    filled = [str(cards.fill([html], "zh", at, csrf)) for at, csrf in ((now, "aa"), (now + 2 * MINUTE, "bb"))]
    assert ['value="aa"' in text for text in filled] == [True, False]
    assert ['value="bb"' in text for text in filled] == [False, True]
    assert [re.findall(r"data-since=\"\d+\">(.*?)<", text) for text in filled] == [["01:00"], ["03:00"]]
    assert [re.findall(r"data-due=.*>(.*?)</b>", text) for text in filled] == [["01:04"], ["即将执行"]]


def test_what_people_wrote_stays_text_in_a_card(township, board):
    township.alarm(device="smoke-2")
    (html,) = board.alerts(township.plan, "zh").since(0)
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_the_board_says_of_rungs_what_the_page_says_however_many_deeds_ago_they_were_called(township):
    alert = township.alarm()
    climb = township.book.climb(alert.id)
    second = replace(township.call(alert, "app", "chen"), key="second", rung=1, due_at=NOW + MINUTE)
    moved = replace(climb, rung=2, due_at=NOW + MINUTE, version=climb.version + 1)
    assert township.book.advance(climb, moved, [second], [])
    for number in range(3):
        township.desk.take_over(alert.id, Actor(("he", "station")[number % 2]), "交接")
        assert standings(township, alert) == ["done", "done", "later", "later", "later"]


def test_a_rung_whose_people_were_told_on_another_is_not_said_to_be_out_of_reach(township):
    org = township.plan.org
    posts = [Post("grid-leader", "v", ("sun",)), *(post for post in org.posts.values() if post.role != "grid-leader")]
    org = Org(org.places.values(), posts, org.people.values())
    alert, book = township.alarm(), township.book
    climb = book.climb(alert.id)
    acted = escalate.act(
        alert, climb, org, {"mqtt": "mqtt", "dingtalk": "dingtalk"}, NOW + MINUTE, book.calls(alert.id)
    )
    assert acted.climb.rung == 3, "the station was called at once"
    assert book.advance(climb, acted.climb, acted.calls, acted.steps)
    assert standings(township, alert) == ["done", "told", "now", "next", "later"]
    words = [line.word for line in show_story(book.story(alert.id), township.plan, "zh")]
    assert words.count("told-already") == 1
    text = Cards(UTC).write(
        show_listed(alert, acted.climb, book.listing().calls[alert.id], 0, township.plan, "zh"), "zh"
    )
    assert "本轮已通知" in text
    assert "无人可达" not in text


def standings(township, alert):
    """Where the rungs stand: the page and the board say the same."""
    book, plan = township.book, township.plan
    climb, listing = book.climb(alert.id), book.listing()
    listed = show_listed(alert, climb, listing.calls[alert.id], 0, plan, "zh")
    page = show_alert(alert, climb, book.calls(alert.id), plan, "zh", book.story(alert.id))
    assert page.rungs == listed.rungs
    return [rung.standing for rung in page.rungs]
