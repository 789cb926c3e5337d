"""One catalogue of the matcher's sentences: Chinese, English, and the mend in each, keyed by code.

`{value}` is the offending value; other fields are named where the error is raised. The service adds its own codes
to this catalogue and draws all of them alike.
"""

from __future__ import annotations


def _say(zh: str, en: str, hint_zh: str, hint_en: str) -> dict[str, str]:
    return {"zh": zh, "en": en, "hint_zh": hint_zh, "hint_en": hint_en}


MESSAGES: dict[str, dict[str, str]] = {
    # reading a file or a body
    "file_missing": _say("没有这个文件", "there is no such file", "请检查路径", "check the path"),
    "file_directory": _say("这是一个文件夹", "this is a folder", "请给出其中的文件", "name a file inside it"),
    "file_unreadable": _say(
        "文件无法读取：{value}", "the file cannot be read: {value}", "请检查权限", "check its permissions"
    ),
    "file_unwritable": _say(
        "文件无法写入：{value}",
        "the file cannot be written: {value}",
        "请检查文件夹权限与剩余空间；原文件未改动",
        "check the folder's permissions and free space; the old file is untouched",
    ),
    "json_invalid": _say(
        "JSON 语法错误，第 {line} 行第 {column} 列（字节 {offset}）：{value}",
        "JSON syntax error at line {line} column {column} (byte {offset}): {value}",
        "JSON 不允许注释、多余逗号、NaN",
        "JSON has no comments, no trailing commas and no NaN",
    ),
    "json_duplicate_key": _say(
        "同一对象里键 {value} 出现两次",
        "the key {value} stands twice in one object",
        "请删去其中一个",
        "remove one of them",
    ),
    "json_too_deep": _say(
        "嵌套超过 {limit} 层", "nested more than {limit} levels deep", "请展平数据", "flatten the data"
    ),
    "encoding_not_utf8": _say(
        "内容不是 UTF-8（字节 {offset}）",
        "not UTF-8 (at byte {offset})",
        "{guess}请另存为 UTF-8",
        "{guess}save it as UTF-8",
    ),
    "text_nul": _say("文字里有空字符", "the text holds a NUL character", "请删去它", "remove it"),
    "text_invalid_unicode": _say(
        "文字里有不成对的代理字符", "the text holds a lone surrogate", "请重新输入这段文字", "type the text again"
    ),
    # shape
    "format": _say(
        "format 是 {value}，不认识",
        "format is {value}, which is not known",
        "支持：{supported}",
        "supported: {supported}",
    ),
    "key_unknown": _say("不认识的键 {value}", "unknown key {value}", "是不是 {nearest}？", "did you mean {nearest}?"),
    "key_missing": _say("缺少 {value}", "{value} is missing", "请补上", "add it"),
    "type_invalid": _say(
        "{value} 的类型不对：应为{expected_zh}",
        "{value} has the wrong type: {expected} is wanted",
        "请改正类型",
        "mend its type",
    ),
    "type_int": _say(
        "{value} 不是整数", "{value} is not a whole number", "请写整数，不加引号", "write a whole number, unquoted"
    ),
    "number_range": _say(
        "{value} 不在允许范围 {low} 到 {high} 内",
        "{value} is not within {low} to {high}",
        "请改为范围内的数",
        "choose a number in the range",
    ),
    "value_too_large": _say(
        "{value} 太大，最大 {limit}", "{value} is too large, at most {limit}", "请检查单位", "check the unit"
    ),
    "weight_negative": _say(
        "{value} 不能作为价格或上限：须为不小于 0 的整数",
        "{value} cannot be a price or a cap: a whole number of at least 0 is wanted",
        "请写 0 或更大的整数",
        "write 0 or more",
    ),
    "choice_unknown": _say(
        "{value} 不在可选值中", "{value} is not a choice here", "可选：{choices}", "choose one of {choices}"
    ),
    "text_invalid": _say(
        "{value} 不是有效文字",
        "{value} is not a valid text here",
        "请写 1 到 {limit} 个字符",
        "write 1 to {limit} characters",
    ),
    # time
    "time_invalid": _say(
        "{value} 不是时间", "{value} is not a time", "写作 2026-11-23T08:30+08:00", "write it as 2026-11-23T08:30+08:00"
    ),
    "timezone_required": _say(
        "时间 {value} 没有时区", "the time {value} has no offset", "请在末尾加 +08:00", "add +08:00 at its end"
    ),
    "timezone_unknown": _say(
        "不认识的时区 {value}", "unknown time zone {value}", "例如 Asia/Shanghai", "write for instance Asia/Shanghai"
    ),
    "seconds_not_allowed": _say(
        "时间 {value} 带有秒", "the time {value} has seconds", "时间须为整分钟", "times are whole minutes"
    ),
    "window_invalid": _say(
        "时段 {value} 无效：{why_zh}",
        "the period {value} is not valid: {why}",
        "请检查起止时间；录入时是否混了两个时区？",
        "check its ends; were two time zones mixed at intake?",
    ),
    "horizon_too_long": _say(
        "计划期 {value} 天，最多 {limit} 天",
        "the horizon is {value} days, at most {limit}",
        "请分段计划",
        "plan it in parts",
    ),
    # meaning
    "id_duplicate": _say(
        "编号 {value} 重复（与 {other} 相同或仅大小写、全半角不同）",
        "the id {value} is used twice (same as {other}, or unlike only in case or width)",
        "请改用不同编号",
        "give one of them another id",
    ),
    "coord_invalid": _say(
        "{value} 不是 [经度, 纬度]",
        "{value} is not [longitude, latitude]",
        "经度在前，纬度在后，WGS-84",
        "longitude first, latitude second, WGS-84",
    ),
    "place_unknown": _say(
        "地点 {value} 不在 travel.places 中",
        "the place {value} is not one of travel.places",
        "请加入矩阵或改正",
        "add it to the matrix or mend it",
    ),
    "seat_invalid": _say(
        "席位无效：{why_zh}",
        "the seat is not valid: {why}",
        "0 号席位必需且 lag 为 [0, 0]；lag 须 0 ≤ lo ≤ hi ≤ 1440",
        "seat 0 is never optional and has lag [0, 0]; 0 ≤ lo ≤ hi ≤ 1440",
    ),
    "matrix_not_square": _say(
        "矩阵第 {row} 行有 {value} 列，应为 {size}",
        "row {row} of the matrix has {value} columns, {size} are wanted",
        "行数与列数都等于地点数",
        "rows and columns are as many as the places",
    ),
    "matrix_size": _say(
        "矩阵有 {value} 行，地点有 {size} 个",
        "the matrix has {value} rows for {size} places",
        "每个地点一行一列",
        "one row and one column for each place",
    ),
    "matrix_value": _say(
        "矩阵的值 {value} 不是不小于 0 的整数",
        "the matrix holds {value}, which is not a whole number of at least 0",
        "请写整数分钟",
        "write whole minutes",
    ),
    "matrix_diagonal": _say(
        "矩阵对角线上是 {value}",
        "the diagonal of the matrix holds {value}",
        "同一地点之间须为 0",
        "from a place to itself is 0",
    ),
    "pins_conflict": _say(
        "同一席位钉给了 {value} 和 {other} 两人",
        "one seat is pinned to both {value} and {other}",
        "请删去其中一条",
        "remove one of the two",
    ),
    "pin_unknown": _say(
        "固定安排里的 {value} 不存在",
        "the pin names {value}, which does not exist",
        "请删去此条或改正编号",
        "remove the entry or mend the id",
    ),
    "entry_duplicate": _say(
        "{value} 出现两次",
        "{value} is listed twice",
        "同一请求与志愿者至多一条",
        "one entry per request and volunteer at most",
    ),
    # size
    "too_large": _say(
        "{what_zh} {value}，上限 {limit}", "{value} {what}, the limit is {limit}", "请分开计划", "plan it in parts"
    ),
    "too_many_seats": _say(
        "{value} 个席位，上限 {limit}", "{value} seats, the limit is {limit}", "请拆成几个请求", "split the request"
    ),
    "too_many_skills": _say(
        "{value} 种技能，上限 {limit}", "{value} skills, the limit is {limit}", "请合并同类技能", "merge like skills"
    ),
    # a plan that was made, and what is odd in what it was made from
    "skill_unknown": _say(
        "没有人有技能 {value}（用于请求 {other}）",
        "nobody has the skill {value} (wanted by request {other})",
        "请检查技能名称",
        "check the skill's name",
    ),
    "pin_broken": _say(
        "固定安排无法保留：请求 {value}，志愿者 {other}",
        "a pin could not be kept: request {value}, volunteer {other}",
        "请通知当事人",
        "tell the people concerned",
    ),
}
