"""The org in YAML, CSV and XLSX: one set of checks, every fault at once with its place, and the same org again."""

from __future__ import annotations

import csv
import re
import tempfile
from datetime import date, time
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firesense.domain.errors import ConfigError
from firesense.domain.place import Org, Person, Place, Post
from firesense.domain.roster import EVERY_WEEKDAY, Days, Roster, Rotation
from firesense.orgtree import csv_files, differences, load_org, read_org, workbook, yaml_org

ROOT = Path(__file__).parents[2]
SHEETS = {
    "places": "code,name,kind,parent\nA,清河区,district,\nB,青溪镇,township,A\n",
    "posts": "place,role,holders,rosters\nA,operator,o,\nB,station-duty,,duty\n",
    "people": "id,name,phone,address:mail\no,值班员,139 0000 0001,o@example.org\nzhou,周,,\n",
    "rosters": "roster,teams,start,from,to,turn\nduty,o;zhou,2026/1/5,8:30,,1d\n",
}


def folder_of(path, **changed):
    """Write the four sheets as CSV, some of them otherwise."""
    for name, text in (SHEETS | changed).items():
        data = text if isinstance(text, bytes) else text.encode()
        (path / f"{name}.csv").write_bytes(data)
    return path


def faults(*paths):
    with pytest.raises(ConfigError) as caught:
        read_org(paths)
    return [str(fault) for fault in caught.value.faults]


def same(one, other):
    return differences(one, other) == [] and list(one.places) == list(other.places)


# -- what is written comes back ---------------------------------------------------------------------------------------
IDS = st.text(st.sampled_from("abcxyz0123456789-._张李"), min_size=1, max_size=6)
LINES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Zl", "Zp"]) | st.sampled_from("=+-@'\",;"),
    min_size=1,
    max_size=12,
).map(str.strip).filter(bool)  # fmt: skip
WORDS = st.text(st.sampled_from("abcde-组"), min_size=1, max_size=6)
CLOCKS = st.builds(time, st.integers(0, 23), st.integers(0, 59))


@st.composite
def orgs(draw):
    people = draw(st.lists(IDS, min_size=1, max_size=5, unique=True))
    persons = [
        Person(
            one,
            draw(LINES),
            draw(st.dictionaries(st.sampled_from(["mail", "sms", "bot"]), LINES, max_size=2)),
            draw(st.sampled_from(["", "+8613900000001", "119", "+8657188889999;ext=801"])),
            draw(st.sampled_from(["zh", "en"])),
        )
        for one in people
    ]
    several = st.lists(st.sampled_from(people), max_size=3, unique=True).map(tuple)
    rosters = [
        Roster(name, (draw(rotations(people)),), draw(st.just("") | LINES))
        for name in draw(st.lists(IDS, max_size=2, unique=True))
    ]
    codes = draw(st.lists(IDS, min_size=1, max_size=6, unique=True))
    places = [
        Place(
            code,
            draw(LINES),
            draw(WORDS),
            codes[draw(st.integers(0, number - 1))] if number else "",
            tuple(draw(st.lists(WORDS, max_size=2, unique=True))),
            draw(st.just("") | LINES),
        )
        for number, code in enumerate(codes)
    ]
    posts = {("operator", codes[0]): Post("operator", codes[0], tuple(people[:1]))}
    for _ in range(draw(st.integers(0, 4))):
        role, place = draw(WORDS), draw(st.sampled_from(codes))
        named = tuple(draw(st.sets(st.sampled_from([roster.id for roster in rosters])))) if rosters else ()
        posts[role, place] = Post(role, place, draw(several), named)
    return Org(places, posts.values(), persons, rosters)


def rotations(people):
    team = st.lists(st.sampled_from(people), min_size=1, max_size=2, unique=True).map(tuple)
    many = st.builds(
        Rotation,
        st.lists(team, min_size=2, max_size=3).map(tuple),
        st.dates(date(2020, 1, 1), date(2030, 1, 1)),
        CLOCKS,
        CLOCKS,
        st.integers(1, 30),
        st.booleans(),
        st.frozensets(st.integers(0, 6), min_size=1),
        st.sampled_from(Days),
        st.none() | st.dates(date(2030, 1, 2), date(2031, 1, 1)),
    )
    one = st.builds(Rotation, st.tuples(team), st.dates(date(2020, 1, 1), date(2030, 1, 1)), CLOCKS, CLOCKS)
    return many | one


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(orgs(), st.sampled_from(["en", "zh"]))
def test_an_org_comes_back_the_same_from_every_format(org, language):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "org.yaml").write_text(yaml_org(org), encoding="utf-8")
        (folder / "org.xlsx").write_bytes(workbook(org, language))
        (folder / "csv").mkdir()
        for file, data in csv_files(org, language).items():
            (folder / "csv" / file).write_bytes(data)
        for path in (folder / "org.yaml", folder / "org.xlsx", folder / "csv"):
            back = load_org(path)
            assert differences(org, back) == []
            assert list(back.people) == list(org.people)


