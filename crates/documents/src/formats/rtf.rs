//! Rich Text Format (1.9.1): paragraphs, headings by style or outline level, lists, tables and notes.
//!
//! Groups are kept on a stack of our own, so that their depth costs no recursion.

mod charset;
mod state;
mod tokens;

use crate::compose::Composer;
use crate::{ExtractError, Limits, table};
use state::{Destination, Fonts, Paragraph, State, Styles};
use tokens::{Token, Tokens};

/// Reads a whole document.
pub(crate) fn read(bytes: &[u8], limits: &Limits, out: &mut Composer) -> Result<(), ExtractError> {
    let mut reader = Reader {
        limits,
        out,
        state: State::default(),
        groups: Vec::new(),
        fonts: Fonts::default(),
        styles: Styles::default(),
        group_start: false,
        starred: false,
        fallback: 0,
        high_surrogate: None,
        bytes: Vec::new(),
        text: String::new(),
        outside: Vec::new(),
        notes: Vec::new(),
        table: Table::default(),
    };
    for token in Tokens::new(bytes) {
        reader.token(&token)?;
    }
    reader.flush_bytes();
    reader.end_paragraph()?;
    reader.end_table()
}

struct Reader<'a> {
    limits: &'a Limits,
    out: &'a mut Composer,
    state: State,
    /// The states of the groups around the current one, outermost first.
    groups: Vec<State>,
    fonts: Fonts,
    styles: Styles,
    /// Nothing but `\*` has stood in the current group.
    group_start: bool,
    starred: bool,
    /// How many bytes are still to be passed over after a `\u`.
    fallback: usize,
    high_surrogate: Option<u16>,
    /// Text that is not decoded yet: a character may be more than one byte.
    bytes: Vec<u8>,
    text: String,
    /// Text around the note, bullet or property that is being read, outermost first.
    outside: Vec<String>,
    /// Notes that follow the paragraph they belong to.
    notes: Vec<String>,
    table: Table,
}

/// A table that is being read.
#[derive(Default)]
struct Table {
    rows: Vec<Vec<String>>,
    headers: usize,
    cells: Vec<String>,
    /// The paragraphs of the cell that is open.
    cell: Vec<String>,
    is_header: bool,
    /// For each cell of the row, whether it goes on from the row above.
    merged: Vec<bool>,
    next_merged: bool,
}

