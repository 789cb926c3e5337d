"""The days of a rule, and what becomes of one on which nobody works: plain calendar days, no clock and no database."""

from datetime import date

from api.models.series import Holidays, RuleKind, RuleShape
from api.workdays import DAY, WorkingTime


def falls(rule: RuleShape, anchor: date, day: date) -> bool:
    """Whether a day is one of the rule's, counted from the anchor; nothing is before it."""
    if day < anchor:
        return False
    match RuleKind(rule.kind):
        case RuleKind.WEEKLY:
            weeks = (_monday(day) - _monday(anchor)).days // 7
            return weeks % rule.every == 0 and day.isoweekday() in rule.on
        case RuleKind.MONTHLY:
            months = 12 * (day.year - anchor.year) + day.month - anchor.month
            return months % rule.every == 0 and (day.day in rule.on or _stands_in(rule, day))
        case RuleKind.DAILY:
            return (day - anchor).days % rule.every == 0


def takes_place(day: date, holidays: Holidays, working: WorkingTime) -> date | None:
    """The day on which it is: that day, the working day after it, or not at all."""
    if holidays == Holidays.SAME_DAY or working.is_workday(day):
        return day
    return working.next_workday(day) if holidays == Holidays.NEXT_WORKDAY else None


def _monday(day: date) -> date:
    return day - day.weekday() * DAY


def _stands_in(rule: RuleShape, day: date) -> bool:
    """The last day of a month stands in for those that the month does not have."""
    return (day + DAY).day == 1 and any(wanted > day.day for wanted in rule.on)
