"""Whose turn it is to write to the book."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import pytest

from firesense.book.turns import Turns
from tests.waiting import wait_until


@pytest.fixture
def turns():
    return Turns()


@pytest.fixture
def queue(turns):
    """While somebody has the turn, let others come for it, one after the other; gives the order they get it in."""

    @contextmanager
    def come(*names):
        order, threads = [], []

        def work(name):
            with turns.turn(person=name.startswith("person")):
                order.append(name)

        with turns.turn():
            for number, name in enumerate(names, start=1):
                threads.append(threading.Thread(target=work, args=(name,)))
                threads[-1].start()
                wait_until(lambda number=number: turns.waiting == number)
        yield order
        for thread in threads:
            thread.join()

    return come


def test_whoever_waits_goes_before_the_next_turn_of_whoever_had_it(turns, queue):
    with queue("street 1", "street 2") as order, turns.turn():
        order.append("street 0 again")
    assert order == ["street 1", "street 2", "street 0 again"]


def test_people_go_before_streets_and_let_one_pass_between_two(queue):
    with queue("street 1", "street 2", "person 1", "person 2", "person 3") as order:
        pass
    assert order == ["person 1", "street 1", "person 2", "street 2", "person 3"]


def test_one_at_a_time_and_nobody_is_left_out(turns):
    inside, done = [], []

    def work(person):
        for _ in range(300):
            with turns.turn(person=person):
                inside.append(person)
                assert len(inside) == 1
                inside.pop()
        done.append(person)

    threads = [threading.Thread(target=work, args=(number % 2 == 0,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(done), turns.waiting) == (6, 0)


def test_a_transaction_that_fails_hands_its_turn_over(turns):
    with pytest.raises(ValueError, match="refused"), turns.turn():
        raise ValueError("refused")
    with turns.turn(person=True):
        assert turns.waiting == 0
