"""One catalogue of what may go wrong, Chinese and English, for API, command line and pages: the matcher's and ours."""

from collections.abc import Mapping
from typing import Any

from matcher import MESSAGES as MATCHER_MESSAGES
from matcher import shown

LANGUAGES = ("zh", "en")


def _say(zh: str, en: str, hint_zh: str, hint_en: str) -> dict[str, str]:
    return {"zh": zh, "en": en, "hint_zh": hint_zh, "hint_en": hint_en}


MESSAGES: dict[str, dict[str, str]] = MATCHER_MESSAGES | {
    # the door
    "host_unknown": _say(
        "本服务不叫 {value}",
        "this service is not called {value}",
        "请用它自己的地址，或把该名字加入 DIANDAN_HOSTS",
        "use its own address, or add the name to DIANDAN_HOSTS",
    ),
    "loopback_only": _say(
        "只在本机提供服务，不接受 {value}",
        "this machine alone is served, not {value}",
        "请在本机打开 127.0.0.1，或设置 DIANDAN_PUBLIC_URL",
        "open it on this machine, at 127.0.0.1, or set DIANDAN_PUBLIC_URL",
    ),
    "cross_site": _say(
        "这个请求来自另一个网站（{value}）",
        "this was sent by another site ({value})",
        "请在本站的页面上操作",
        "do it from a page of this service",
    ),
    # who is asking
    "unauthenticated": _say(
        "请先登录",
        "log in first",
        "请打开 /login，或在 Authorization 中写有效的密钥",
        "open /login, or send a valid key",
    ),
    "login_failed": _say(
        "名字或密码不对",
        "the name or the password is not right",
        "请再试；忘记密码请找管理员要一个链接",
        "try again; an administrator can give you a link for a new password",
    ),
    "forbidden": _say(
        "您的角色不能这样做", "your role does not allow this", "请找有此角色的同事", "ask a colleague who has the role"
    ),
    "login_rate": _say(
        "尝试次数太多，请 {seconds} 秒后再试",
        "too many attempts; try again in {seconds} seconds",
        "请等候，或找管理员要一个链接",
        "wait, or ask an administrator for a link",
    ),
    "link_unknown": _say(
        "这个链接无效、已用过或已过期",
        "this link is not valid, was used, or has expired",
        "请找管理员要一个新链接",
        "ask an administrator for a new one",
    ),
    "password_short": _say(
        "密码太短：至少 {limit} 个字符",
        "the password is too short: at least {limit} characters",
        "几个不相干的词就很好",
        "a few unrelated words do well",
    ),
    "name_invalid": _say(
        "{value} 不能作登录名",
        "{value} cannot be a name to log in with",
        "请用 1 到 {limit} 个字母、汉字、数字或 . _ - @",
        "use 1 to {limit} letters, digits, or . _ - @",
    ),
    "name_taken": _say("名字 {value} 已有人用", "the name {value} is taken", "请换一个名字", "choose another name"),
    "user_unknown": _say(
        "没有名为 {value} 的用户",
        "there is no user {value}",
        "请用 diandan admin user 建立",
        "make one: diandan admin user",
    ),
    "role_needs_territory": _say(
        "请写明辖区",
        "name a territory",
        "请写 territory_id：您只在其中有此角色",
        "send the territory_id: your role is for a part only",
    ),
    "headers_too_large": _say(
        "请求头太大：{value}，上限 {limit}",
        "the headers are too large: {value}, at most {limit}",
        "请清除本站的 cookie 后重试",
        "clear this site's cookies and try again",
    ),
    "range_invalid": _say(
        "不提供分段下载：{value}", "parts are not served: {value}", "请去掉 Range", "leave out Range"
    ),
    "media_type": _say(
        "内容类型 {value} 不能读取",
        "a body of type {value} is not read here",
        "请用 Content-Type: application/json",
        "send Content-Type: application/json",
    ),
    "crowded": _say(
        "现在访问的人太多",
        "too many people are being served",
        "请几秒后用同一个 Idempotency-Key 重试",
        "try again in a few seconds, with the same Idempotency-Key",
    ),
    "body_too_large": _say("内容超过 {limit} 字节", "larger than {limit} bytes", "请分批提交", "send it in parts"),
    "too_many_parts": _say(
        "内容分成了太多部分，上限 {limit}",
        "the body has too many parts, at most {limit}",
        "请分批提交",
        "send it in several requests",
    ),
    "header_invalid": _say("请求头 {value} 无效", "the header {value} is not valid", "请改正", "mend it"),
    # values
    "field_unknown": _say("不认识的字段 {value}", "unknown field {value}", "{nearest_zh}", "{nearest}"),
    "id_invalid": _say(
        "{value} 不是编号", "{value} is not an id", "编号是从 1 起的整数", "an id is a whole number from 1"
    ),
    "limit_range": _say(
        "{value} 不在 {low}–{high} 之内",
        "{value} is not within {low}–{high}",
        "请写 {low} 到 {high} 的整数",
        "write a whole number from {low} to {high}",
    ),
    "list_length": _say(
        "列表长度须在 {low} 到 {high} 之间",
        "the list must have {low} to {high} entries",
        "请增减条目",
        "add or remove entries",
    ),
    "page_invalid": _say(
        "{value} 不能翻页",
        "{value} does not lead to a page",
        "limit 为 1 到 {limit}；cursor 用上一页给出的 next",
        "limit is 1 to {limit}; cursor is the `next` of the page before",
    ),
    "sort_unknown": _say(
        "不能按 {value} 排序", "there is no order by {value}", "可选：{choices}", "choose one of {choices}"
    ),
    "ref_unknown": _say(
        "没有编号为 {value} 的志愿者",
        "there is no volunteer with id {value}",
        "请先登记，或改正编号",
        "enter that person first, or mend the id",
    ),
    "time_far": _say(
        "{value} 距今超过十年",
        "{value} is more than ten years from today",
        "请检查年份",
        "check the year",
    ),
    "date_invalid": _say("{value} 不是日期", "{value} is not a date", "请写成 2026-11-23", "write it like 2026-11-23"),
    "time_of_day_invalid": _say(
        "{value} 不是钟点", "{value} is not a time of day", "请写成 09:00", "write it like 09:00"
    ),
    "rule_invalid": _say(
        "重复规则 {value} 无效",
        "the rule {value} is not valid",
        "weekly 的 on 为 1–7，monthly 为 1–31，daily 不写 on",
        "`on` is 1–7 for weekly, 1–31 for monthly, and left out for daily",
    ),
    "territory_unknown": _say(
        "没有编号为 {value} 的辖区",
        "there is no territory with id {value}",
        "请从 GET /v1/territories 中选一个",
        "choose one of GET /v1/territories",
    ),
    "team_unknown": _say(
        "没有编号为 {value} 的队伍",
        "there is no team with id {value}",
        "请从 GET /v1/teams 中选一个",
        "choose one of GET /v1/teams",
    ),
    "unit_unknown": _say(
        "没有编号为 {value} 的单位",
        "there is no unit with id {value}",
        "请从 GET /v1/units 中选一个",
        "choose one of GET /v1/units",
    ),
    "level_invalid": _say(
        "{value} 之下不能再有这一级",
        "a {value} cannot hold that",
        "辖区四级：区、街道、社区、网格，逐级相属",
        "there are four levels, each in the one above it: district, street, community, grid",
    ),
    "pause_invalid": _say(
        "暂停期 {value} 无效：须在结束之前开始",
        "the pause {value} is not valid: it must end after it begins",
        "请改正 from 与 to",
        "mend from and to",
    ),
    "horizon_invalid": _say(
        "计划期 {value} 无效：须在结束之前开始，至多 {limit} 天",
        "the period {value} is not valid: it must end after it begins, within {limit} days",
        "请改正 from 与 to",
        "mend from and to",
    ),
    "period_invalid": _say(
        "时段 {value} 无效：须先始后终，至多 {limit} 天",
        "the period {value} is not valid: it must end after it begins, within {limit} days",
        "请改正 from 与 to；to 是最后一天的次日",
        "mend from and to; `to` is the day after the last",
    ),
    # keys and versions
    "idempotency_key_required": _say(
        "缺少 Idempotency-Key",
        "Idempotency-Key is missing",
        "请为每个新意图写一个新的 Idempotency-Key，重试时不变",
        "send a new Idempotency-Key for each intent, the same when trying again",
    ),
    "idempotency_key_invalid": _say(
        "Idempotency-Key 无效",
        "the Idempotency-Key is not valid",
        "请用 1 到 {limit} 个可见 ASCII 字符",
        "use 1 to {limit} visible ASCII characters",
    ),
    "idempotency_key_reused": _say(
        "这个 Idempotency-Key 已用于另一个请求",
        "this Idempotency-Key was used for something else",
        "新的意图请用新的 key",
        "use a new key for a new intent",
    ),
    "idempotency_in_progress": _say(
        "同一个 Idempotency-Key 的请求正在处理",
        "a request with this Idempotency-Key is being answered",
        "请稍后用同一个 key 重试",
        "try again shortly, with the same key",
    ),
    "if_match_required": _say(
        "缺少 If-Match",
        "If-Match is missing",
        "请先读取，把 ETag 写入 If-Match",
        "read it first and send its ETag in If-Match",
    ),
    "stale_version": _say(
        "版本 {value} 已过时，现在是 {current}",
        "version {value} is stale, it is {current} now",
        "请重新读取后再决定",
        "read it again, then decide",
    ),
    # nouns and their states
    "not_found": _say("这里没有 {value}", "there is no {value} here", "请检查地址", "check the address"),
    "method_not_allowed": _say(
        "这里不能 {value}",
        "{value} is not possible here",
        "请看 /openapi.json 中的接口",
        "see the operations in /openapi.json",
    ),
    "volunteer_has_seats": _say(
        "志愿者还有未了结的派单（{value}）",
        "the volunteer still has a seat ({value})",
        "请先改派或释放，再删除个人信息",
        "give it to somebody else first, then erase",
    ),
    "volunteer_state": _say(
        "志愿者现在是 {value}，不能这样做",
        "the volunteer is {value}, so this cannot be done",
        "请重新读取后再决定",
        "read it again, then decide",
    ),
    "code_taken": _say(
        "编号 {value} 已有人用",
        "the code {value} is taken",
        "请换一个编号，或修改原有记录",
        "choose another code, or change the one there is",
    ),
    "conflict": _say(
        "数据已被别人改动", "somebody else changed this meanwhile", "请重新读取后再试", "read it again and retry"
    ),
    "volunteer_busy": _say(
        "志愿者 {volunteer} 在 {start}–{end} 已有安排（{other}）",
        "volunteer {volunteer} is taken from {start} to {end} (by {other})",
        "请另选时间或另选人",
        "choose another time or another person",
    ),
    "transition_illegal": _say(
        "{noun_zh}现在是“{value_zh}”，不能{event_zh}",
        "the {noun} is {value}, so it cannot {event}",
        "现在可以：{possible_zh}",
        "possible now: {possible}",
    ),
    "request_closed": _say(
        "请求已结束（{value}；并入 {other}）",
        "the request is closed ({value}; merged into {other})",
        "请改看并入的请求，或重新打开它",
        "see the one it was merged into, or reopen it",
    ),
    "reason_required": _say(
        "{value} 不是理由",
        "{value} is no reason",
        "请写明理由，至少 {least} 个字",
        "say why, in at least {least} signs",
    ),
    "wait_too_long": _say(
        "不能挂起到 {value}：须在今后 {limit} 天之内",
        "it cannot wait until {value}: a moment within the next {limit} days is needed",
        "请改写 until",
        "mend until",
    ),
    "external_number_required": _say(
        "转办须有对方的编号",
        "a department has it under a number of its own",
        "请写 external_number",
        "give external_number",
    ),
    "returned_too_often": _say(
        "已被退回 {value} 次，不能再转办",
        "departments gave it back {value} times, so it goes to none any more",
        "首接负责：请报上级协调",
        "whoever took it in first leads: ask one level up",
    ),
    "merge_invalid": _say(
        "不能并入 {value}（状态 {state}，服务 {service}）",
        "it cannot be merged into {value} (state {state}, service {service})",
        "请选另一个未结束的同类请求",
        "choose another open request for the same service",
    ),
    "reopen_late": _say(
        "结束于 {value}，已超过 {limit} 天",
        "it was closed at {value}, more than {limit} days ago",
        "请登记新的请求",
        "enter a new request",
    ),
    "undo_expired": _say(
        "席位现在是 {value}；只有 {limit} 分钟内手工指派、还没有答复也没有进入方案的才能撤销",
        "the seat is {value}; only what was given by hand in the last {limit} minutes can be undone, "
        "as long as it is neither answered nor in a plan",
        "请改派，或请志愿者退单",
        "assign somebody else, or have the volunteer give it back",
    ),
    "series_ended": _say(
        "这个系列已于 {value} 结束",
        "the series has ended on {value}",
        "请新建一个系列",
        "make a new series",
    ),
    "callback_not_independent": _say(
        "您经办过这件请求，不能由您回访",
        "you have had a hand in this request, so another calls back",
        "请没有经办过的受理员回访",
        "ask a clerk who has not",
    ),
    "seat_unknown": _say(
        "没有 {value} 号席位，共 {seats} 个",
        "there is no seat {value}, there are {seats}",
        "席位从 0 数起",
        "seats are counted from 0",
    ),
    "seat_taken": _say(
        "{value} 号席位已派给志愿者 {volunteer}（{state}）",
        "seat {value} is given to volunteer {volunteer} ({state})",
        "要改派，请写明 reason",
        "to give it to somebody else, say why in reason",
    ),
    "service_started": _say(
        "志愿者 {volunteer} 已在 {value} 号席位（{state}）",
        "volunteer {volunteer} has begun in seat {value} ({state})",
        "要换人，请写明 reason",
        "to send somebody else all the same, say why in reason",
    ),
    "declined_before": _say(
        "志愿者 {value} 已拒绝或退出过这个请求",
        "volunteer {value} has said no to this request",
        "请另选人",
        "choose somebody else",
    ),
    "volunteer_unavailable": _say(
        "志愿者 {value} 在 {start}–{end} 没有空闲",
        "volunteer {value} is not available from {start} to {end}",
        "请另选时间；本人同意时写明 reason",
        "choose another time; if they agree, say so in reason",
    ),
    "skill_missing": _say("{why_zh}", "{why}", "请另选人", "choose somebody else"),
    "travel_time": _say(
        "{why_zh}",
        "{why}",
        "请另选时间；确可行时写明 reason",
        "choose another time; if it can be done, say why in reason",
    ),
    "outside_windows": _say(
        "{why_zh}",
        "{why}",
        "请选时段内的时间；居民同意时写明 reason",
        "choose a time in its windows; if the resident agrees, say so in reason",
    ),
    "over_cap": _say(
        "{why_zh}", "{why}", "请另选人；本人同意时写明 reason", "choose somebody else; if they agree, say so in reason"
    ),
    "too_late": _say("{why_zh}", "{why}", "请选更晚的时间", "choose a later time"),
    "check_in_code_wrong": _say(
        "签到码不对",
        "that is not the resident's code",
        "请向居民再问一次，或打电话给派单员",
        "ask the resident again, or call the desk",
    ),
    "not_its_time": _say(
        "开始时间是 {value}，只能在前后 {grace} 分钟内签到",
        "it starts at {value}; checking in is possible from {grace} minutes before to {grace} after",
        "请到时再签到",
        "check in when it is time",
    ),
    "duration_invalid": _say(
        "{value} 不是服务分钟数",
        "{value} is not a number of minutes of service",
        "请写 {low} 到 {high}",
        "write {low} to {high}",
    ),
    "solve_quota": _say(
        "{whose_zh}方案已有 {value} 个没有做完，最多 {limit} 个",
        "{value} plans {whose} are not made yet; {limit} are the most",
        "请等其中一个做完，或先取消一个",
        "wait until one of them is made, or cancel one",
    ),
    "job_finished": _say(
        "这份方案已是 {value}，没有在求解",
        "the plan is {value}; nobody is making it",
        "只能取消排队中或求解中的方案",
        "only a plan that is queued or solving can be cancelled",
    ),
    "publish_in_progress": _say(
        "另一份方案正在发布",
        "another plan is being published",
        "请稍后再看：这份方案可能已过时",
        "look again shortly: this plan may be outdated by then",
    ),
    "plan_outdated": _say(
        "计划做出之后有 {changed} 处变动",
        "{changed} things changed since the plan was made",
        "请重新计划",
        "make a new plan",
    ),
    "plan_invalid": _say(
        "计划违反硬性规则：{rule}（{rows}）",
        "the plan breaks a hard rule: {rule} ({rows})",
        "请重新计划；不要发布",
        "make a new plan; do not publish this one",
    ),
    "pins_broken": _say(
        "计划会让 {rows} 失约",
        "the plan would let down {rows}",
        "确要发布，请写明 reason",
        "to publish all the same, give a reason",
    ),
    # why a plan failed
    "solve_died": _say(
        "求解进程 {attempts} 次异常结束（{value}）",
        "the solving process died {attempts} times ({value})",
        "请重新计划；若再失败请看工作进程的日志",
        "plan again; if it fails again, see the worker's log",
    ),
    "solve_memory": _say(
        "求解超过内存上限 {limit}",
        "the solve went over its memory limit of {limit}",
        "请缩短计划期",
        "plan a shorter period",
    ),
    "solve_time": _say(
        "求解未在限时 {limit} 秒内结束",
        "the solve did not end within its {limit} seconds",
        "请缩短计划期",
        "plan a shorter period",
    ),
    # the house itself
    "database_away": _say("数据库暂不可用", "the database is away", "请稍后重试", "try again shortly"),
    "schema_mismatch": _say(
        "数据库结构是 {value}，程序需要 {wanted}",
        "the database has schema {value}, the program wants {wanted}",
        "请运行 diandan serve，它会升级数据库",
        "run diandan serve, which brings it up to date",
    ),
    "internal": _say("服务出错了", "the service failed", "请报告 request_id", "report the request_id"),
    "db_locked_by": _say(
        "另一个服务（进程 {value}）正在使用这个数据库",
        "another service (process {value}) is using this database",
        "请先停止它，或换一个 DIANDAN_DATABASE_URL",
        "stop it first, or set another DIANDAN_DATABASE_URL",
    ),
    "port_taken": _say(
        "端口 {value} 已被占用",
        "port {value} is taken",
        "请换 --port，或用 --next-port",
        "choose another --port, or use --next-port",
    ),
    "calendar_unknown": _say(
        "已安装的 chinesecalendar 还没有 {value} 年的节假日",
        "the chinesecalendar installed here does not know the year {value}",
        "请升级 chinesecalendar，或逐日录入：diandan admin calendar {value}-01-01 rest",
        "install a newer chinesecalendar, or enter its days: diandan admin calendar {value}-01-01 rest",
    ),
    # backup and restore
    "backup_broken": _say(
        "这不是完整的备份",
        "this is not a whole backup",
        "请换一个备份；不要再用这一个",
        "take another backup; do not use this one any more",
    ),
    "backup_newer": _say(
        "备份的数据库结构 {value} 比本程序新",
        "the backup has schema {value}, which this program does not know",
        "请先升级程序",
        "install the newer program first",
    ),
    "backup_kind": _say(
        "这是 {value} 的备份，而数据库是 {wanted}",
        "this is a backup of {value}, and the database is {wanted}",
        "请把 DIANDAN_DATABASE_URL 设为 {value} 数据库",
        "set DIANDAN_DATABASE_URL to a {value} database",
    ),
    "file_taken": _say(
        "已有同名文件，且不是备份",
        "there is another file of this name, and it is no backup",
        "请换一个文件名",
        "choose another name",
    ),
    "database_not_empty": _say(
        "数据库里已有 {value} 行数据",
        "there are {value} rows in this database",
        "请先备份它；确要替换，请加 --force",
        "back it up first; to replace it all the same, add --force",
    ),
    "database_missing": _say(
        "没有数据库文件 {value}",
        "there is no database file {value}",
        "请检查 DIANDAN_DATABASE_URL；diandan serve 会新建数据库",
        "check DIANDAN_DATABASE_URL; diandan serve makes a new database",
    ),
    "database_corrupt": _say(
        "数据库文件已损坏：{value}",
        "the database file is damaged: {value}",
        "请停止服务，从最近的备份恢复：diandan admin restore",
        "stop the service and restore the last backup: diandan admin restore",
    ),
    "database_in_use": _say(
        "服务或工作进程正在使用这个数据库",
        "a service or a worker is using this database",
        "请先停止它们",
        "stop them first",
    ),
    "tool_missing": _say(
        "缺少 {value}",
        "{value} is not installed",
        "请安装与数据库同版本的 PostgreSQL 客户端：apt-get install postgresql-client",
        "install the PostgreSQL client of the database's version: apt-get install postgresql-client",
    ),
    "tool_failed": _say(
        "{value} 失败：{said}",
        "{value} failed: {said}",
        "数据库未改动；请按所述原因处理，版本须与数据库一致",
        "the database is as it was; mend what it says, and mind that its version fits the database",
    ),
    "no_backup": _say(
        "升级前没有备份，因为缺少 {value}",
        "there is no backup from before this upgrade, since {value} is not installed",
        "下次升级前请 apt-get install postgresql-client",
        "before the next upgrade, apt-get install postgresql-client",
    ),
    "schema_newer": _say(
        "数据库结构 {value} 比本程序的 {wanted} 新",
        "the database has schema {value}, which this program does not know (it wants {wanted})",
        "请安装新版程序，或恢复升级前的备份",
        "install the newer program, or restore the backup from before the upgrade",
    ),
    # what the doctor and the audit's check find
    "audit_broken": _say(
        "审计记录自第 {value} 条起断链：被删、被改或被移动",
        "the audit breaks at row {value}: it was removed, changed or moved",
        "请与备份清单中的审计末端对照，查明谁动过数据库",
        "compare it with the audit head of a backup, and find out who changed the database",
    ),
    "sqlite_old": _say(
        "SQLite {value} 太旧，至少需要 {wanted}",
        "SQLite {value} is too old, at least {wanted} is wanted",
        "请换用较新的 Python 或操作系统",
        "use a newer Python or operating system",
    ),
    "sqlite_journal": _say(
        "SQLite 的日志模式是 {value}，这种模式可能丢失数据",
        "SQLite's journal mode is {value}, which can lose rows",
        "请停止其他使用这个文件的程序，再启动服务",
        "stop other programs at this file, then start the service",
    ),
    "fs_not_local": _say(
        "数据库文件在网络文件系统上（{value}），其文件锁不可靠",
        "the database file is on a network file system ({value}), whose locks cannot be relied on",
        "请把它放到本机磁盘，或改用 PostgreSQL",
        "move it to a disk of this machine, or use PostgreSQL",
    ),
    "disk_low": _say(
        "磁盘只剩 {value}，至少需要 {wanted}",
        "only {value} of disk are left, at least {wanted} are wanted",
        "请清理磁盘",
        "free some space",
    ),
    "timezone_unknown": _say(
        "没有时区 {value} 的数据",
        "there is no data of time zone {value}",
        "请改正 DIANDAN_TIMEZONE，或 apt-get install tzdata",
        "mend DIANDAN_TIMEZONE, or apt-get install tzdata",
    ),
    "clock_skew": _say(
        "本机与数据库的时钟相差 {value} 秒",
        "the clocks of this machine and of the database differ by {value} s",
        "请在两台机器上开启时间同步（NTP）",
        "switch on time synchronisation (NTP) on both",
    ),
    "kernels_missing": _say(
        "求解内核未编译",
        "the kernels of the solver are not compiled",
        "请运行 make，否则第一次求解要等待编译",
        "run make, else the first solve waits for the compiler",
    ),
    "worker_absent": _say(
        "没有工作进程，而有 {value} 个方案在等待",
        "there is no worker, and {value} plans wait for one",
        "请启动 diandan serve 或 diandan worker",
        "start diandan serve or diandan worker",
    ),
    "worker_twin": _say(
        "已有名为 {value} 的工作进程",
        "a worker named {value} is already running",
        "请为每个工作进程设置不同的 DIANDAN_EXECUTOR_ID",
        "set another DIANDAN_EXECUTOR_ID for each worker",
    ),
}


def sentence(code: str, lang: str, params: Mapping[str, Any]) -> str:
    """What is wrong, naming the value."""
    return MESSAGES[code][lang].format_map(_shown(params))


def hint(code: str, lang: str, params: Mapping[str, Any]) -> str:
    """The likely mend."""
    return MESSAGES[code]["hint_" + lang].format_map(_shown(params))


def line(code: str, lang: str, params: Mapping[str, Any], place: str = "") -> str:
    """`[code] file: path: sentence; mend`, as a terminal shows it."""
    return f"[{code}] {place}{sentence(code, lang, params)}; {hint(code, lang, params)}"


def _shown(params: Mapping[str, Any]) -> dict[str, str]:
    return {name: shown(value) for name, value in params.items()}
