//! The days that a report is about, by the workspace's own clock.

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;

use crate::{Error, Result};

/// Periods that end today, in days.
const DAYS: [i64; 3] = [7, 30, 90];
/// The period of who names none.
const USUAL: i64 = 30;
/// Longest range that can be asked for, in days.
const LONGEST: i64 = 400;

/// What is asked for: a number of days up to today, or a range of days.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// 7, 30 or 90.
    pub days: Option<i64>,
    /// The first day.
    pub from: Option<NaiveDate>,
    /// The last day.
    pub to: Option<NaiveDate>,
}

/// Whole days, the first and the last included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first day.
    pub first: NaiveDate,
    /// The last day.
    pub last: NaiveDate,
}

impl Period {
    /// The days that are asked for, seen from a moment.
    ///
    /// # Errors
    /// Invalid, naming what is wrong: another number of days, half a range, one the wrong way round or too long.
    pub fn of(asked: &Asked, now: DateTime<Utc>, zone: Tz) -> Result<Self> {
        let today = day(now, zone);
        let (first, last) = match (asked.days, asked.from, asked.to) {
            (days, None, None) => {
                let days = days.unwrap_or(USUAL);
                if !DAYS.contains(&days) {
                    return Err(Error::invalid("days", "days is 7, 30 or 90."));
                }
                (back(today, days - 1), today)
            }
            (None, Some(from), to) => (from, to.unwrap_or(today.max(from))),
            (None, None, Some(_)) => {
                return Err(Error::invalid("start_date", "end_date needs a start_date."));
            }
            (Some(_), ..) => {
                return Err(Error::invalid("days", "Name days, or start_date and end_date, not both."));
            }
        };
        if first > last {
            return Err(Error::invalid("start_date", "start_date is after end_date."));
        }
        let period = Self { first, last };
        if period.days() > LONGEST {
            return Err(Error::invalid("start_date", format!("A range has at most {LONGEST} days.")));
        }
        Ok(period)
    }

    /// How many days it has.
    pub fn days(self) -> i64 {
        (self.last - self.first).num_days() + 1
    }

    /// As many days right before it.
    pub fn before(self) -> Self {
        let last = back(self.first, 1);
        Self { first: back(last, self.days() - 1), last }
    }

    /// It in three ranges: days, whole weeks by their Mondays, and days again. A range may be empty, and then its first
    /// is after its last.
    pub fn by_weeks(self) -> [(NaiveDate, NaiveDate); 3] {
        let first = monday(ahead(self.first, 6));
        let after = monday(ahead(self.last, 1));
        if first >= after {
            let none = (ahead(self.last, 1), self.last);
            return [(self.first, self.last), none, none];
        }
        [(self.first, back(first, 1)), (first, back(after, 7)), (after, self.last)]
    }

    /// Each of its days.
    pub fn each(self) -> impl Iterator<Item = NaiveDate> {
        self.first.iter_days().take_while(move |day| *day <= self.last)
    }
}

/// The day that it is in a zone.
pub fn day(moment: DateTime<Utc>, zone: Tz) -> NaiveDate {
    moment.with_timezone(&zone).date_naive()
}

/// The moments at which a period begins and is over.
pub fn moments(period: Period, zone: Tz) -> (DateTime<Utc>, DateTime<Utc>) {
    let next = period.last.succ_opt().unwrap_or(period.last);
    (beginning(period.first, zone), beginning(next, zone))
}

/// When a day begins. Where clocks go forward at midnight it has no midnight, and begins an hour later.
fn beginning(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = day.and_time(chrono::NaiveTime::MIN);
    let local = zone.from_local_datetime(&midnight).earliest();
    let later = || zone.from_local_datetime(&(midnight + chrono::TimeDelta::hours(1))).earliest();
    local.or_else(later).map_or_else(|| midnight.and_utc(), |moment| moment.with_timezone(&Utc))
}

/// When the present week began, on a Monday.
pub fn week(now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    beginning(monday(day(now, zone)), zone)
}

/// The Monday of a day's week.
pub fn monday(day: NaiveDate) -> NaiveDate {
    back(day, i64::from(day.weekday().num_days_from_monday()))
}

