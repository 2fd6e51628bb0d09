//! The body, walked as a stream of tags: paragraphs may stand in cells, lists, notes and text boxes.

use super::styles::Styles;
use crate::compose::Composer;
use crate::sheet::Sheet;
use crate::xml::{Element, Node, Xml};
use crate::{ExtractError, Format, Limits, table};

/// Columns that one table may have; a cell that says it is repeated more often is cut.
const MAX_COLUMNS: u32 = 16_384;

/// Subtrees without text of their own: deleted text, comments, contents lists, numbers of notes, and formulas.
const SKIPPED: [&str; 9] = [
    "text:tracked-changes",
    "office:annotation",
    "text:table-of-content",
    "text:alphabetical-index",
    "text:note-citation",
    "office:forms",
    "draw:object",
    "svg:title",
    "svg:desc",
];

/// Appends the body to `out`.
pub(super) fn read(
    part: &str,
    format: Format,
    styles: &Styles,
    limits: &Limits,
    out: &mut Composer,
) -> Result<(), ExtractError> {
    let mut xml = Xml::new(part, format);
    let mut walk = Walk {
        styles,
        limits,
        out,
        is_workbook: format == Format::Ods,
        in_body: false,
        skipping: 0,
        list_depth: 0,
        paragraphs: Vec::new(),
        notes: Vec::new(),
        note_depth: 0,
        tables: Vec::new(),
        hidden_sheets: Vec::new(),
    };
    while let Some(node) = xml.next()? {
        walk.node(node)?;
    }
    if !walk.hidden_sheets.is_empty() {
        let names = walk.hidden_sheets.join(", ");
        walk.out.warn(format!("Hidden sheets were left out: {names}."));
    }
    Ok(())
}

struct Walk<'a> {
    styles: &'a Styles,
    limits: &'a Limits,
    out: &'a mut Composer,
    is_workbook: bool,
    in_body: bool,
    /// How deep the walk is inside a subtree that does not count.
    skipping: usize,
    list_depth: usize,
    /// Open paragraphs: one may stand in a text box that is inside another one.
    paragraphs: Vec<Paragraph>,
    /// Notes that follow the paragraph they belong to.
    notes: Vec<String>,
    note_depth: usize,
    tables: Vec<Table<'a>>,
    hidden_sheets: Vec<String>,
}

#[derive(Default)]
struct Paragraph {
    text: String,
    /// Set for headings.
    level: Option<u8>,
    title: bool,
}

#[derive(Default)]
struct Room {
    cells: u64,
    bytes: u64,
}

impl Room {
    fn take(&mut self, times: u64, cells: &[String], limits: &Limits) -> Result<(), ExtractError> {
        let bytes: u64 = cells.iter().map(|cell| cell.len() as u64).sum();
        self.cells = self.cells.saturating_add(times.saturating_mul(cells.len() as u64));
        self.bytes = self.bytes.saturating_add(times.saturating_mul(bytes));
        ExtractError::check("number of cells", self.cells, u64::from(limits.max_cells))?;
        ExtractError::check("text in bytes", self.bytes, limits.max_text_bytes as u64)
    }
}

struct Table<'a> {
    name: String,
    rows: Vec<Vec<String>>,
    headers: usize,
    in_header: bool,
    /// The row that is open.
    row: u32,
    row_repeats: u32,
    cells: Vec<String>,
    /// The cell that is open, and in how many columns it stands.
    cell: Option<(String, u32)>,
    column: u32,
    /// Cells and bytes so far, repetitions included: a few tags may stand for millions.
    room: Room,
    /// Where the cells go in a workbook.
    sheet: Option<Sheet<'a>>,
}

impl<'a> Walk<'a> {
    fn node(&mut self, node: Node<'_>) -> Result<(), ExtractError> {
        match node {
            Node::Open(_) if self.skipping > 0 => self.skipping += 1,
            Node::Open(element) if SKIPPED.contains(&element.name()) => self.skipping = 1,
            Node::Open(element) => return self.open(&element),
            Node::Close(_) if self.skipping > 0 => self.skipping -= 1,
            Node::Close(name) => return self.close(&name),
            Node::Text(text) if self.skipping == 0 => self.text(&text),
            Node::Text(_) => {}
        }
        Ok(())
    }

