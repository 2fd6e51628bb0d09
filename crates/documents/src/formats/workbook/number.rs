//! Numbers and dates of cells as a person reads them (ECMA-376 part 1, 18.8.30 and 18.8.31).

use calamine::ExcelDateTime;

/// Decimals beyond this are not shown by any program.
const MAX_DECIMALS: usize = 30;

/// A number in the format `code`; an unknown or missing code shows it as it is.
pub(super) fn number(value: f64, code: Option<&str>) -> String {
    let code = code.map(|code| Code::parse(section(code, value))).unwrap_or_default();
    if !code.has_digits || code.scientific || !value.is_finite() {
        return plain(value);
    }
    let value = if code.percent { value * 100.0 } else { value };
    let mut digits = format!("{:.*}", code.decimals, value.abs());
    if code.optional_decimals > 0 && digits.contains('.') {
        let keep = digits.len() - code.optional_decimals;
        while digits.len() > keep && digits.ends_with('0') {
            digits.pop();
        }
        digits.truncate(digits.trim_end_matches('.').len());
    }
    if code.grouped {
        digits = group(&digits);
    }
    let is_zero = digits.bytes().all(|digit| !digit.is_ascii_digit() || digit == b'0');
    let sign = if value < 0.0 && !is_zero { "-" } else { "" };
    format!("{sign}{}{digits}{}", code.prefix, code.suffix).trim().to_owned()
}

/// At most 15 significant digits, which is what workbooks keep.
fn plain(value: f64) -> String {
    let rounded = format!("{value:.14e}").parse::<f64>().unwrap_or(value);
    format!("{rounded}")
}

/// A date, a time or both, whichever the format shows; without a format, whichever the value holds. Dates are
/// written year first, since nothing says which country's order was meant.
pub(super) fn date(value: ExcelDateTime, code: Option<&str>) -> String {
    let days = value.as_f64();
    if value.is_duration() {
        let seconds = (days * 86_400.0).round() as i64;
        let sign = if seconds < 0 { "-" } else { "" };
        let seconds = seconds.unsigned_abs();
        return format!("{sign}{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
    let (year, month, day, hour, minute, second, _) = value.to_ymd_hms_milli();
    let shown = code.map(shown_parts).filter(|shown| shown.date || shown.time).unwrap_or(Shown {
        date: days >= 1.0,
        day: true,
        time: days.fract() != 0.0,
        seconds: second != 0,
    });
    let date = if shown.day { format!("{year}-{month:02}-{day:02}") } else { format!("{year}-{month:02}") };
    let time = match shown.seconds {
        true => format!("{hour:02}:{minute:02}:{second:02}"),
        false => format!("{hour:02}:{minute:02}"),
    };
    match (shown.date, shown.time) {
        (true, true) => format!("{date} {time}"),
        (false, true) => time,
        _ => date,
    }
}

struct Shown {
    date: bool,
    day: bool,
    time: bool,
    seconds: bool,
}

fn shown_parts(code: &str) -> Shown {
    let letters: String = tokens(code).into_iter().filter_map(|token| token.letter()).collect();
    let letters = letters.to_ascii_lowercase();
    let time = letters.contains(['h', 's']);
    let date = letters.contains(['y', 'd']) || letters.contains('m') && !time;
    Shown { date, day: letters.contains('d'), time, seconds: letters.contains('s') }
}

/// The part of a code that is for this value: positive, negative and zero may have one each.
fn section(code: &str, value: f64) -> &str {
    let mut ends = Vec::new();
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in code.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            ';' if !quoted => ends.push(at),
            _ => {}
        }
    }
    let part = |index: usize| {
        let start = if index == 0 { 0 } else { ends[index - 1] + 1 };
        &code[start..ends.get(index).copied().unwrap_or(code.len())]
    };
    if value == 0.0 && ends.len() >= 2 { part(2) } else { part(0) }
}

enum Token {
    Literal(char),
    /// A sign that means something.
    Sign(char),
}

impl Token {
    fn letter(self) -> Option<char> {
        match self {
            Self::Sign(c) if c.is_ascii_alphabetic() => Some(c),
            _ => None,
        }
    }
}

