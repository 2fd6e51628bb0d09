//! What was measured, held against its goal: printed as a table, and kept in a file of this folder.

use std::{fs, path::Path};

use crate::{Result, process};

/// What stands below it in the results is written by people and stays.
const MARKER: &str = "<!-- Below this line nothing is overwritten. -->";

/// A file with figures.
#[derive(Clone, Copy)]
pub struct Report {
    file: &'static str,
    title: &'static str,
    command: &'static str,
}

/// What the server does for its callers.
pub const RESULTS: Report = Report {
    file: "RESULTS.md",
    title: "What the server does, measured",
    command: "cargo run --release -p bench",
};
/// How documents get into it and are found again.
pub const INGEST: Report = Report {
    file: "INGEST.md",
    title: "Reading, embedding and finding, measured",
    command: "make bench-ingest",
};

/// Whether answers are right, and whether the server knows it.
pub const ANSWERS: Report =
    Report { file: "ANSWERS.md", title: "Answers and refusals, measured", command: "make bench-answers" };

/// What follows from what happens.
pub const EVENTS: Report =
    Report { file: "EVENTS.md", title: "Webhooks and reports, measured", command: "make bench-events" };

/// How contacts are listed, read and made.
pub const CONTACTS: Report = Report {
    file: "CONTACTS.md",
    title: "Contacts by the million, measured",
    command: "make bench-contacts",
};

/// A measurement's figures.
pub struct Section {
    title: String,
    measured: String,
    figures: Vec<Figure>,
    notes: Vec<String>,
}

struct Figure {
    name: String,
    goal: String,
    measured: String,
    pass: Option<bool>,
}

impl Section {
    /// A measurement that was made just now.
    pub fn new(title: &str) -> Self {
        let (machine, load) = (process::machine(), process::load_average());
        let measured = format!("{}, {machine}, load average {load} before", today());
        Self { title: title.to_owned(), measured, figures: Vec::new(), notes: Vec::new() }
    }

    /// A figure that must not be larger than its goal.
    pub fn at_most(&mut self, name: &str, goal: f64, value: f64, unit: &str) {
        self.goal(name, format!("≤ {goal}{unit}"), value, unit, value <= goal);
    }

    /// A figure that must not be smaller than its goal.
    pub fn at_least(&mut self, name: &str, goal: f64, value: f64, unit: &str) {
        self.goal(name, format!("≥ {goal}{unit}"), value, unit, value >= goal);
    }

    fn goal(&mut self, name: &str, goal: String, value: f64, unit: &str, pass: bool) {
        let measured = format!("{}{unit}", digits(value));
        self.figures.push(Figure { name: name.to_owned(), goal, measured, pass: Some(pass) });
    }

    /// A figure that has no goal.
    pub fn plain(&mut self, name: &str, value: f64, unit: &str) {
        let measured = format!("{}{unit}", digits(value));
        self.figures.push(Figure { name: name.to_owned(), goal: String::new(), measured, pass: None });
    }

    /// What explains the figures.
    pub fn note(&mut self, text: String) {
        self.notes.push(text);
    }

    /// Whether no goal was missed.
    pub fn passes(&self) -> bool {
        self.figures.iter().all(|figure| figure.pass != Some(false))
    }

    /// Prints it.
    pub fn print(&self) {
        println!("\n{}", self.markdown());
    }

    fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n{}.\n\n", self.title, self.measured);
        let rows = self.figures.iter().map(|figure| {
            let pass = figure.pass.map_or("", |pass| if pass { "pass" } else { "FAIL" });
            [figure.name.as_str(), &figure.goal, &figure.measured, pass]
        });
        text.push_str(&table(["figure", "goal", "measured", ""], &rows.collect::<Vec<_>>()));
        if !self.notes.is_empty() {
            text.push('\n');
        }
        for note in &self.notes {
            text.push_str(&format!("- {note}\n"));
        }
        text
    }
}

/// A Markdown table whose columns are aligned, so that it also reads well as it is.
fn table(head: [&str; 4], rows: &[[&str; 4]]) -> String {
    let widths: [usize; 4] = std::array::from_fn(|column| {
        let cells = rows.iter().chain([&head]).map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    });
    let line = |row: &[&str; 4]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!(" {cell:width$} |"));
        format!("|{}\n", cells.collect::<String>())
    };
    let rule = widths.map(|width| format!("{}|", "-".repeat(width + 2))).concat();
    format!("{}|{rule}\n{}", line(&head), rows.iter().map(line).collect::<String>())
}

fn digits(value: f64) -> String {
    match value.abs() {
        0.0..1.0 => format!("{value:.3}"),
        1.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the bench is a program of its own, without the server's clock"
)]
pub fn today() -> String {
    chrono::Utc::now().format("%Y-%m-%d %H:%M UTC").to_string()
}

/// Puts a section into its report, in place of what was measured before; the others stay as they are.
pub fn put(report: Report, section: &Section) -> Result<()> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(report.file);
    let before = fs::read_to_string(&file).unwrap_or_default();
    Ok(fs::write(file, with(report, &before, section))?)
}

fn with(report: Report, before: &str, section: &Section) -> String {
    let Report { title, command, .. } = report;
    let (above, below) = before.split_once(MARKER).unwrap_or((before, "\n"));
    let new = section.markdown();
    let heading = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    let mut sections: Vec<String> =
        above.split("\n## ").skip(1).map(|text| format!("## {}\n", text.trim_end())).collect();
    match sections.iter_mut().find(|old| heading(old) == heading(&new)) {
        Some(old) => *old = new,
        None => sections.push(new),
    }
    let head =
        format!("# {title}\n\nWritten by `{command}`, on one machine that runs all that takes part.\n");
    let sections: String = sections.iter().map(|text| format!("\n{text}")).collect();
    format!("{head}{sections}\n{MARKER}{below}")
}

/// The value below which a share of the sorted values lies.
pub fn at(sorted: &[f64], share: f64) -> f64 {
    sorted.get(((sorted.len().saturating_sub(1)) as f64 * share) as usize).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_met_or_missed() {
        let mut section = Section::new("Speed");
        section.at_most("time", 15.0, 15.0, " ms");
        section.plain("whatever", 3.0, "");
        assert!(section.passes());
        section.at_least("share", 0.3, 0.299, "");
        assert!(!section.passes());
        assert!(
            section.markdown().contains("| share    | ≥ 0.3   | 0.299    | FAIL |"),
            "{}",
            section.markdown()
        );
    }

    #[test]
    fn a_section_takes_the_place_of_its_former_self_alone() {
        let section = |title: &str, value: f64| {
            let mut section = Section::new(title);
            section.plain("value", value, "");
            section
        };
        let mut text = with(RESULTS, "", &section("Speed", 1.0));
        text = with(RESULTS, &text, &section("Memory", 2.0));
        text.push_str("\n## What people wrote\n");
        text = with(RESULTS, &text, &section("Speed", 3.0));
        let headings: Vec<_> = text.lines().filter(|line| line.starts_with('#')).collect();
        assert_eq!(
            headings,
            ["# What the server does, measured", "## Speed", "## Memory", "## What people wrote"]
        );
        assert!(text.contains("3.0") && text.contains("2.0") && !text.contains("1.0 "), "{text}");
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        assert_eq!(at(&[1.0, 2.0, 9.0], 0.5), 2.0);
        assert_eq!(at(&[1.0], 0.99), 1.0);
        assert!(at(&[], 0.5).is_nan());
    }
}
