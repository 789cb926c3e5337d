"""What the pages say, in Chinese and English: one catalogue, one word for each thing. Errors have their own."""

from collections.abc import Callable
from datetime import date, datetime

from api.messages import LANGUAGES

Say = Callable[..., str]

WEEKDAYS = {"zh": "一二三四五六日", "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

TEXTS: dict[str, tuple[str, str]] = {
    # the frame
    "lang": ("zh-CN", "en"),
    "other_language": ("English", "中文"),
    "house": ("点单", "diandan"),
    "skip": ("跳到派单表", "Skip to the table"),
    "home": ("回到今日方案", "Back to today's plan"),
    "request_id": ("请求编号", "request id"),
    # logging in
    "log_in": ("登录", "Log in"),
    "log_in_failed": ("登录未成功", "Not logged in"),
    "log_out": ("退出", "Log out"),
    "login_name": ("登录名", "Name"),
    "password": ("密码", "Password"),
    "no_password": (
        "没有密码或忘记密码：请向管理员要一个链接。",
        "No password yet, or forgotten: ask an administrator for a link.",
    ),
    "set_password": ("设置密码", "Set a password"),
    "set_password_for": ("为 {name} 设置密码", "Set a password for {name}"),
    "password_rule": (
        "至少 {limit} 个字符；几个不相干的词就很好。",
        "At least {limit} characters; a few unrelated words do well.",
    ),
    "me": ("我的角色", "What I may do"),
    "me_of": ("{name}，您的角色：", "{name}, you are here as:"),
    "me_nothing": ("您还没有角色，请找管理员。", "You have no role yet; ask an administrator."),
    "me_admin_next": (
        "下一步：在服务器上用 diandan admin user 新建派单员和志愿者账号；辖区、队伍和密钥用接口登记（/openapi.json）。",
        "Next: add dispatchers and volunteers on the server with diandan admin user; territories, units, teams and "
        "keys by the API (/openapi.json).",
    ),
    "everywhere": ("全部辖区", "everywhere"),
    "role_volunteer": ("志愿者", "volunteer"),
    "role_clerk": ("受理员", "clerk"),
    "role_dispatcher": ("派单员", "dispatcher"),
    "role_planner": ("规划员", "planner"),
    "role_oversight": ("督导员", "oversight"),
    "role_admin": ("管理员", "administrator"),
    # the plan
    "plan": ("派单方案", "Plan"),
    "plan_number": ("方案 {id}", "Plan {id}"),
    "state_queued": ("排队中", "queued"),
    "state_solving": ("求解中", "being made"),
    "state_proposed": ("拟定 · 待发布", "proposed, not published"),
    "state_published": ("已发布", "in force"),
    "state_superseded": ("已被替代", "superseded"),
    "state_failed": ("求解失败", "failed"),
    "state_cancelled": ("已取消", "cancelled"),
    "other_plans": ("最近的方案", "Recent plans"),
    "days": ("日期", "Days"),
    "look": ("查看", "look"),
    "news_queued": ("新方案 {id} 正在排队", "Plan {id} is waiting to be made"),
    "news_solving": ("新方案 {id} 正在求解", "Plan {id} is being made"),
    "news_proposed": ("新方案 {id} 已拟定，等待发布", "Plan {id} is proposed and waits to be published"),
    "news_failed": ("方案 {id} 求解失败", "Plan {id} failed"),
    # publishing
    "publish": ("发布方案", "Publish"),
    "publish_hint": ("发布后，拟派的席位成为待接单", "Its seats become offers to the volunteers"),
    "publish_reason": ("为什么可以失约（必填）", "Why promises may be broken (required)"),
    # being made
    "cancel": ("取消求解", "Cancel"),
    "cancel_hint": ("停止求解；已发布的方案不受影响", "Its solve ends; what is in force stays in force"),
    "progress": ("求解进度", "Progress"),
    "elapsed": ("已用 {seconds} 秒，限时 {limit} 秒", "{seconds} s of {limit} s"),
    "progress_served": ("已排上 {served} / {requests} 个请求", "{served} of {requests} requests served so far"),
    "progress_cost": ("成本 {cost} 点，下界 {bound} 点", "cost {cost} points, bound {bound} points"),
    "progress_gap": ("最多还能省 {gap}", "at most {gap} can still be saved"),
    "progress_wait": (
        "还没有第一份方案，通常几秒内就有",
        "There is no first plan yet; it usually takes a few seconds",
    ),
    "progress_refresh": ("本页每 2 秒自动刷新", "This page refreshes itself every 2 seconds"),
    # failed, cancelled, empty
    "failed": ("这份方案没有做成", "This plan could not be made"),
    "failed_mend": ("怎么办：{mend}", "What to do: {mend}"),
    "cancelled": ("这份方案在做成之前被取消了", "This plan was cancelled before it was made"),
    "empty": ("还没有方案", "There is no plan yet"),
    "empty_roster": ("登记志愿者：现有 {count} 名", "Enter volunteers: {count} on the roster"),
    "empty_requests": ("登记请求：待派 {count} 个", "Enter requests: {count} wait for a plan"),
    "empty_plan": (
        "请求一份方案（POST /v1/plans），求解进度会显示在这里",
        "Ask for a plan (POST /v1/plans); its progress is shown here",
    ),
    "empty_demo": ("或运行 make demo，看一个区的一天", "Or run make demo to see a district's day"),
    # figures
    "figures": ("一览", "At a glance"),
    "served": ("已排上的请求", "Requests served"),
    "of": ("{part} / {whole}", "{part} of {whole}"),
    "people": ("上岗志愿者", "Volunteers at work"),
    "people_visits": ("{visits} 人次，服务 {hours} 小时", "{visits} visits, {hours} h of service"),
    "travel": ("路上时间", "Travel"),
    "travel_each": ("每人次平均 {minutes} 分钟（含返程）", "{minutes} min a visit, ways back included"),
    "hours": ("{hours} 小时", "{hours} h"),
    "cost": ("成本", "Cost"),
    "points": ("{points} 点", "{points} points"),
    "term_unserved": ("未满足", "unserved"),
    "term_travel": ("路程", "travel"),
    "term_late": ("延误", "lateness"),
    "term_fairness": ("分担不均", "uneven load"),
    "term_continuity": ("换了生人", "unknown faces"),
    "term_affinity": ("不合意愿", "wishes unmet"),
    "term_stability": ("改动已发布", "changes to what was published"),
    "term_pins": ("失约", "broken promises"),
    "better": ("还能更好吗", "Could it be better?"),
    "gap_best": ("已证明最好", "Proven best"),
    "gap_best_detail": ("任何方案都不会更省", "No plan can cost less"),
    "gap_known": ("最多还能省 {gap}", "At most {gap} to save"),
    "gap_known_detail": (
        "已证明任何方案都不会低于 {bound} 点",
        "Proven: no plan can cost less than {bound} points",
    ),
    "gap_open": ("尚未证明", "Not proven yet"),
    "gap_open_detail": (
        "只知道无人能做的请求占 {settled} 点，谁也省不掉；其余还能省多少，尚无证明",
        "Only known: {settled} points are for requests nobody can serve; how much of the rest can be saved is open",
    ),
    "gap_settled": (
        "{settled} 点属于无人能做的请求，不计入百分比",
        "{settled} points are for requests nobody can serve; the percentage leaves them out",
    ),
    "pins_broken": ("这份方案会让 {count} 人失约", "This plan lets {count} people down"),
    "pin": ("{volunteer}：请求 {request}", "{volunteer}: request {request}"),
    "changes": (
        "与现行方案相比：改动 {count} 个席位，{unchanged} 个不变",
        "Against what is in force: {count} seats change, {unchanged} stay",
    ),
    "change_moved": (
        "{request}：{was}（{time}，{state}）→ {becomes}（{then}）",
        "{request}: {was} ({time}, {state}) → {becomes} ({then})",
    ),
    "change_let_go": (
        "{request}：{was}（{time}，{state}）不再需要",
        "{request}: {was} ({time}, {state}) is let go",
    ),
    "volunteer_number": ("志愿者 {id}", "Volunteer {id}"),
    "request_number": ("请求 {id}", "Request {id}"),
    # priorities
    "priority_urgent": ("紧急", "urgent"),
    "priority_high": ("优先", "high"),
    "priority_normal": ("普通", "normal"),
    "priority_low": ("可缓", "low"),
    # pictures
    "map": ("地图", "Map"),
    "map_of": ("请求与志愿者的示意地图", "Schematic map of requests and volunteers"),
    "map_hint": (
        "示意图，上北；点开编号看派单。线从出发点连到各次服务",
        "Schematic, north up; a number leads to its row. Lines run from where a trip begins to its visits",
    ),
    "timeline": ("时间轴", "Timeline"),
    "timeline_of": ("每名志愿者一行的时间轴", "Timeline, one row for each volunteer"),
    "timeline_hint": ("一人一行：色块是服务，细线是路上", "A row a person: bars are visits, thin lines the way"),
    "scale": ("{km} 公里", "{km} km"),
    "north": ("北 ↑", "N ↑"),
    "now": ("现在 {time}", "now {time}"),
    "point": ("{id} {label}（{priority}）", "{id} {label} ({priority})"),
    "unserved": ("未满足", "unserved"),
    "legend_team": ("多人", "team"),
    "legend_home": ("出发点", "start of a trip"),
    "no_visits": ("这一天没有人上岗", "Nobody is at work on this day"),
    # tables
    "unmet": ("暂未满足", "unmet"),
    "unmet_hint": (
        "派过三轮仍无人，或约定时间已全部过去",
        "Offered three times with nobody, or all the times it could be served are past",
    ),
    "unserved_count": ("未满足的请求（{count}）", "Requests not served ({count})"),
    "all_served": ("请求全部排上了。", "Every request is served."),
    "table": ("派单表（{requests} 个请求，{seats} 个席位）", "Assignments ({requests} requests, {seats} seats)"),
    "number": ("编号", "No."),
    "request": ("请求与地点", "Request and place"),
    "priority": ("优先级", "Priority"),
    "time": ("时间", "Time"),
    "seat": ("席位", "Seat"),
    "seat_of": ("{seat} / {seats}", "{seat} of {seats}"),
    "seat_empty": ("另有 {count} 个可选席位空着", "{count} optional seats left empty"),
    "skill": ("{skill} {level} 级", "{skill} level {level}"),
    "volunteer": ("志愿者", "Volunteer"),
    "way": ("路上", "Way"),
    "way_of": ("{minutes} 分 · {km} 公里", "{minutes} min · {km} km"),
    "why": ("为什么", "Why"),
    "why_unserved": ("为什么没有排上", "Why not"),
    # the report
    "report": ("报表", "Report"),
    "report_from": ("从", "from"),
    "report_to": ("到（不含）", "until (not included)"),
    "report_earlier": ("← 前一段", "← earlier"),
    "report_later": ("后一段 →", "later →"),
    "report_days": ("{first} 至 {last}，共 {count} 天", "{first} to {last}, {count} days"),
    "report_empty": ("这段时间里什么也没有发生", "Nothing happened in this time"),
    "report_empty_hint": (
        "请在上面换一段时间；或先登记请求（POST /v1/requests），收到、派出、完成的都会记在这里。",
        "Choose other days above; or enter requests first (POST /v1/requests): what comes in, is given to somebody "
        "and is done is counted here.",
    ),
    "report_daily": ("每日收到与完成", "Received and served by day"),
    "report_daily_hint": ("左：收到的请求；右：完成的服务", "left: requests received; right: services that ended"),
    "report_day": ("{day}：收到 {came}，完成 {served}", "{day}: {came} received, {served} served"),
    "report_figure": ("指标", "Figure"),
    "report_value": ("数值 / 分母", "Number, and of how many"),
    "report_share": ("比率", "Share"),
    "report_none": ("—", "—"),
    "report_meaning": ("口径", "What it means"),
    # the volunteer's page
    "schedule_of": ("{name} 的日程", "Schedule of {name}"),
    "larger": ("大字版", "Large print"),
    "smaller": ("标准字号", "Normal print"),
    "way_first": (
        "路上 {minutes} 分钟，距出发地 {km} 公里（{mode}）",
        "{minutes} min, {km} km from where you start ({mode})",
    ),
    "way_next": (
        "路上 {minutes} 分钟，距上一处 {km} 公里（{mode}）",
        "{minutes} min, {km} km from the place before ({mode})",
    ),
    "leave_at": ("{time} 出发", "Leave at {time}"),
    "why_you": ("为什么是您：{why}", "Why you: {why}"),
    "more_visits": ("还有 {count} 项", "{count} more"),
    "earlier_visits": ("回到最近的", "Back to the next ones"),
    "no_schedule": ("目前没有安排", "Nothing is planned for you now"),
    "no_schedule_hint": (
        "方案发布后，您的服务会显示在这里：做什么、几点、在哪里、路上多久。请过些时候再打开本页。",
        "Once a plan is published, your visits stand here: what, when, where and how far. "
        "Please open this page again later.",
    ),
    "contact": ("门牌、姓名和电话", "Door, name and telephone"),
    "resident": ("居民：", "Resident: "),
    "phone": ("电话：", "Telephone: "),
    "door": ("门牌：", "Door: "),
    "contact_none": (
        "没有留下姓名、电话和门牌，请问社区。",
        "No name, telephone or door: please ask the office.",
    ),
    "contact_noted": ("只供这次服务使用；每次查看都有记录。", "For this visit only; each look is noted."),
    "contact_not_now": (
        "接单之后，直到服务后 72 小时，这里显示门牌、姓名和电话。",
        "From your yes until 72 hours after the visit, door, name and telephone stand here.",
    ),
    "to_schedule": ("回到日程", "Back to the schedule"),
    "mode_walk": ("步行", "on foot"),
    "mode_bike": ("自行车", "by bicycle"),
    "mode_ebike": ("电动车", "by e-bike"),
    "mode_car": ("汽车", "by car"),
    "seat_offered": ("待接单", "offered"),
    "seat_accepted": ("已接单", "accepted"),
    "seat_checked_in": ("已签到", "checked in"),
    "seat_done": ("已完成", "done"),
    "accept": ("接单", "Accept"),
    "decline": ("拒单", "Decline"),
    "withdraw": ("退单", "Give back"),
    "by_hand_alone": ("系统不再自动派单给您，只由社区联系。", "No plan asks you any more; the community does."),
    "offers_off": ("不要自动派单", "Ask me by hand only"),
    "offers_on": ("恢复自动派单", "Plans may ask me again"),
    "check_in": ("签到", "Check in"),
    "code": ("签到码", "code"),
    "finish": ("完成", "Done"),
    "minutes_taken": ("分钟数", "minutes"),
}


def speaker(lang: str) -> Say:
    """Say a text of the catalogue in this language, with its numbers filled in."""
    place = LANGUAGES.index(lang)

    def say(key: str, **figures: object) -> str:
        return TEXTS[key][place].format(**figures)

    return say


def calendar_day(day: date | datetime, lang: str) -> str:
    """A day as a reader calls it: 3月3日 周二, Tue 3 Mar."""
    if lang == "zh":
        return f"{day.month}月{day.day}日 周{WEEKDAYS['zh'][day.weekday()]}"
    return f"{WEEKDAYS['en'][day.weekday()]} {day.day} {MONTHS[day.month - 1]}"