def test_the_org_of_the_documentation_is_sound(tmp_path):
    (written,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/org.md").read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "org.yaml").write_text(written, encoding="utf-8")
    org = load_org(tmp_path / "org.yaml")
    assert {person.phone for person in org.people.values()} == {"+8613900010001", "+865998880001;ext=2"}
    assert org.posts["990321101", "station-duty"].rosters == ("duty",)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("05713332222", "+865713332222"),  # nothing but octal digits
        ("05718889999", "+865718889999"),
        ("13900010001", "+8613900010001"),
        ("+8613900010001", "+8613900010001"),
        ("+4915112345678", "+4915112345678"),
    ],
)
def test_a_number_is_what_was_written_with_or_without_quotes(tmp_path, written, canonical):
    file = tmp_path / "org.yaml"
    file.write_text(
        f"""\
people: {{007: {{name: Zhou, phone: {written}, addresses: {{mqtt: zhou}}}}}}
rosters: {{duty: {{rotations: [{{teams: [007], from: 18:30}}]}}}}
root: {{code: "1", name: Town, kind: township, posts: {{operator: {{rosters: [duty]}}}}}}
""",
        encoding="utf-8",
    )
    org = load_org(file)
    assert org.people["007"].phone == canonical
    (rotation,) = org.rosters.by_id["duty"].rotations
    assert (rotation.begins.hour, rotation.begins.minute) == (18, 30)


