"""What people read about rosters, in Chinese and English; ``text`` has it in its catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Each entry has its Chinese text first, then the English one.
ROSTER_TEXTS: Mapping[str, tuple[str, str]] = {
    # -- posts besides those every ladder knows; regions may have others, which are shown as they are written ---------
    "role.guidance-centre": ("消防救援指导中心值班员", "guidance centre"),
    "role.fire-safety-manager": ("消防安全管理人", "fire-safety manager"),
    "role.micro-fire-station": ("微型消防站", "micro fire station"),
    "role.property-guard": ("物业保安", "property guard"),
    "role.police-post": ("派出所", "police post"),
    "role.power-company": ("供电公司", "power company"),
    "role.water-company": ("供水公司", "water company"),
    # -- calendars --------------------------------------------------------------------------------------------------
    "roster.calendar": ("消防值班：{what}", "Fire duty: {what}"),
    "roster.event.person": ("值班：{place} {role}", "On duty: {place}, {role}"),
    "roster.event.post": ("{names} 值班：{place} {role}", "{names} on duty: {place}, {role}"),
    # -- who comes on duty is told what is open ---------------------------------------------------------------------
    "call.purpose.hand-over": ("交接班", "hand-over"),
    "call.mark.hand-over": ("接班 · {mark}", "Hand-over · {mark}"),
    "call.hand-over": (
        "您已接班（{place}）：未办结 {open} 起，其中无人接警 {waiting} 起，最紧急的是：",
        "You are on duty now ({place}): {open} cases are open, {waiting} of them nobody has. The most urgent one:",
    ),
    # -- on the command line ----------------------------------------------------------------------------------------
    "roster.and": ("、", ", "),
    "roster.span": ("{begins} 至 {ends}", "{begins}  {ends}"),
    "roster.nobody": ("无人", "NOBODY"),
    "roster.place": ("{name}（{code}）{below}", "{name} ({code}){below}"),
    "roster.below": ("及其下所有地点", " and all below"),
    "roster.hole": ("无人接警  {span}  {where}：{classes}", "nobody  {span}  {where}: {classes}"),
    "roster.empty": ("无人在岗  {span}  {where} {role}", "empty  {span}  {where} {role}: nobody is on duty"),
    "roster.vacant": ("岗位空缺  {where} {role}：期间一直无人", "vacant  {where} {role}: nobody at any time"),
    "roster.unreachable": (
        "无法通知  {name}（{id}）有岗位，没有可用的通知渠道",
        "no channel  {name} ({id}) has duties, and no channel reaches them",
    ),
    "roster.idle": ("没有岗位  {name}（{id}）", "no post  {name} ({id})"),
    "roster.alone": (
        "一人岗位  {span}  {where} {role}：只有{name}一人",
        "alone  {span}  {where} {role}: {name} is all there is",
    ),
    "roster.sum": (
        "{places} 个地点，{days} 天：警报无人接收 {holes} 处，{missing}",
        "{places} places, {days} days: {holes} holes, {missing}",
    ),
    "roster.missing": (
        "岗位空缺 {vacant} 个，无法通知 {unreachable} 人，没有岗位 {idle} 人，一人岗位 {alone} 个，站点无人 {empty} 段",
        (
            "{vacant} vacant posts, {unreachable} people without a channel, {idle} without a post,"
            " {alone} one-person stations, {empty} times one is empty"
        ),
    ),
    "roster.handover": (
        "{where}，{at}：未办结 {open} 起，其中无人接警 {waiting} 起",
        "{where}, {at}: {open} open alerts, {waiting} of them nobody has",
    ),
    "roster.on": ("  {role}：{names}，至 {until}", "  {role}: {names} until {until}"),
    "roster.on.always": ("  {role}：{names}", "  {role}: {names}"),
    "roster.then": ("    接班：{names}", "    then {names}"),
    "roster.alert": ("  {id}  {at}  {kind}  {place}  {text}：{has}", "  {id}  {at}  {kind}  {place}  {text}: {has}"),
    "roster.with": ("{who} 已接警", "with {who}"),
    "roster.with.nobody": ("无人接警", "nobody has it"),
    # -- the page ---------------------------------------------------------------------------------------------------
    "web.rosters": ("值班", "On duty"),
    "web.rosters.lead": (
        "现在谁在岗，今后 7 天谁值班；红色表示无人",
        "Who is on duty now and for the next 7 days; red is nobody",
    ),
    "web.rosters.now": ("现在", "now"),
    "web.rosters.nobody": ("无人值班", "nobody"),
    "web.rosters.always": ("常设", "always"),
    "web.rosters.covered": ("今后 7 天，每一级网格的警报都有人接", "For the next 7 days every alert reaches somebody"),
    "web.rosters.holes": (
        "今后 7 天有 {count} 处空档，警报将无人接收",
        "For the next 7 days there are {count} holes in which an alert would reach nobody",
    ),
    "web.rosters.hole": ("{place}{below}：{classes}", "{place}{below}: {classes}"),
    "web.rosters.below": ("及其下所有地点", " and everywhere below"),
    "web.rosters.more": ("另有 {count} 处", "and {count} more"),
    "web.rosters.none": ("没有岗位排班", "No post has a roster"),
    "web.rosters.until": ("至 {at}", "until {at}"),
    "web.rosters.changes": ("代班、换班、请假", "Stand-ins, swaps, leave"),
    "web.rosters.stands-in": ("{stand_in} 代 {person}", "{stand_in} for {person}"),
    "web.rosters.besides": ("{stand_in} 加班", "{stand_in} besides the others"),
    "web.rosters.leave": ("{person} 请假", "{person} is on leave"),
    "web.rosters.change": ("登记代班或请假", "Stand in, or take leave"),
    "web.rosters.person": ("谁不在岗（人员编号；加班可不填）", "Who is away (their id; empty: besides the others)"),
    "web.rosters.stand-in": ("谁代班（不填为请假）", "Who stands in (empty: leave)"),
    "web.rosters.roster": ("值班表（不填为全部）", "In which roster (empty: in all)"),
    "web.rosters.from": ("从", "From"),
    "web.rosters.to": ("到", "Until"),
    "web.rosters.note": ("说明", "Note"),
    "web.rosters.swap": ("两人换班", "Two swap"),
    "web.rosters.swap.says": (
        "两人互换各自的一个班次；班次按其开始的日期填写",
        "Two people take each other's turns, each named by the day on which it begins",
    ),
    "web.rosters.swap.roster": ("值班表", "In which roster"),
    "web.rosters.swap.one": ("甲（人员编号）", "One (their id)"),
    "web.rosters.swap.day": ("甲的班次开始于", "Their turn begins on"),
    "web.rosters.swap.other": ("乙（人员编号）", "The other (their id)"),
    "web.rosters.swap.other-day": ("乙的班次开始于", "The other's turn begins on"),
    "web.rosters.half": ("（换班）", "(a swap)"),
    "web.rosters.written": ("已登记", "Written down"),
    "web.rosters.empties": ("因此将无人值班，请安排代班：", "Nobody is on duty then, let somebody stand in:"),
    "web.rosters.nobody-said": ("请填写人员", "Say who"),
    "web.rosters.write": ("登记", "Write down"),
    "web.rosters.revoke": ("撤销", "Take back"),
    "web.rosters.nobody-called": ("没有编号为“{name}”的人员或值班表", "There is no person or roster {name}"),
    "conflict.roster.whom": ("请填写代谁的班，或加入哪个值班表", "Say for whom, or in which roster besides the others"),
    "conflict.roster.self": ("不能与自己换班或代自己的班", "Nobody can stand in for or swap with themselves"),
    "conflict.roster.not-on": ("{who} 该时段没有值班", "{who} is not on duty then"),
    "conflict.roster.overlap": ("两个班次时间重叠", "The two turns overlap"),
    "conflict.roster.time": ("结束时间须晚于开始时间", "It has to end after it begins"),
    "conflict.roster.over": ("该时段已过", "That time is over"),
    "conflict.roster.long": ("超过三年，请修改值班表本身", "Longer than three years: change the roster itself"),
    "conflict.roster.far": ("距今超过三年", "More than three years from now"),
    "conflict.roster.no-turn": ("{who} 在 {day} 没有班次", "{who} has no turn that begins on {day}"),
    "conflict.roster.written": ("{who} 已登记过", "{who} wrote that already"),
    "conflict.roster.revoked": ("{who} 已撤销", "{who} took it back already"),
    "web.rosters.by": ("由 {who} 登记", "by {who}"),
}
