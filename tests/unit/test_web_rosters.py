"""The page, the API and the calendars of rosters."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from starlette.testclient import TestClient

from firesense.domain.alert import AlertClass
from firesense.domain.deed import Rights
from firesense.domain.escalation import Ladder, Rung, Selector
from firesense.domain.instant import DAY, HOUR, iso
from firesense.domain.place import Org, Person, Place, Post
from firesense.domain.roster import LocalDays, Roster, Rotation
from firesense.ports import User
from tests.console import HASH, NOW, ORG, PASSWORD, Township

LADDER = Ladder("all", (Rung(("leader",), ("mqtt",), timedelta(minutes=2)),))
DUTY = Roster("duty", (Rotation((("sun",), ("he",)), date(2026, 1, 1), time(8), time(8)),))  # NOW is at noon that day


def org_with(*rotations):
    posts = [*ORG.posts.values(), Post("leader", "t", (), ("duty",)), Post("leader", "d", ("he",))]
    days = LocalDays(ZoneInfo("Asia/Shanghai"))
    return Org(ORG.places.values(), posts, ORG.people.values(), [Roster("duty", rotations)], (), days)


@pytest.fixture
def township(tmp_path):
    township = Township(tmp_path)
    selectors = (Selector("all"),)
    org = org_with(*DUTY.rotations)
    township.plan = replace(township.plan, org=org, ladders={"all": LADDER}, selectors=selectors)
    yield township
    township.close()


@pytest.fixture
def client(township):
    with TestClient(township.console()) as client:
        yield client


def log_in(client, name="station"):
    csrf = client.post("/api/v1/session", json={"name": name, "password": PASSWORD}).json()["csrf"]
    client.headers["X-CSRF-Token"] = csrf


def refresh(township):
    """Take over what the book knows, as the plan's keeper does once a second."""
    org = township.plan.org
    changes = township.book.roster_changes(NOW - DAY, NOW + 30 * DAY)
    people = (org.places.values(), org.posts.values(), org.people.values(), org.rosters.by_id.values())
    township.plan = replace(
        township.plan, org=Org(*people, changes, org.rosters.days), version=township.plan.version + 1
    )


def at(instant):
    return iso(instant)


def test_nobody_sees_who_is_on_duty_without_logging_in(client):
    assert client.get("/rosters").url.path == "/login"
    assert client.get("/api/v1/rosters").status_code == 401


def test_the_page_says_who_is_on_duty_now_and_in_the_coming_days(client):
    log_in(client)
    page = client.get("/rosters").text
    assert "柳林镇" in page
    assert "孙小梅" in page
    assert "至 01-02 08:00" in page
    assert "每一级网格的警报都有人接" in page
    assert "无人值班" not in page.split("<tbody>")[1].split("01-02")[0]


def test_a_hole_is_told_with_its_place_and_time_and_is_red(client, township):
    gap = Rotation((("sun",),), date(2026, 1, 1), time(8), time(20))
    township.plan = replace(township.plan, org=org_with(gap))
    log_in(client)
    page = client.get("/rosters").text
    assert "今后 7 天有 7 处空档" in page
    assert 'class="hole"' in page
    assert "01-01 20:00" in page
    (hole, *_) = client.get("/api/v1/rosters").json()["holes"]
    assert (hole["place"], hole["below"], hole["begins_at"]) == ("t", True, "2026-01-01T12:00:00Z")


def test_posts_that_people_hold_always_are_shown_with_who_is_away(client):
    log_in(client)
    page = client.get("/rosters").text.split('id="fixed"')[1]
    assert "常设岗位 4 个" in page
    row = page.split("第三网格")[1].split("</tr>")[0]
    assert "网格员" in row
    assert "孙小梅" in row
    written(client, stand_in="")  # from noon to eight she is away
    row = client.get("/rosters").text.split('id="fixed"')[1].split("第三网格")[1].split("</tr>")[0]
    assert "无人值班" in row
    assert "至 01-01 20:00" in row
    assert "其后 孙小梅" in row
    fixed = [post for post in client.get("/api/v1/rosters").json()["posts"] if not post["rosters"]]
    assert [(post["place"], post["role"], post["spans"][0]["people"]) for post in fixed] == [
        ("g", "grid-member", []),
        ("v", "grid-leader", ["he"]),
        ("t", "station-duty", ["station"]),
        ("d", "leader", ["he"]),
    ]