def test_a_number_that_is_none_is_told_as_it_was_written(tmp_path):
    file = tmp_path / "org.yaml"
    file.write_text("people: {zhou: {phone: 0571333222}}\nroot: {code: '1', name: T, kind: t}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"people\.zhou\.phone: '0571333222' "):
        load_org(file)


def test_the_org_of_the_examples_comes_back_the_same(tmp_path):
    org = load_org(ROOT / "config/org.yaml")
    (tmp_path / "org.xlsx").write_bytes(workbook(org))
    assert same(load_org(tmp_path / "org.xlsx"), org)


@settings(max_examples=25, deadline=None)
@given(orgs())
def test_no_cell_that_is_written_starts_a_formula(org):
    for data in csv_files(org).values():
        for row in csv.reader(data.decode("utf-8-sig").splitlines(keepends=True)):
            assert not [cell for cell in row if cell and cell[0] in "=+-@\t\r"]


# -- what spreadsheets make of it -------------------------------------------------------------------------------------
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_csv_of_every_encoding_spreadsheets_write_is_read(tmp_path, encoding):
    plain = load_org(folder_of(tmp_path))
    encoded = {name: text.replace("\n", "\r\n").encode(encoding) for name, text in SHEETS.items()}
    assert same(load_org(folder_of(tmp_path, **encoded)), plain)
    assert plain.people["o"].phone == "+8613900000001"
    assert plain.people["o"].addresses == {"mail": "o@example.org"}
    (rotation,) = plain.rosters.by_id["duty"].rotations
    assert rotation == Rotation((("o",), ("zhou",)), date(2026, 1, 5), time(8, 30), time(8, 30))


def test_chinese_headings_words_and_file_names_are_understood(tmp_path):
    plain = load_org(folder_of(tmp_path))
    chinese = tmp_path / "中文"
    chinese.mkdir()
    for name, text in {
        "组织机构": "编码,名称,类型,上级\nA,清河区,district,\nB,青溪镇,township,A\n",
        "岗位": "地点,岗位,人员,值班表\nA,operator,o,\nB,station-duty,,duty\n",
        "通讯录": "编号,姓名,手机号,渠道:mail\no,值班员,+86 139-0000-0001,o@example.org\nzhou,周,,\n",
        "排班": "值班表,班组,开始日期,接班,每班,星期,日期类型\nduty,o、zhou,2026年1月5日,08:30,1天,周一至周日,每天\n",
    }.items():
        (chinese / f"{name}.csv").write_bytes(text.encode("gb18030"))
    assert same(load_org(chinese), plain)


def test_numbers_days_and_times_of_a_workbook_are_what_people_see(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "places"
    for row in (
        ["code", "name", "kind", "parent"],
        [990100, "区", "district", None],
        [990100101201, "村", "v", 990100],
    ):
        book.active.append(row)
    for title, rows in {
        "posts": [["place", "role", "holders"], [990100, "operator", "o"]],
        "people": [["id", "name", "phone"], ["o", "值班员", 13900000001]],
        "rosters": [["roster", "teams", "start", "from"], ["duty", "o", date(2026, 1, 5), time(8, 30)]],
        "empty": [],
    }.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(tmp_path / "org.xlsx")
    org = load_org(tmp_path / "org.xlsx")
    assert org.places["990100101201"].parent == "990100"
    assert org.people["o"].phone == "+8613900000001"
    (rotation,) = org.rosters.by_id["duty"].rotations
    assert (rotation.start, rotation.begins, rotation.weekdays) == (date(2026, 1, 5), time(8, 30), EVERY_WEEKDAY)


# -- bad input --------------------------------------------------------------------------------------------------------
def test_every_bad_cell_is_told_with_its_line_and_column(tmp_path):
    folder = folder_of(
        tmp_path,
        places="code,name,kind,上级\nA,清河区,district,\nB,,township,C\nB,青溪镇,township,A\nroot 2,x,y,\n",
        people="id,name,电话\no,值班员,twelve\nzhou,周,88889999\n",
        posts="place,role,holders,rosters\nA,operator,o,\nX,station-duty,ghost,nights\nA,operator,zhou,\n",
    )
    found = [fault.removeprefix(f"{folder}/") for fault in faults(folder)]
    assert found == [
        "people.csv: line 2, column 电话: 'twelve' is no telephone number",
        "people.csv: line 3, column 电话: '88889999' has no area code",
        "places.csv: line 3, column name: is missing",
        "places.csv: line 4, column code: 'B' is given twice",
        "places.csv: line 5, column code: 'root 2' holds a space, a + or a separator",
        "places.csv: line 5, column 上级: is missing: 'A' is the root already",
        "posts.csv: line 3, column holders: nobody is called 'ghost'",
        "posts.csv: line 3, column place: there is no place 'X'",
        "posts.csv: line 3, column rosters: there is no roster 'nights'",
        "posts.csv: line 4, column role: 'A' has a post 'operator' already",
    ]


def test_a_tree_that_goes_in_a_circle_is_refused(tmp_path):
    folder = folder_of(
        tmp_path,
        places="code,name,kind,parent\nA,区,district,\nB,镇,township,D\nC,村,village,B\nD,组,grid,C\nE,户,site,D\n",
    )
    (found,) = faults(folder)
    assert found.endswith("places.csv: line 3, column parent: goes in a circle: B -> D -> C -> B")


def test_a_tree_that_is_nothing_but_a_circle_has_no_root(tmp_path):
    folder = folder_of(tmp_path, places="code,name,kind,parent\nA,区,district,B\nB,镇,township,A\n")
    found = faults(folder)
    assert any("goes in a circle" in fault for fault in found)
    assert any("no place is the root" in fault for fault in found)


def test_cells_of_a_workbook_are_told_by_sheet_row_and_letter(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "people"
    book.active.append(["id", "name", "phone"])
    book.active.append(["o", "=A1", "139"])
    book.active.append(["p", "张", 12345678901234567890])
    book.save(tmp_path / "org.xlsx")
    assert [fault.partition("org.xlsx: ")[2] for fault in faults(tmp_path / "org.xlsx")] == [
        "sheet people, row 2, column B: is a formula: put its value there",
        (
            "sheet people, row 3, column C: is a number too long for a spreadsheet:"
            " make the column text, and write it anew"
        ),
    ]
    book.active["B2"], book.active["C3"] = "王", "+86"
    book.save(tmp_path / "org.xlsx")
    found = [fault.partition("org.xlsx: ")[2] for fault in faults(tmp_path / "org.xlsx")]
    assert any(fault.startswith("sheet people, row 3, column C (phone): '+86'") for fault in found)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"places": b"code,name\n\xff\xff\xff"}, "neither UTF-8 nor GB18030"),
        ({"people": "id,name,fax\no,值班员,1\n"}, "column fax: is not known"),
        ({"people": "id,name,电话,phone\no,值班员,1,2\n"}, "column phone: is 电话 again"),
        ({"people": "id\no\n"}, "column 'name' (姓名) is missing"),
        ({"people": "id,name\no,值班员,more\n"}, "'more' stands beyond the last heading"),
        ({"people": 'id,name\no,"值班员\n'}, "line 2"),
        ({"places": "code,name,kind,parent\n"}, "no place is the root"),
        ({"colours": "a,b\n1,2\n"}, "is none of the sheets there are"),
        ({"people": "id,name\no,值\x07班\n"}, "holds a control character"),
    ],
)
def test_a_file_that_is_no_sheet_is_told(tmp_path, changed, reason):
    assert any(reason in fault for fault in faults(folder_of(tmp_path, **changed)))