/// Takes quotes, escapes, colours, conditions and currencies in brackets apart.
fn tokens(code: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut chars = code.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => found.extend(chars.by_ref().take_while(|c| *c != '"').map(Token::Literal)),
            '\\' => found.extend(chars.next().map(Token::Literal)),
            // Room as wide as a sign, or a sign that fills the cell.
            '_' | '*' => {
                chars.next();
            }
            '[' => {
                let inside: String = chars.by_ref().take_while(|c| *c != ']').collect();
                if let Some(currency) = inside.strip_prefix('$') {
                    let symbol = currency.split('-').next().unwrap_or_default();
                    found.extend(symbol.chars().map(Token::Literal));
                } else if inside.chars().all(|c| matches!(c, 'h' | 'H' | 'm' | 'M' | 's' | 'S')) {
                    found.extend(inside.chars().map(Token::Sign));
                }
            }
            c => found.push(Token::Sign(c)),
        }
    }
    found
}

/// A format of numbers.
#[derive(Default)]
struct Code {
    prefix: String,
    suffix: String,
    decimals: usize,
    /// How many of the decimals are shown only when they are not zero.
    optional_decimals: usize,
    grouped: bool,
    percent: bool,
    scientific: bool,
    has_digits: bool,
}

impl Code {
    fn parse(code: &str) -> Self {
        let mut parsed = Self::default();
        let mut after_point = false;
        for token in tokens(code) {
            match token {
                Token::Sign('0' | '#' | '?') if after_point && parsed.decimals >= MAX_DECIMALS => {}
                Token::Sign(digit @ ('0' | '#' | '?')) => {
                    parsed.has_digits = true;
                    parsed.decimals += usize::from(after_point);
                    parsed.optional_decimals += usize::from(after_point && digit != '0');
                }
                Token::Sign('.') if parsed.has_digits => after_point = true,
                Token::Sign(',') if parsed.has_digits => parsed.grouped = true,
                Token::Sign('%') => {
                    parsed.percent = true;
                    parsed.affix('%');
                }
                Token::Sign('E' | 'e') if parsed.has_digits => parsed.scientific = true,
                // Brackets around negative numbers say what the sign says.
                Token::Sign('(' | ')' | '@') => {}
                // `General`, and letters without quotes that programs let pass.
                Token::Sign(c) if c.is_ascii_alphabetic() => {}
                Token::Sign(c) | Token::Literal(c) => parsed.affix(c),
            }
        }
        parsed
    }

    fn affix(&mut self, c: char) {
        if self.has_digits { self.suffix.push(c) } else { self.prefix.push(c) }
    }
}

/// `1234567.5` as `1,234,567.5`.
fn group(digits: &str) -> String {
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType;

    use super::*;

    #[test]
    fn numbers_look_as_in_the_workbook() {
        let shown = |value, code| number(value, Some(code));
        assert_eq!(number(29.0, None), "29");
        assert_eq!(number(0.1 + 0.2, None), "0.3");
        assert_eq!(shown(1234.5, "General"), "1234.5");
        assert_eq!(shown(1234.5, "0.00"), "1234.50");
        assert_eq!(shown(-1_234_567.891, "#,##0.00"), "-1,234,567.89");
        assert_eq!(shown(0.19, "0%"), "19%");
        assert_eq!(shown(29.9, "#,##0.00\\ \"€\""), "29.90 €");
        assert_eq!(shown(29.0, "[$$-409]#,##0.00"), "$29.00");
        assert_eq!(shown(-5.0, "_(\"$\"* #,##0.00_);_(\"$\"* \\(#,##0.00\\)"), "-$5.00");
        assert_eq!(shown(0.0, "0.0;-0.0;\"none\""), "0", "a format without digits shows the number");
        assert_eq!(shown(2.5, "0.##"), "2.5");
        assert_eq!(shown(2.0, "0.##"), "2");
        assert_eq!(shown(-0.001, "0.00"), "0.00");
        assert_eq!(shown(f64::NAN, "0"), "NaN");
    }

    #[test]
    fn dates_show_what_their_format_shows() {
        let shown = |days, code| date(ExcelDateTime::new(days, ExcelDateTimeType::DateTime, false), code);
        assert_eq!(shown(45_943.0, None), "2025-10-13");
        assert_eq!(shown(45_943.5, None), "2025-10-13 12:00");
        assert_eq!(shown(0.75, None), "18:00");
        assert_eq!(shown(45_943.75, Some("dd/mm/yyyy")), "2025-10-13");
        assert_eq!(shown(45_943.75, Some("mmm\\ yy")), "2025-10");
        assert_eq!(shown(45_943.75, Some("h:mm AM/PM")), "18:00");
        let span = ExcelDateTime::new(1.5, ExcelDateTimeType::TimeDelta, false);
        assert_eq!(date(span, Some("[h]:mm")), "36:00:00");
    }
}