def test_the_page_and_the_api_say_what_the_check_says(client, township):
    org = township.plan.org
    posts = [*org.posts.values(), Post("police-post", "v")]
    people = [*org.people.values(), Person("new", "新来的", {"mqtt": "new"}), Person("mute", "哑巴")]
    posts.append(Post("micro-fire-station", "v", ("mute",)))
    org = Org(org.places.values(), posts, people, org.rosters.by_id.values(), (), org.rosters.days)
    township.plan = replace(township.plan, org=org)
    log_in(client)
    page = client.get("/rosters").text
    missing = page.split("今后 7 天还缺什么")[1].split("</section>")[0]
    assert "岗位空缺 1 个" in missing
    assert "大槐树村 派出所" in missing
    assert "哑巴 <small>mute</small>" in missing
    assert "新来的 <small>new</small>" in missing
    assert "一人岗位 1 处" in missing
    assert "柳林镇 消防工作站值班员：只有值班员甲一人" in missing
    said = client.get("/api/v1/rosters").json()
    assert said["vacant"] == [{"place": "v", "role": "police-post"}]
    assert (said["unreachable"], said["idle"]) == (["mute"], ["new"])
    [alone] = said["alone"]
    assert (alone["place"], alone["role"], alone["person"]) == ("t", "station-duty", "station")
    assert said["empty"] == []


def test_a_program_that_wrote_a_change_reads_it_at_once_and_what_it_leaves_open(client, township):
    log_in(client)
    assert client.get("/api/v1/rosters").json()["empty"] == []
    during = {"begins_at": at(NOW + HOUR), "ends_at": at(NOW + 2 * HOUR)}
    client.post("/api/v1/rosters/leave", json={"person": "值班员甲"} | during)
    said = client.get("/api/v1/rosters").json()
    assert [(one["kind"], one["person"]) for one in said["changes"]] == [("leave", "station")]
    [station] = [post for post in said["posts"] if post["role"] == "station-duty"]
    assert [span["people"] for span in station["spans"]][:3] == [["station"], [], ["station"]]
    assert [one["role"] for one in said["empty"]] == ["station-duty"]
    refresh(township)
    assert client.get("/api/v1/rosters").json() == said
    client.delete(f"/api/v1/rosters/changes/{said['changes'][0]['id']}")
    assert client.get("/api/v1/rosters").json()["empty"] == []


def test_a_station_without_anybody_for_a_while_is_told_though_alerts_reach_somebody(client, township):
    log_in(client)
    during = {"begins_at": at(NOW + HOUR), "ends_at": at(NOW + 2 * HOUR)}
    client.post("/api/v1/rosters/leave", json={"person": "值班员甲"} | during)
    refresh(township)
    said = client.get("/api/v1/rosters").json()
    assert said["holes"] == []
    [empty] = said["empty"]
    assert (empty["role"], empty["person"], empty["begins_at"]) == ("station-duty", "", at(NOW + HOUR)[:19] + "Z")
    page = client.get("/rosters").text
    assert "站点无人在岗 1 段" in page
    assert "01-01 13:00</time> – <time>01-01 14:00</time> 柳林镇 消防工作站值班员" in page


def test_the_posts_of_one_place_and_below_alone_may_be_asked_for(client):
    log_in(client)
    page = client.get("/rosters?place=v").text
    assert "常设岗位 2 个" in page
    assert 'class="week"' not in page
    assert client.get("/rosters?place=nowhere").status_code == 404


def test_of_thousands_of_posts_the_page_shows_some_and_asks_for_a_place(client, township):
    org = township.plan.org
    grids = [Place(f"g{number}", f"网格{number}", "grid", "v") for number in range(300)]
    posts = [Post("grid-member", grid.code, ("sun",)) for grid in grids]
    places = [*org.places.values(), *grids]
    org = Org(
        places, [*org.posts.values(), *posts], org.people.values(), org.rosters.by_id.values(), (), org.rosters.days
    )
    township.plan = replace(township.plan, org=org)
    log_in(client)
    page = client.get("/rosters").text
    assert "常设岗位 304 个" in page
    assert "另有 104 个岗位，请按地点查看" in page
    assert "网格299" in client.get("/rosters?place=g299").text.split('id="fixed"')[1]