impl Reader<'_> {
    fn token(&mut self, token: &Token<'_>) -> Result<(), ExtractError> {
        let at_start = std::mem::take(&mut self.group_start);
        match token {
            Token::Text(text) => {
                let skipped = self.fallback.min(text.len());
                self.fallback -= skipped;
                self.bytes.extend_from_slice(&text[skipped..]);
            }
            Token::Hex(_) if self.fallback > 0 => self.fallback -= 1,
            Token::Hex(byte) => self.bytes.push(*byte),
            token => {
                self.flush_bytes();
                return self.control(token, at_start);
            }
        }
        Ok(())
    }

    fn control(&mut self, token: &Token<'_>, at_start: bool) -> Result<(), ExtractError> {
        match token {
            Token::Open => {
                let depth = self.groups.len() as u64 + 1;
                ExtractError::check("number of nested groups", depth, u64::from(self.limits.max_depth))?;
                self.groups.push(self.state.clone());
                (self.group_start, self.starred, self.fallback) = (true, false, 0);
            }
            Token::Close => {
                self.fallback = 0;
                self.close_group()?;
            }
            Token::Symbol(b'*') if at_start => (self.group_start, self.starred) = (true, true),
            Token::Symbol(symbol) => match symbol {
                b'~' => self.push(" "),
                b'_' => self.push("-"),
                b'{' | b'}' | b'\\' => self.bytes.push(*symbol),
                _ => {}
            },
            Token::Word(word, number) => {
                if at_start && let Some(destination) = Destination::named(word, self.starred) {
                    self.enter(destination);
                }
                return self.word(word, *number);
            }
            Token::Text(_) | Token::Hex(_) => {}
        }
        Ok(())
    }

    /// What is inside a group that is passed over is passed over as well, the result of an object excepted.
    fn enter(&mut self, destination: Destination) {
        let outer = self.groups.last().map_or(Destination::Body, |outer| outer.destination);
        let stays = outer == Destination::Skipped && !matches!(destination, Destination::Title);
        self.state.destination = if stays { outer } else { destination };
        if self.state.destination != outer && is_aside(self.state.destination) {
            self.outside.push(std::mem::take(&mut self.text));
        }
    }

    fn close_group(&mut self) -> Result<(), ExtractError> {
        let Some(outer) = self.groups.pop() else { return Ok(()) };
        let inner = std::mem::replace(&mut self.state, outer);
        if inner.destination == self.state.destination || !is_aside(inner.destination) {
            if inner.destination == Destination::Styles && self.state.destination == Destination::Styles {
                let name = std::mem::take(&mut self.text);
                let style = inner.paragraph;
                self.styles.add(style.style, name.trim_end_matches(';'), style.outline);
            }
            return Ok(());
        }
        let text = std::mem::replace(&mut self.text, self.outside.pop().unwrap_or_default());
        match inner.destination {
            Destination::Note => self.notes.push(text),
            Destination::Title => self.out.title(&text),
            Destination::Bullet => {
                self.state.paragraph.list = true;
                // A number says which step it is; a bullet says nothing.
                if text.trim_start().starts_with(|c: char| c.is_ascii_digit()) {
                    self.push(&format!("{} ", text.trim()));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn word(&mut self, word: &str, number: Option<i32>) -> Result<(), ExtractError> {
        match word {
            "u" => self.unicode(number.unwrap_or(0)),
            "uc" => self.state.fallback_bytes = usize::try_from(number.unwrap_or(1)).unwrap_or(0).min(100),
            "ansicpg" => self.fonts.set_default(charset::by_codepage(number.unwrap_or(0))),
            "mac" => self.fonts.set_default(charset::by_codepage(10_000)),
            "f" | "fcharset" | "cpg" if self.state.destination == Destination::Fonts => {
                self.fonts.note(word, number.unwrap_or(0));
            }
            "f" => self.state.font = number.unwrap_or(0),
            "v" | "deleted" => self.state.hidden = number != Some(0),
            "plain" => self.state.hidden = false,
            _ if self.state.destination == Destination::Skipped => {}
            "par" | "sect" | "page" | "column" => return self.end_paragraph(),
            "cell" | "row" | "trowd" | "trhdr" | "clvmrg" | "cellx" => return self.table_word(word),
            "nestcell" | "tab" | "emspace" | "enspace" | "qmspace" => self.push(" "),
            "line" | "lbr" | "nestrow" => self.push("\n"),
            "emdash" => self.push("—"),
            "endash" => self.push("–"),
            "lquote" => self.push("‘"),
            "rquote" => self.push("’"),
            "ldblquote" => self.push("“"),
            "rdblquote" => self.push("”"),
            "bullet" => self.push("•"),
            word => self.paragraph_word(word, number),
        }
        Ok(())
    }

    fn paragraph_word(&mut self, word: &str, number: Option<i32>) {
        let paragraph = &mut self.state.paragraph;
        match word {
            "pard" => *paragraph = Paragraph::default(),
            "s" => paragraph.style = number.unwrap_or(0),
            "outlinelevel" => {
                let level = number.and_then(|level| u8::try_from(level).ok());
                paragraph.outline = level.filter(|level| *level < 9).map(|level| level + 1);
            }
            "intbl" => paragraph.in_table = true,
            "ls" => paragraph.list = number != Some(0),
            _ => {}
        }
    }

    fn table_word(&mut self, word: &str) -> Result<(), ExtractError> {
        match word {
            "trowd" => {
                self.table.is_header = false;
                self.table.merged.clear();
            }
            "trhdr" => self.table.is_header = true,
            "clvmrg" => self.table.next_merged = true,
            "cellx" => {
                let merged = std::mem::take(&mut self.table.next_merged);
                self.table.merged.push(merged);
            }
            "cell" => {
                self.end_cell_paragraph();
                let cell = std::mem::take(&mut self.table.cell).join("\n");
                self.table.cells.push(cell);
            }
            _ => {
                let rows = self.table.rows.len() as u64;
                ExtractError::check("number of table rows", rows, u64::from(self.limits.max_rows))?;
                self.table.end_row();
            }
        }
        Ok(())
    }

    /// A character by its number; those beyond 16 bits come as two halves.
    fn unicode(&mut self, number: i32) {
        self.fallback = self.state.fallback_bytes;
        // Numbers over 32767 are written as negative ones.
        let unit = number as u16;
        match (self.high_surrogate.take(), unit) {
            (_, 0xD800..=0xDBFF) => self.high_surrogate = Some(unit),
            (Some(high), 0xDC00..=0xDFFF) => self.push(&String::from_utf16_lossy(&[high, unit])),
            (_, 0xDC00..=0xDFFF) => {}
            // Symbol fonts stand in the private area.
            (_, 0xF0B7 | 0xF0A7) => self.push("•"),
            _ => self.push(char::from_u32(u32::from(unit)).unwrap_or(' ').encode_utf8(&mut [0; 4])),
        }
    }

    fn flush_bytes(&mut self) {
        if self.bytes.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut self.bytes);
        let (text, _) = self.fonts.encoding(self.state.font).decode_without_bom_handling(&bytes);
        self.push(&text);
    }

    fn push(&mut self, text: &str) {
        let counts = !matches!(self.state.destination, Destination::Skipped | Destination::Fonts);
        if counts && !self.state.hidden {
            self.text.push_str(text);
        }
    }

    fn end_paragraph(&mut self) -> Result<(), ExtractError> {
        if self.state.destination != Destination::Body {
            self.push("\n");
            return Ok(());
        }
        if self.state.paragraph.in_table {
            self.end_cell_paragraph();
            return Ok(());
        }
        let text = std::mem::take(&mut self.text);
        if !text.trim().is_empty() {
            self.end_table()?;
            let paragraph = self.state.paragraph;
            if self.styles.is_title(&paragraph) {
                self.out.title(&text);
            }
            match self.styles.level(&paragraph) {
                Some(level) => self.out.heading(level, &text)?,
                None if paragraph.list => self.out.list_item(&text)?,
                None => self.out.paragraph(&text)?,
            }
        }
        std::mem::take(&mut self.notes).iter().try_for_each(|note| self.out.paragraph(note))
    }

    fn end_cell_paragraph(&mut self) {
        let text = std::mem::take(&mut self.text);
        if !text.trim().is_empty() {
            self.table.cell.push(text);
        }
    }

    fn end_table(&mut self) -> Result<(), ExtractError> {
        let table = std::mem::take(&mut self.table);
        if table.rows.iter().all(|row| row.len() < 2) {
            return table.rows.iter().flatten().try_for_each(|cell| self.out.paragraph(cell));
        }
        let headers = (table.headers > 0).then_some(table.headers);
        table::write(&table.rows, headers, self.limits.max_rows, self.out)
    }
}

impl Table {
    fn end_row(&mut self) {
        let cells = std::mem::take(&mut self.cells);
        let above = self.rows.last();
        let row: Vec<String> = cells
            .into_iter()
            .enumerate()
            .map(|(column, cell)| match above.and_then(|above| above.get(column)) {
                Some(text) if self.merged.get(column) == Some(&true) => text.clone(),
                _ => cell,
            })
            .collect();
        if row.iter().any(|cell| !cell.trim().is_empty()) {
            self.headers += usize::from(self.is_header && self.headers == self.rows.len());
            self.rows.push(row);
        }
    }
}

/// Groups whose text stands apart from the text around them.
fn is_aside(destination: Destination) -> bool {
    matches!(destination, Destination::Note | Destination::Bullet | Destination::Title | Destination::Styles)
}

#[cfg(test)]
mod tests;
