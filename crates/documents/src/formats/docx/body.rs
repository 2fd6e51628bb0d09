//! The body of a document, walked as a stream of tags: paragraphs may stand in cells, and in text boxes
//! inside other paragraphs.

use std::collections::HashMap;

use super::styles::{Role, Styles, outline_level};
use crate::compose::Composer;
use crate::xml::{Element, Node, Xml};
use crate::{ExtractError, Limits, table};

/// Cells longer than this hold text that a table only places on the page.
const MAX_CELL_CHARS: usize = 2_000;

/// Subtrees without current text: deleted and moved text, old formatting, field codes, and the second
/// rendering of what was drawn already.
const SKIPPED: [&str; 12] = [
    "w:del",
    "w:moveFrom",
    "w:instrText",
    "w:delText",
    "w:delInstrText",
    "mc:Fallback",
    "w:pPrChange",
    "w:rPrChange",
    "w:tblPrChange",
    "w:trPrChange",
    "w:tcPrChange",
    "w:sectPr",
];

/// Appends the body to `out`. `notes` holds footnotes by the name of their element and their id.
pub(super) fn read(
    part: &str,
    styles: &Styles,
    notes: &HashMap<String, String>,
    limits: &Limits,
    out: &mut Composer,
) -> Result<(), ExtractError> {
    let mut xml = Xml::new(part, crate::Format::Docx);
    let mut walk = Walk {
        styles,
        notes,
        limits,
        out,
        skipping: 0,
        in_text: false,
        hidden: false,
        paragraphs: Vec::new(),
        tables: Vec::new(),
    };
    while let Some(node) = xml.next()? {
        walk.node(node)?;
    }
    Ok(())
}

struct Walk<'a> {
    styles: &'a Styles,
    notes: &'a HashMap<String, String>,
    limits: &'a Limits,
    out: &'a mut Composer,
    /// How deep the walk is inside a subtree that does not count.
    skipping: usize,
    in_text: bool,
    /// The run is formatted as hidden text.
    hidden: bool,
    paragraphs: Vec<Paragraph>,
    tables: Vec<Table>,
}

#[derive(Default)]
struct Paragraph {
    text: String,
    role: Role,
    notes: Vec<String>,
}

#[derive(Default)]
struct Table {
    rows: Vec<Row>,
}

#[derive(Default)]
struct Row {
    is_header: bool,
    cells: Vec<Cell>,
}

#[derive(Default)]
struct Cell {
    paragraphs: Vec<Paragraph>,
    /// Columns that the cell covers.
    span: usize,
    /// The cell goes on from the row above.
    continues: bool,
}

impl Cell {
    fn text(&self) -> String {
        let lines: Vec<&str> = self.paragraphs.iter().map(|paragraph| paragraph.text.trim()).collect();
        lines.join("\n")
    }
}