def test_people_and_rosters_may_be_written_by_name(client, township):
    log_in(client)
    assert '<option value="station">值班员甲</option>' in client.get("/rosters").text  # who is in no roster, too
    page = written(client, person="孙小梅", stand_in=" 何大勇 ").text
    assert "何大勇 代 孙小梅" in page
    [change] = township.book.roster_changes(NOW, NOW + DAY)
    assert (change.person, change.stand_in) == ("sun", "he")


def test_of_two_with_one_name_the_page_asks_which(client, township):
    org = township.plan.org
    people = [*org.people.values(), Person("sun-2", "孙小梅")]
    org = Org(org.places.values(), org.posts.values(), people, org.rosters.by_id.values(), (), org.rosters.days)
    township.plan = replace(township.plan, org=org)
    log_in(client)
    refused = written(client, person="孙小梅")
    assert refused.status_code == 409
    assert "有多个“孙小梅”，请填编号：sun, sun-2" in refused.text
    assert township.book.roster_changes(NOW - DAY, NOW + DAY) == []


def test_a_stand_in_is_written_down_after_the_leave(client, township):
    log_in(client)
    written(client, stand_in="", person="he")
    refresh(township)
    assert "孙小梅 代 何大勇" in written(client, person="he", stand_in="sun").text


# -- hand-over --------------------------------------------------------------------------------------------------------
def test_the_hand_over_report_says_what_is_open_below_the_place_who_goes_and_who_comes(client, township):
    fire = township.alarm()
    township.alarm(2, AlertClass.TEST)
    log_in(client)
    page = client.get("/rosters/handover?place=t").text
    assert "未办结 1 起，其中无人接警 1 起" in page
    assert f'href="/alerts/{fire.id}"' in page
    assert "李奶奶家 客厅" in page
    leader = page.split("leader")[1].split("</tr>")[0]
    assert leader.index("孙小梅") < leader.index("至 01-02 08:00") < leader.index("何大勇")
    english = client.get("/rosters/handover?place=t", headers={"Accept-Language": "en"}).text
    assert "Open cases: 1, of which nobody has 1" in english
    assert "Smoke detector fire flag" in english
    [said] = client.get("/api/v1/rosters/handover?place=t").json()["places"]
    assert (said["open"], said["waiting"], [one["id"] for one in said["alerts"]]) == (1, 1, [fire.id])
    [duty] = [post for post in said["posts"] if post["role"] == "leader"]
    assert (duty["now"]["people"], duty["next"]["people"]) == (["sun"], ["he"])


def test_the_hand_over_report_of_every_station_and_of_ones_own(client, township):
    log_in(client)
    places = [one["place"] for one in client.get("/api/v1/rosters/handover").json()["places"]]
    assert places == ["t"]
    assert "柳林镇 交接班报告" in client.get("/rosters/handover").text
    township.book.put_user(User("village", HASH, place="v"))
    log_in(client, "village")
    assert "大槐树村 交接班报告" in client.get("/rosters/handover").text
    assert "没有未办结的警情" in client.get("/rosters/handover").text


def test_the_hand_over_report_needs_a_log_in_and_a_place_there_is(client):
    assert client.get("/rosters/handover?place=t").url.path == "/login"
    assert client.get("/api/v1/rosters/handover").status_code == 401
    log_in(client)
    assert client.get("/rosters/handover?place=nowhere").status_code == 404
    assert client.get("/api/v1/rosters/handover?place=nowhere").status_code == 404


