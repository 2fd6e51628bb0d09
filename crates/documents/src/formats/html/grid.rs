//! The rows and columns of an HTML table, with spans filled in so that each row stands alone.

use scraper::{ElementRef, Node};

use super::dropped::Dropped;
use super::is_block;
use crate::{ExtractError, Limits};

/// HTML's own bound on `colspan` (HTML, "Attributes common to td and th elements").
const MAX_COLSPAN: usize = 1_000;

/// More cells than this in a row are no table for people.
const MAX_COLUMNS: usize = 5_000;

/// A table as text.
pub(super) struct Grid {
    pub(super) caption: Option<String>,
    pub(super) rows: Vec<Vec<String>>,
    /// How many rows name the columns; `None` when the markup does not say.
    pub(super) headers: Option<usize>,
}

/// Whether a table only places things on the page: one column or row, or cells that hold whole blocks.
pub(super) fn is_layout(table: ElementRef<'_>) -> bool {
    if matches!(table.value().attr("role"), Some("presentation" | "none")) {
        return true;
    }
    let inner = || table.descendants().skip(1).filter_map(ElementRef::wrap);
    if inner().any(|element| element.value().name() == "table") {
        return true;
    }
    if inner().any(|element| matches!(element.value().name(), "th" | "thead")) {
        return false;
    }
    let rows = inner().filter(|element| element.value().name() == "tr");
    let widths: Vec<usize> = rows.map(|row| cells(row).count()).collect();
    let holds_blocks = inner().any(|element| {
        matches!(
            element.value().name(),
            "h1" | "h2" | "h3" | "h4" | "ul" | "ol" | "pre" | "section" | "article" | "form"
        )
    });
    widths.len() < 2 || widths.iter().all(|width| *width < 2) || holds_blocks
}

fn cells(row: ElementRef<'_>) -> impl Iterator<Item = ElementRef<'_>> {
    row.child_elements().filter(|cell| matches!(cell.value().name(), "td" | "th"))
}

/// A cell that reaches down into later rows.
#[derive(Clone)]
struct Reaching {
    text: String,
    rows_left: usize,
}

/// Reads a table that [`is_layout`] denies.
pub(super) fn read(table: ElementRef<'_>, dropped: &Dropped, limits: &Limits) -> Result<Grid, ExtractError> {
    let inner =
        || table.descendants().filter_map(ElementRef::wrap).filter(|element| !dropped.drops(*element));
    let caption =
        inner().find(|element| element.value().name() == "caption").map(|found| text(found, dropped));
    let mut reaching: Vec<Option<Reaching>> = Vec::new();
    let mut rows = Vec::new();
    let mut headers = 0;
    let mut keyed_rows = 0;
    for row in inner().filter(|element| element.value().name() == "tr") {
        ExtractError::check("number of table rows", rows.len() as u64, u64::from(limits.max_rows))?;
        let line = read_row(row, dropped, &mut reaching);
        if line.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let in_head =
            row.parent().and_then(ElementRef::wrap).is_some_and(|parent| parent.value().name() == "thead");
        let all_th = cells(row).all(|cell| cell.value().name() == "th");
        headers += usize::from(headers == rows.len() && (in_head || all_th));
        keyed_rows +=
            usize::from(!all_th && cells(row).next().is_some_and(|cell| cell.value().name() == "th"));
        rows.push(line);
    }
    // Rows that begin with their own name need none from a column.
    let keyed = headers == 0 && keyed_rows == rows.len() && rows.iter().all(|row| row.len() == 2);
    if keyed {
        rows = rows.into_iter().map(|row| vec![row.join(": ")]).collect();
    }
    Ok(Grid { caption, headers: (headers > 0 || keyed).then_some(headers), rows })
}

fn read_row(row: ElementRef<'_>, dropped: &Dropped, reaching: &mut Vec<Option<Reaching>>) -> Vec<String> {
    let mut line = Vec::new();
    let fill = |line: &mut Vec<String>, reaching: &mut Vec<Option<Reaching>>| {
        while let Some(Some(above)) = reaching.get_mut(line.len()) {
            let column = line.len();
            line.push(above.text.clone());
            above.rows_left -= 1;
            if above.rows_left == 0 {
                reaching[column] = None;
            }
        }
    };
    for cell in cells(row).filter(|cell| !dropped.drops(*cell)) {
        fill(&mut line, reaching);
        let span = |name: &str| {
            cell.value().attr(name).and_then(|span| span.trim().parse::<usize>().ok()).unwrap_or(1)
        };
        let columns = span("colspan").clamp(1, MAX_COLSPAN);
        let rows_left = span("rowspan").max(1) - 1;
        let text = text(cell, dropped);
        let is_name = cell.value().name() == "th";
        for column in 0..columns {
            if line.len() >= MAX_COLUMNS {
                return line;
            }
            // A header over several columns names each of them; a value is said once.
            let text = if column == 0 || is_name { text.clone() } else { String::new() };
            if rows_left > 0 {
                let at = line.len();
                reaching.resize(reaching.len().max(at + 1), None);
                reaching[at] = Some(Reaching { text: text.clone(), rows_left });
            }
            line.push(text);
        }
    }
    fill(&mut line, reaching);
    line
}

/// The text of a cell on one line.
fn text(cell: ElementRef<'_>, dropped: &Dropped) -> String {
    let mut text = String::new();
    let mut next = cell.first_child();
    while let Some(node) = next {
        let element = ElementRef::wrap(node);
        match node.value() {
            Node::Text(piece) => text.push_str(piece),
            Node::Element(element) if is_block(element.name()) || element.name() == "br" => text.push(' '),
            _ => {}
        }
        let inside =
            if element.is_some_and(|element| dropped.drops(element)) { None } else { node.first_child() };
        next = inside.or_else(|| {
            let mut up = node;
            loop {
                if let Some(sibling) = up.next_sibling() {
                    return Some(sibling);
                }
                up = up.parent().filter(|parent| *parent != *cell)?;
            }
        });
    }
    text
}