impl Walk<'_> {
    fn node(&mut self, node: Node<'_>) -> Result<(), ExtractError> {
        match node {
            Node::Open(_) if self.skipping > 0 => self.skipping += 1,
            Node::Open(element) if SKIPPED.contains(&element.name()) => self.skipping = 1,
            Node::Open(element) => self.open(&element),
            Node::Close(_) if self.skipping > 0 => self.skipping -= 1,
            Node::Close(name) => return self.close(&name),
            Node::Text(text) if self.in_text && self.skipping == 0 => self.write(&text),
            Node::Text(_) => {}
        }
        Ok(())
    }

    fn open(&mut self, element: &Element<'_>) {
        match element.name() {
            "w:p" => self.paragraphs.push(Paragraph::default()),
            "w:r" => self.hidden = false,
            "w:t" | "m:t" => self.in_text = true,
            // Inside w:tabs these are tab stops, which come before any text and vanish with it.
            "w:tab" | "w:ptab" => self.write("\t"),
            "w:br" if element.attribute("w:type").is_none() => self.write("\n"),
            "w:br" => self.write(" "),
            "w:cr" => self.write("\n"),
            "w:noBreakHyphen" => self.write("-"),
            "w:vanish" => self.hidden = element.is_on(),
            "w:footnoteReference" | "w:endnoteReference" => self.refer_to_note(element),
            "w:tbl" => self.tables.push(Table::default()),
            _ => {
                self.paragraph_property(element);
                self.table_part(element);
            }
        }
    }

    fn paragraph_property(&mut self, element: &Element<'_>) {
        let Some(paragraph) = self.paragraphs.last_mut() else { return };
        match element.name() {
            "w:pStyle" => paragraph.role = self.styles.role(&element.val().unwrap_or_default()),
            "w:outlineLvl" => paragraph.role.level = outline_level(element.val()).or(paragraph.role.level),
            // The number 0 takes a paragraph out of its style's list.
            "w:numId" => paragraph.role.list = element.val().is_some_and(|id| id != "0"),
            _ => {}
        }
    }

    fn table_part(&mut self, element: &Element<'_>) {
        let Some(table) = self.tables.last_mut() else { return };
        if element.name() == "w:tr" {
            table.rows.push(Row::default());
        }
        let Some(row) = table.rows.last_mut() else { return };
        match element.name() {
            "w:tblHeader" => row.is_header = element.is_on(),
            "w:tc" => row.cells.push(Cell { span: 1, ..Cell::default() }),
            "w:gridSpan" => {
                let span = element.val().and_then(|span| span.parse().ok()).unwrap_or(1);
                row.cells
                    .iter_mut()
                    .last()
                    .into_iter()
                    .for_each(|cell| cell.span = usize::clamp(span, 1, 100));
            }
            "w:vMerge" => {
                let continues = element.val().is_none_or(|merge| merge == "continue");
                row.cells.iter_mut().last().into_iter().for_each(|cell| cell.continues = continues);
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str) -> Result<(), ExtractError> {
        match name {
            "w:t" | "m:t" => self.in_text = false,
            "w:p" => {
                if let Some(paragraph) = self.paragraphs.pop() {
                    self.end_paragraph(paragraph)?;
                }
            }
            "w:tbl" => {
                if let Some(table) = self.tables.pop() {
                    self.end_table(table)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn write(&mut self, text: &str) {
        if let Some(paragraph) = self.paragraphs.last_mut().filter(|_| !self.hidden) {
            paragraph.text.push_str(text);
        }
    }

    fn refer_to_note(&mut self, element: &Element<'_>) {
        let kind = element.name().trim_end_matches("Reference");
        let key = format!("{kind}{}", element.attribute("w:id").unwrap_or_default());
        if let (Some(note), Some(paragraph)) = (self.notes.get(&key), self.paragraphs.last_mut()) {
            paragraph.notes.push(note.clone());
        }
    }

    /// The cell that is open, when the walk is inside a table.
    fn cell(&mut self) -> Option<&mut Cell> {
        self.tables.last_mut()?.rows.last_mut()?.cells.last_mut()
    }

    fn end_paragraph(&mut self, paragraph: Paragraph) -> Result<(), ExtractError> {
        match self.cell() {
            Some(cell) => {
                cell.paragraphs.push(paragraph);
                Ok(())
            }
            None => self.emit(&paragraph),
        }
    }

    fn emit(&mut self, paragraph: &Paragraph) -> Result<(), ExtractError> {
        let Paragraph { text, role, notes } = paragraph;
        if role.contents {
            return Ok(());
        }
        if role.title {
            self.out.title(text);
        }
        match role.level {
            Some(level) => self.out.heading(level, text)?,
            None if role.list => self.out.list_item(text)?,
            None => self.out.paragraph(text)?,
        }
        notes.iter().try_for_each(|note| self.out.paragraph(note))
    }

    fn end_table(&mut self, table: Table) -> Result<(), ExtractError> {
        if let Some(outer) = self.cell() {
            // A table in a cell becomes text of that cell.
            outer
                .paragraphs
                .extend(table.rows.into_iter().flat_map(|row| row.cells).flat_map(|cell| cell.paragraphs));
            return Ok(());
        }
        if is_layout(&table) {
            let paragraphs = table.rows.iter().flat_map(|row| &row.cells).flat_map(|cell| &cell.paragraphs);
            return paragraphs.into_iter().try_for_each(|paragraph| self.emit(paragraph));
        }
        let headers = table.rows.iter().take_while(|row| row.is_header).count();
        let notes = table
            .rows
            .iter()
            .flat_map(|row| &row.cells)
            .flat_map(|cell| &cell.paragraphs)
            .flat_map(|p| &p.notes);
        table::write(&grid(&table), (headers > 0).then_some(headers), self.limits.max_rows, self.out)?;
        notes.into_iter().try_for_each(|note| self.out.paragraph(note))
    }
}

/// Whether a table only places things on the page.
fn is_layout(table: &Table) -> bool {
    let cells = || table.rows.iter().flat_map(|row| &row.cells);
    let has_heading =
        cells().flat_map(|cell| &cell.paragraphs).any(|paragraph| paragraph.role.level.is_some());
    let has_prose = cells().any(|cell| cell.text().chars().count() > MAX_CELL_CHARS);
    table.rows.iter().all(|row| row.cells.len() < 2) || has_heading || has_prose
}

/// Rows and columns with merged cells filled in, so that each row stands alone.
fn grid(table: &Table) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for row in &table.rows {
        let mut line: Vec<String> = Vec::new();
        for cell in &row.cells {
            let above = rows.last().and_then(|above| above.get(line.len()));
            let text = if cell.continues { above.cloned().unwrap_or_default() } else { cell.text() };
            // A header over several columns names each of them; a value is said once.
            let repeated = if row.is_header { text.clone() } else { String::new() };
            line.push(text);
            line.extend(std::iter::repeat_n(repeated, cell.span - 1));
        }
        if line.iter().any(|cell| !cell.trim().is_empty()) {
            rows.push(line);
        }
    }
    rows
}