def test_somebody_goes_on_leave_somebody_stands_in_and_it_is_taken_back(client, township):
    log_in(client)
    during = {"begins_at": at(NOW), "ends_at": at(NOW + 2 * HOUR)}
    gone = client.post("/api/v1/rosters/leave", json={"person": "sun", "note": "看病"} | during)
    assert gone.status_code == 200
    assert [(one["place"], one["role"]) for one in gone.json()["empties"]] == [("g", "grid-member"), ("t", "leader")]
    stand_in = {"stand_in": "he", "instead_of": "sun", "roster": "duty"} | during
    change = client.post("/api/v1/rosters/overrides", json=stand_in).json()["changes"][0]
    refresh(township)
    said = client.get("/api/v1/rosters").json()
    [leader] = [post for post in said["posts"] if post["rosters"]]
    assert [span["people"] for span in leader["spans"]][:2] == [["he"], ["sun"]]
    assert [one["kind"] for one in said["changes"]] == ["leave", "override"]
    page = client.get("/rosters").text
    assert "孙小梅 请假" in page
    assert "何大勇 代 孙小梅" in page
    assert client.delete(f"/api/v1/rosters/changes/{change['id']}").status_code == 200
    assert client.delete(f"/api/v1/rosters/changes/{change['id']}").status_code == 409


def written(client, **changed):
    """Fill in the form on the page."""
    csrf = re.search(r'name="csrf" value="(\w+)"', client.get("/rosters").text)[1]
    form = {"csrf": csrf, "person": "sun", "stand_in": "he", "begins": "2026-01-01T12:00", "ends": "2026-01-01T20:00"}
    return client.post("/rosters/changes", data=form | changed)


def test_somebody_stands_in_by_the_form_and_it_is_taken_back(client, township):
    log_in(client)
    assert written(client, note="看病").url.path == "/rosters"
    (change,) = township.book.roster_changes(NOW, NOW + DAY)
    assert (change.stand_in, change.person, change.ends_at - change.begins_at) == ("he", "sun", 8 * HOUR)
    refresh(township)
    page = client.get("/rosters").text
    assert "何大勇 代 孙小梅" in page
    csrf = re.search(r'name="csrf" value="(\w+)"', page)[1]
    client.post(f"/rosters/changes/{change.id}/revoke", data={"csrf": csrf})
    assert township.book.roster_changes(NOW, NOW + DAY) == []


@pytest.mark.parametrize(
    ("changed", "status", "words"),
    [
        ({"ends": "2026-01-01T11:00"}, 409, "结束时间须晚于开始时间"),
        ({"person": "he", "stand_in": "sun", "roster": "duty"}, 409, "何大勇 该时段没有值班"),
        ({"person": "ghost"}, 404, "没有姓名、名称或编号为“ghost”的人员或值班表"),
        ({"roster": "nights"}, 404, "没有姓名、名称或编号为“nights”的人员或值班表"),
    ],
)
def test_the_form_says_what_is_wrong_and_keeps_what_was_written(client, township, changed, status, words):
    log_in(client)
    answer = written(client, note="看病", **changed)
    assert answer.status_code == status
    assert words in answer.text
    assert 'value="看病"' in answer.text
    assert township.book.roster_changes(NOW - DAY, NOW + DAY) == []


def test_what_was_written_down_is_said_at_once_with_whom_it_leaves_missing(client, township):
    log_in(client)
    page = written(client, stand_in="").text  # the plan does not know of it yet
    assert "已登记" in page
    assert "01-01 12:00</time> – <time>01-01 20:00</time> 柳林镇" in page.split("因此将无人值班")[1]
    assert "无人值班" in page.split("<tbody>")[1].split("01-01 20:00")[0]
    (change,) = township.book.roster_changes(NOW, NOW + DAY)
    [entry] = [each for each in township.book.audit() if each.entry.did == "gave-leave"]
    assert (entry.entry.who, entry.entry.detail["change"]) == ("station", change.id)


def swapped(client, **changed):
    """Fill in the form of a swap on the page."""
    csrf = re.search(r'name="csrf" value="(\w+)"', client.get("/rosters").text)[1]
    form = {"csrf": csrf, "roster": "duty", "person": "sun", "day": "2026-01-03"}
    return client.post("/rosters/swaps", data=form | {"other": "he", "other_day": "2026-01-04"} | changed)


def test_two_swap_by_the_form_and_it_is_taken_back_whole(client, township):
    log_in(client)
    page = swapped(client, note="家中有事").text
    assert page.split("因")[0].index("何大勇 代 孙小梅") < page.index("孙小梅 代 何大勇")
    there, back = township.book.roster_changes(NOW, NOW + 9 * DAY)
    assert there.swap == back.swap == there.id
    csrf = re.search(r'name="csrf" value="(\w+)"', page)[1]
    client.post(f"/rosters/changes/{back.id}/revoke", data={"csrf": csrf})
    assert township.book.roster_changes(NOW, NOW + 9 * DAY) == []


