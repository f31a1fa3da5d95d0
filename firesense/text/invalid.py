"""What is wrong with a value that a program sent, by the kind of the fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

INVALID_TEXTS: Mapping[str, tuple[str, str]] = {
    "invalid.missing": ("缺少此项", "Field required"),
    "invalid.string_type": ("应为文字", "Should be text"),
    "invalid.string_too_short": ("至少 {min_length} 个字符", "At least {min_length} characters"),
    "invalid.string_too_long": ("最多 {max_length} 个字符", "At most {max_length} characters"),
    "invalid.string_pattern_mismatch": ("格式不正确，应符合 {pattern}", "Should match {pattern}"),
    "invalid.too_short": ("至少 {min_length} 项", "At least {min_length} items"),
    "invalid.too_long": ("最多 {max_length} 项", "At most {max_length} items"),
    "invalid.list_type": ("应为列表", "Should be a list"),
    "invalid.object": ("应为对象", "Should be an object"),
    "invalid.int_parsing": ("应为整数", "Should be a whole number"),
    "invalid.float_parsing": ("应为数字", "Should be a number"),
    "invalid.bool_parsing": ("应为 true 或 false", "Should be true or false"),
    "invalid.datetime_parsing": ("应为带时区的日期时间", "Should be a date and time with its zone"),
    "invalid.date_parsing": ("应为日期", "Should be a date"),
    "invalid.enum": ("只能是 {expected}", "Should be one of {expected}"),
    "invalid.greater_than": ("应大于 {gt}", "Should be greater than {gt}"),
    "invalid.greater_than_equal": ("不得小于 {ge}", "Should be at least {ge}"),
    "invalid.less_than": ("应小于 {lt}", "Should be less than {lt}"),
    "invalid.less_than_equal": ("不得大于 {le}", "Should be at most {le}"),
    "invalid.not_null": ("应为空（null）", "Should be null"),
    "invalid.extra_forbidden": ("没有此项", "There is no such field"),
    "invalid.string_unicode": ("不是有效的 Unicode 文字", "Not valid Unicode text"),
    "invalid.string_not_ascii": ("只能使用 ASCII 字符", "Should hold ASCII characters alone"),
    "invalid.timezone_naive": ("应为不带时区的日期时间", "Should be a date and time without a zone"),
    "invalid.int_parsing_size": ("整数位数过多", "Too many digits for a whole number"),
    "invalid.nested": ("嵌套层数过多", "Nested too deeply"),
    "invalid.role_or_person": ("岗位与人员只能且须填写一项", "Give a role or a person, and not both"),
    "invalid.other": ("此值无法使用：{said}", "{said}"),
    "invalid.json_invalid": ("不是有效的 JSON", "Not valid JSON"),
}