fn ahead(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_add_days(Days::new(days)).unwrap_or(NaiveDate::MAX)
}

fn back(day: NaiveDate, days: i64) -> NaiveDate {
    day.checked_sub_days(Days::new(days.cast_unsigned())).unwrap_or(NaiveDate::MIN)
}

/// The percentage by which something has grown; 100 when there was nothing before.
pub fn change(before: i64, now: i64) -> f64 {
    match (before, now) {
        (0, 0) => 0.0,
        (0, _) => 100.0,
        _ => ((now - before) as f64 / before as f64 * 1_000.0).round() / 10.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn days_end_today_where_the_workspace_is() {
        let asked = Asked { days: Some(7), ..Asked::default() };
        let now = at("2026-01-25T23:30:00Z");
        let utc = Period::of(&asked, now, Tz::UTC).unwrap();
        assert_eq!((utc.first, utc.last, utc.days()), (date("2026-01-19"), date("2026-01-25"), 7));
        let kolkata = Period::of(&asked, now, Tz::Asia__Kolkata).unwrap();
        assert_eq!((kolkata.first, kolkata.last), (date("2026-01-20"), date("2026-01-26")));
        assert_eq!(kolkata.before(), Period { first: date("2026-01-13"), last: date("2026-01-19") });
        assert_eq!(kolkata.each().count(), 7);
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_name() {
        let now = at("2026-01-25T12:00:00Z");
        let refused = |days: Option<i64>, from: Option<&str>, to: Option<&str>| {
            let asked = Asked { days, from: from.map(date), to: to.map(date) };
            Period::of(&asked, now, Tz::UTC).unwrap_err().field.unwrap()
        };
        assert_eq!(refused(Some(8), None, None), "days");
        assert_eq!(refused(Some(-7), None, None), "days");
        assert_eq!(refused(None, Some("2026-01-20"), Some("2026-01-19")), "start_date");
        assert_eq!(refused(None, None, Some("2026-01-19")), "start_date");
        assert_eq!(refused(None, Some("2020-01-20"), Some("2026-01-19")), "start_date");
        assert_eq!(refused(Some(7), Some("2026-01-20"), None), "days");
    }

    #[test]
    fn a_day_begins_when_it_does_there() {
        let period = Period { first: date("2026-03-29"), last: date("2026-03-29") };
        let (from, to) = moments(period, Tz::Europe__Oslo);
        assert_eq!((from, to), (at("2026-03-28T23:00:00Z"), at("2026-03-29T22:00:00Z")));
        // Clocks in Beirut go forward at midnight.
        assert_eq!(moments(period, Tz::Asia__Beirut).0, at("2026-03-28T22:00:00Z"));
        assert_eq!(week(at("2026-01-25T23:30:00Z"), Tz::UTC), at("2026-01-19T00:00:00Z"));
        assert_eq!(week(at("2026-01-25T23:30:00Z"), Tz::Asia__Kolkata), at("2026-01-25T18:30:00Z"));
    }

    #[test]
    fn a_period_is_its_whole_weeks_and_what_is_around_them() {
        let start = date("2026-01-19"); // a Monday
        for first in start.iter_days().take(9) {
            for last in first.iter_days().take(24) {
                let parts = Period { first, last }.by_weeks();
                let mut days = Vec::new();
                for (n, (from, to)) in parts.into_iter().enumerate() {
                    for day in from.iter_days().take_while(|day| *day <= to) {
                        if n != 1 {
                            days.push(day);
                        } else if day == monday(day) {
                            days.extend(day.iter_days().take(7));
                        }
                    }
                }
                assert_eq!(days, Period { first, last }.each().collect::<Vec<_>>(), "{first} to {last}");
                assert!(parts[0].1 - parts[0].0 < chrono::TimeDelta::days(13));
            }
        }
    }

    #[test]
    fn change_is_a_percentage() {
        assert_eq!([change(0, 0), change(0, 3), change(200, 231), change(4, 1)], [0.0, 100.0, 15.5, -75.0]);
    }
}