@pytest.mark.parametrize(
    ("changed", "status", "words"),
    [
        ({"day": "2026-01-04"}, 409, "孙小梅 在 2026-01-04 没有班次"),
        ({"other": "ghost"}, 404, "没有姓名、名称或编号为“ghost”的人员或值班表"),
        ({"roster": "nights"}, 404, "没有姓名、名称或编号为“nights”的人员或值班表"),
    ],
)
def test_the_form_of_a_swap_says_what_is_wrong_and_keeps_what_was_written(client, township, changed, status, words):
    log_in(client)
    answer = swapped(client, note="家中有事", **changed)
    assert answer.status_code == status
    assert words in answer.text
    assert 'value="家中有事"' in answer.text
    assert township.book.roster_changes(NOW - DAY, NOW + 9 * DAY) == []


def test_an_officer_of_one_place_changes_no_duties_of_another(client, township):
    township.book.put_user(User("village", HASH, place="v"))
    log_in(client, "village")
    assert swapped(client).status_code == 403
    assert written(client).status_code == 403
    assert township.book.roster_changes(NOW - DAY, NOW + 9 * DAY) == []


def test_two_swap(client):
    log_in(client)
    asked = {"roster": "duty", "one": {"person": "sun", "day": "2026-01-03"}}
    answer = client.post("/api/v1/rosters/swaps", json=asked | {"other": {"person": "he", "day": "2026-01-04"}})
    assert [(one["stand_in"], one["person"]) for one in answer.json()["changes"]] == [("he", "sun"), ("sun", "he")]
    wrong = client.post("/api/v1/rosters/swaps", json=asked | {"other": {"person": "he", "day": "2026-01-03"}})
    assert wrong.status_code == 409
    far = client.post("/api/v1/rosters/swaps", json=asked | {"other": {"person": "he", "day": "9999-12-31"}})
    assert far.status_code == 409


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"person": "ghost"}, 404),
        ({"ends_at": "2020-01-01T00:00:00Z"}, 409),
        ({"begins_at": "soon"}, 422),
        ({"begins_at": "9998-01-01T00:00:00Z", "ends_at": "9999-12-31T20:00:00Z"}, 409),
    ],
)
def test_what_makes_no_sense_is_refused(client, change, status):
    log_in(client)
    asked = {"person": "sun", "begins_at": at(NOW), "ends_at": at(NOW + HOUR)}
    assert client.post("/api/v1/rosters/leave", json=asked | change).status_code == status


def test_changes_need_the_token_and_the_right(client, township):
    asked = {"person": "sun", "begins_at": at(NOW), "ends_at": at(NOW + HOUR)}
    log_in(client)
    del client.headers["X-CSRF-Token"]
    assert client.post("/api/v1/rosters/leave", json=asked).status_code == 403
    township.book.put_user(User("guest", HASH, rights=Rights.VIEWER))
    log_in(client, "guest")
    assert client.post("/api/v1/rosters/leave", json=asked).status_code == 403
    assert client.post("/api/v1/rosters/feeds", json={"person": "sun"}).status_code == 403
    assert "登记代班或请假" not in client.get("/rosters").text


def test_a_telephone_fetches_a_calendar_by_its_secret_address_alone(client, township):
    log_in(client)
    path = client.post("/api/v1/rosters/feeds", json={"person": "sun"}).json()["path"]
    client.cookies.clear()
    answer = client.get(path)
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert answer.text.count("BEGIN:VEVENT") > 40
    assert "13800001234" not in answer.text
    assert client.get("/feeds/guessed.ics").status_code == 404
    assert township.book.remove_feeds(person="sun") == 1
    assert client.get(path).status_code == 404


def test_a_feed_of_nobody_is_refused(client):
    log_in(client)
    assert client.post("/api/v1/rosters/feeds", json={"person": "ghost"}).status_code == 404
    assert client.post("/api/v1/rosters/feeds", json={"place": "t", "role": "ghost"}).status_code == 404
    assert client.post("/api/v1/rosters/feeds", json={"place": "t", "role": "leader"}).status_code == 200