def read_or_refused(path):
    """Whether an org has a root, or its refusal at least one fault."""
    try:
        return load_org(path).root
    except ConfigError as error:
        return error.faults


SOUND = workbook(load_org(ROOT / "config/org.yaml"))


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(SOUND) - 1), st.integers(0, 255)), min_size=1, max_size=20), st.booleans())
def test_a_damaged_workbook_is_read_or_refused_and_nothing_else(wrong, cut):
    damaged = bytearray(SOUND)
    for at, byte in wrong:
        damaged[at] = byte
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "org.xlsx"
        path.write_bytes(damaged[: wrong[0][0]] if cut else damaged)
        assert read_or_refused(path)


@given(st.binary(max_size=300) | st.text(max_size=100).map(str.encode), st.sampled_from(list(SHEETS)))
def test_any_bytes_as_a_sheet_are_read_or_refused_and_nothing_else(data, sheet):
    with tempfile.TemporaryDirectory() as name:
        assert read_or_refused(folder_of(Path(name), **{sheet: data}))


def test_what_is_no_workbook_or_no_org_is_told(tmp_path):
    (tmp_path / "org.xlsx").write_bytes(b"PK\x03\x04 no workbook")
    (tmp_path / "org.txt").write_text("x", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    assert faults(tmp_path / "org.xlsx")[0].endswith("is no workbook (XLSX), or a damaged one")
    assert "an org is one YAML file" in faults(tmp_path / "org.txt")[0]
    assert "holds no CSV files" in faults(tmp_path / "empty")[0]
    assert "No such file" in faults(tmp_path / "none.csv")[0]
    assert "No such file" in faults(tmp_path / "none.xlsx")[0]


def test_a_dry_run_says_what_would_be_added_changed_and_removed(tmp_path):
    before = load_org(folder_of(tmp_path))
    after = load_org(
        folder_of(
            tmp_path,
            people="id,name,phone,address:mail\no,值班员,139 0000 0002,o@example.org\nwu,吴,,\n",
            rosters="roster,teams,from\nduty,o,8:30\n",
        )
    )
    assert [str(one) for one in differences(before, after)] == [
        "~ person o: phone",
        "+ person wu",
        "- person zhou",
        "~ roster duty: rotations",
    ]


def test_administrative_codes_fit_their_parents(tmp_path):
    head = "code,name,kind,parent,scheme\n330000,省,province,,行政区划\n"
    sound = (
        "330100,市,city,330000,行政区划\n330102,区,district,330100,行政区划\n330102001,街道,street,330102,行政区划\n"
    )
    more = "330102001201,社区,community,330102001,行政区划\n330102001201-03,网格,grid,330102001201,行政区划\n"
    posts = {"posts": "place,role,holders\n330000,operator,o\n"}
    load_org(folder_of(tmp_path, places=head + sound + more, **posts))
    wrong = "330102002-9x,户,site,330102001201-03,行政区划\n33010,区,x,330100,行政区划\n"
    found = faults(folder_of(tmp_path, places=head + sound + more + wrong, **posts))
    assert len(found) == 2
    assert "line 8, column code: '330102002-9x' is none of the codes below '330102001201-03'" in found[0]
    assert "line 9, column code: '33010' is no administrative code" in found[1]


def test_a_cell_far_to_the_right_is_told_and_not_read(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "places"
    book.active.cell(1, 16384, "x")
    book.save(tmp_path / "org.xlsx")
    assert any("has more than 200 columns" in fault for fault in faults(tmp_path / "org.xlsx"))