    /// White space counts as one blank; more of it has elements of its own (ODF 1.3 part 3, 6.1.2).
    fn text(&mut self, text: &str) {
        if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.text.push_str(&text.replace(['\n', '\r', '\t'], " "));
        }
    }

    fn open(&mut self, element: &Element<'_>) -> Result<(), ExtractError> {
        let style = |name: &str| element.attribute(name).unwrap_or_default();
        match element.name() {
            "office:text" | "office:spreadsheet" => self.in_body = true,
            "text:p" | "text:h" if self.in_body => {
                let name = style("text:style-name");
                let is_heading = element.name() == "text:h";
                let level = element.attribute("text:outline-level").and_then(|level| level.parse().ok());
                let title = self.styles.is_title(&name);
                let level = if title { Some(1) } else { is_heading.then(|| level.unwrap_or(1)) };
                self.paragraphs.push(Paragraph { text: String::new(), level, title });
            }
            "text:span" if self.styles.hides(&style("text:style-name")) => self.skipping = 1,
            "text:section" if style("text:display") == "none" => self.skipping = 1,
            "text:s" => {
                let count = element.attribute("text:c").and_then(|count| count.parse().ok()).unwrap_or(1);
                self.text(&" ".repeat(usize::clamp(count, 1, 100)));
            }
            "text:tab" => self.text(" "),
            "text:line-break" => {
                if let Some(paragraph) = self.paragraphs.last_mut() {
                    paragraph.text.push('\n');
                }
            }
            "text:list" => self.list_depth += 1,
            "text:note-body" => self.note_depth += 1,
            "table:table" if self.in_body => self.open_table(element),
            name => self.open_part(name, element),
        }
        Ok(())
    }

    fn open_table(&mut self, element: &Element<'_>) {
        let name = element.attribute("table:name").unwrap_or_default();
        let is_sheet = self.is_workbook && self.tables.is_empty();
        if is_sheet && self.styles.hides(&element.attribute("table:style-name").unwrap_or_default()) {
            self.hidden_sheets.push(name);
            self.skipping = 1;
            return;
        }
        self.tables.push(Table {
            name,
            rows: Vec::new(),
            headers: 0,
            in_header: false,
            row: 0,
            row_repeats: 1,
            cells: Vec::new(),
            cell: None,
            column: 0,
            room: Room::default(),
            sheet: is_sheet.then(|| Sheet::new(self.limits)),
        });
    }

    fn open_part(&mut self, name: &str, element: &Element<'_>) {
        let Some(table) = self.tables.last_mut() else { return };
        let count = |name: &str| {
            element.attribute(name).and_then(|count| count.parse::<u32>().ok()).unwrap_or(1).max(1)
        };
        match name {
            "table:table-header-rows" => table.in_header = true,
            "table:table-row" => {
                table.row_repeats = count("table:number-rows-repeated");
                table.column = 0;
            }
            "table:table-cell" | "table:covered-table-cell" => {
                table.cell = Some((String::new(), count("table:number-columns-repeated")));
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str) -> Result<(), ExtractError> {
        match name {
            "text:p" | "text:h" => match self.paragraphs.pop() {
                Some(paragraph) => self.end_paragraph(paragraph),
                None => Ok(()),
            },
            "text:list" => {
                self.list_depth = self.list_depth.saturating_sub(1);
                Ok(())
            }
            "text:note-body" => {
                self.note_depth = self.note_depth.saturating_sub(1);
                Ok(())
            }
            "table:table" => match self.tables.pop() {
                Some(table) => self.end_table(table),
                None => Ok(()),
            },
            name => match self.tables.last_mut() {
                Some(table) => table.close(name, self.limits),
                None => Ok(()),
            },
        }
    }

    fn end_paragraph(&mut self, paragraph: Paragraph) -> Result<(), ExtractError> {
        if self.note_depth > 0 {
            self.notes.push(paragraph.text);
            return Ok(());
        }
        if let Some((cell, _)) = self.tables.last_mut().and_then(|table| table.cell.as_mut()) {
            if !cell.is_empty() {
                cell.push('\n');
            }
            cell.push_str(&paragraph.text);
            return Ok(());
        }
        if paragraph.title {
            self.out.title(&paragraph.text);
        }
        match paragraph.level {
            Some(level) => self.out.heading(level, &paragraph.text)?,
            None if self.list_depth > 0 => self.out.list_item(&paragraph.text)?,
            None => self.out.paragraph(&paragraph.text)?,
        }
        if self.paragraphs.is_empty() { self.write_notes() } else { Ok(()) }
    }

    fn write_notes(&mut self) -> Result<(), ExtractError> {
        std::mem::take(&mut self.notes).iter().try_for_each(|note| self.out.paragraph(note))
    }

    fn end_table(&mut self, table: Table<'a>) -> Result<(), ExtractError> {
        if let Some(sheet) = table.sheet {
            return sheet.write(&table.name, self.out);
        }
        if let Some((cell, _)) = self.tables.last_mut().and_then(|outer| outer.cell.as_mut()) {
            // A table in a cell becomes text of that cell.
            let lines: Vec<String> = table.rows.iter().map(|row| row.join(" ")).collect();
            cell.push_str(&lines.join("\n"));
            return Ok(());
        }
        if table.rows.iter().all(|row| row.len() < 2) {
            let cells = table.rows.iter().flatten();
            cells.into_iter().try_for_each(|cell| self.out.paragraph(cell))?;
        } else {
            let headers = (table.headers > 0).then_some(table.headers);
            table::write(&table.rows, headers, self.limits.max_rows, self.out)?;
        }
        self.write_notes()
    }
}

impl Table<'_> {
    fn close(&mut self, name: &str, limits: &Limits) -> Result<(), ExtractError> {
        match name {
            "table:table-header-rows" => {
                self.in_header = false;
                Ok(())
            }
            "table:table-cell" | "table:covered-table-cell" => self.end_cell(limits),
            "table:table-row" => self.end_row(limits),
            _ => Ok(()),
        }
    }

    fn end_cell(&mut self, limits: &Limits) -> Result<(), ExtractError> {
        let Some((text, repeats)) = self.cell.take() else { return Ok(()) };
        // Sheets end in thousands of cells without anything in them.
        let filled = !text.trim().is_empty();
        let after = self.column.saturating_add(repeats);
        if filled {
            ExtractError::check("number of columns", u64::from(after), u64::from(MAX_COLUMNS))?;
            let bytes = u64::from(repeats).saturating_mul(text.len() as u64);
            ExtractError::check("text in bytes", bytes, limits.max_text_bytes as u64)?;
        }
        if self.sheet.is_some() {
            if filled {
                self.cells.resize(self.column as usize, String::new());
                self.cells.resize(after as usize, text);
            }
        } else {
            let kept = repeats.min(MAX_COLUMNS.saturating_sub(self.column));
            self.cells.extend(std::iter::repeat_n(text, kept as usize));
        }
        self.column = after.min(MAX_COLUMNS);
        Ok(())
    }

    fn end_row(&mut self, limits: &Limits) -> Result<(), ExtractError> {
        let cells = std::mem::take(&mut self.cells);
        let repeats = self.row_repeats;
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            self.row = self.row.saturating_add(repeats);
            return Ok(());
        }
        let rows = u64::from(self.row.min(self.rows.len() as u32)) + u64::from(repeats);
        ExtractError::check("number of table rows", rows, u64::from(limits.max_rows))?;
        self.room.take(repeats.into(), &cells, limits)?;
        for _ in 0..repeats {
            match self.sheet.as_mut() {
                Some(sheet) => {
                    for (column, cell) in (0..).zip(&cells) {
                        sheet.add(self.row, column, cell.clone())?;
                    }
                }
                None => self.rows.push(cells.clone()),
            }
            self.row = self.row.saturating_add(1);
        }
        self.headers += usize::from(self.in_header);
        Ok(())
    }
}
