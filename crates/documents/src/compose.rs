//! Puts blocks together into one normalised text with sections: the only place that decides about
//! white space, invisible characters, the heading path and the size of the text.

use unicode_normalization::UnicodeNormalization;

use crate::{ExtractError, Extracted, Format, Limits, Section, SectionKind, WebPage};

/// Collects the blocks of one document.
pub(crate) struct Composer {
    format: Format,
    max_text_bytes: usize,
    text: String,
    sections: Vec<Section>,
    /// Open headings, outermost first.
    path: Vec<(u8, String)>,
    title: Option<String>,
    pages: Option<u32>,
    page: Option<u32>,
    sheet: Option<String>,
    /// Added to the level of every heading, for a file inside another one.
    base_level: u8,
    warnings: Vec<String>,
    web: Option<WebPage>,
}

impl Composer {
    pub(crate) fn new(format: Format, limits: &Limits) -> Self {
        Self {
            format,
            max_text_bytes: limits.max_text_bytes,
            text: String::new(),
            sections: Vec::new(),
            path: Vec::new(),
            title: None,
            pages: None,
            page: None,
            sheet: None,
            base_level: 0,
            warnings: Vec::new(),
            web: None,
        }
    }

    /// Keeps the first title that says anything.
    pub(crate) fn title(&mut self, title: &str) {
        let title = one_line(title);
        if self.title.is_none() && title.chars().any(char::is_alphanumeric) {
            self.title = Some(title);
        }
    }

    pub(crate) fn warn(&mut self, warning: impl Into<String>) {
        self.warnings.push(warning.into());
    }

    /// What a web page says of itself. A page that says anything may be without text.
    pub(crate) fn web(&mut self, web: WebPage) {
        self.web = Some(web);
    }

    pub(crate) fn pages(&mut self, pages: u32) {
        self.pages = Some(pages);
    }

    /// The page of the blocks that follow.
    pub(crate) fn page(&mut self, page: u32) {
        self.page = Some(page);
    }

    /// The sheet of the blocks that follow.
    pub(crate) fn sheet(&mut self, name: &str) {
        self.sheet = Some(one_line(name));
    }

    pub(crate) fn heading(&mut self, level: u8, text: &str) -> Result<(), ExtractError> {
        let text = one_line(text);
        if text.is_empty() {
            return Ok(());
        }
        let level = self.level(level);
        self.path.retain(|(open, _)| *open < level);
        self.path.push((level, text.clone()));
        self.push(SectionKind::Heading { level }, None, text)
    }

    /// Ends the headings of this level and deeper ones: what follows is not below them.
    pub(crate) fn end_headings(&mut self, level: u8) {
        let level = self.level(level);
        self.path.retain(|(open, _)| *open < level);
    }

    fn level(&self, level: u8) -> u8 {
        level.saturating_add(self.base_level).clamp(1, 6)
    }

    /// Appends a file that is part of this one: its headings stand below the one that is open at `level`, and
    /// its title, pages and sheets are its own affair.
    pub(crate) fn nested(
        &mut self,
        level: u8,
        read: impl FnOnce(&mut Self) -> Result<(), ExtractError>,
    ) -> Result<(), ExtractError> {
        let outer =
            (self.base_level, self.title.clone(), self.pages, self.page, self.sheet.clone(), self.web.take());
        self.base_level = self.base_level.saturating_add(level);
        let outcome = read(self);
        (self.base_level, self.title, self.pages, self.page, self.sheet, self.web) = outer;
        outcome
    }

    pub(crate) fn paragraph(&mut self, text: &str) -> Result<(), ExtractError> {
        self.push(SectionKind::Paragraph, None, clean(text))
    }

    pub(crate) fn list_item(&mut self, text: &str) -> Result<(), ExtractError> {
        self.push(SectionKind::ListItem, None, clean(text))
    }

    /// One data row of a table; `row` counts from 1.
    pub(crate) fn table_row(&mut self, row: u32, text: &str) -> Result<(), ExtractError> {
        self.push(SectionKind::TableRow, Some(row), one_line(text))
    }

    /// Text whose line breaks and indentation are kept.
    pub(crate) fn code(&mut self, text: &str) -> Result<(), ExtractError> {
        let lines: Vec<String> =
            text.lines().map(|line| visible(&line.replace('\t', "    ")).trim_end().to_owned()).collect();
        let mut block = String::new();
        for line in lines.iter().filter(|line| !line.is_empty()) {
            if !block.is_empty() {
                block.push('\n');
            }
            block.push_str(line);
        }
        self.push(SectionKind::Code, None, block)
    }

    fn push(&mut self, kind: SectionKind, row: Option<u32>, block: String) -> Result<(), ExtractError> {
        if block.trim().is_empty() {
            return Ok(());
        }
        let size = self.text.len() + block.len() + 2;
        ExtractError::check("text in bytes", size as u64, self.max_text_bytes as u64)?;
        if let Some(last) = self.sections.last() {
            self.text.push_str(if stands_close(last.kind, kind) { "\n" } else { "\n\n" });
        }
        let start = self.text.len();
        self.text.push_str(&block);
        self.sections.push(Section {
            start,
            end: self.text.len(),
            kind,
            heading: self.heading_path(),
            page: self.page,
            row,
            sheet: self.sheet.clone(),
        });
        Ok(())
    }

    fn heading_path(&self) -> Option<String> {
        let names: Vec<&str> = self.path.iter().map(|(_, name)| name.as_str()).collect();
        (!names.is_empty()).then(|| names.join(" > "))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sections.is_empty()
    }

    pub(crate) fn finish(self) -> Result<Extracted, ExtractError> {
        if self.sections.is_empty() && self.web.is_none() {
            return Err(ExtractError::Empty);
        }
        Ok(Extracted {
            format: self.format,
            title: self.title,
            language: crate::language::detect(&self.text),
            text: self.text,
            sections: self.sections,
            pages: self.pages,
            warnings: self.warnings,
            web: self.web,
        })
    }
}

/// Rows of a table and items of a list stand on lines of their own without a blank line between them.
fn stands_close(before: SectionKind, after: SectionKind) -> bool {
    before == after && matches!(after, SectionKind::TableRow | SectionKind::ListItem)
}

/// A block of running text: line breaks kept, blank lines and runs of blanks not.
pub(crate) fn clean(text: &str) -> String {
    let mut block = String::with_capacity(text.len());
    for line in text.lines() {
        let visible = visible(line);
        let mut words = visible.split_whitespace().peekable();
        if words.peek().is_some() && !block.is_empty() {
            block.push('\n');
        }
        let mut first = true;
        for word in words {
            if !std::mem::take(&mut first) {
                block.push(' ');
            }
            block.push_str(word);
        }
    }
    block
}

/// A block that is one line whatever it was before.
pub(crate) fn one_line(text: &str) -> String {
    clean(text).replace('\n', " ")
}

/// NFC without what nobody sees: control characters, soft hyphens, zero-width blanks, direction
/// overrides and tag characters. Joiners stay, since Persian, Indic scripts and emoji need them.
fn visible(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '\t' | '\0' | '\u{0B}' | '\u{0C}' => shown.push(' '),
            '\u{AD}' | '\u{200B}' | '\u{2060}' | '\u{FEFF}' | '\u{FFFE}' => {}
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{E0000}'..='\u{E007F}' => {}
            c if c.is_control() => {}
            'ﬀ' => shown.push_str("ff"),
            'ﬁ' => shown.push_str("fi"),
            'ﬂ' => shown.push_str("fl"),
            'ﬃ' => shown.push_str("ffi"),
            'ﬄ' => shown.push_str("ffl"),
            'ﬅ' | 'ﬆ' => shown.push_str("st"),
            c => shown.push(c),
        }
    }
    if shown.is_ascii() { shown } else { shown.nfc().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn composer() -> Composer {
        Composer::new(Format::Text, &Limits::default())
    }

    #[test]
    fn blanks_and_invisible_characters_go() {
        assert_eq!(clean("  a\u{A0} b\u{AD}c\u{200B}  \n\n\n d\0e \u{202E}f"), "a bc\nd e f");
        assert_eq!(clean("e\u{301}ﬁn"), "éfin");
        assert_eq!(clean("می\u{200C}خواهم"), "می\u{200C}خواهم", "a joiner is part of the word");
    }

    #[test]
    fn sections_cover_the_text_and_carry_their_headings() {
        let mut out = composer();
        out.heading(1, "Shipping").unwrap();
        out.heading(2, "Norway").unwrap();
        out.list_item("a").unwrap();
        out.list_item("b").unwrap();
        out.heading(2, "Sweden").unwrap();
        out.paragraph("c").unwrap();
        out.heading(1, "Returns").unwrap();
        let found = out.finish().unwrap();
        assert_eq!(found.text, "Shipping\n\nNorway\n\na\nb\n\nSweden\n\nc\n\nReturns");
        let places: Vec<_> = found.sections.iter().map(|s| s.heading.as_deref().unwrap_or("")).collect();
        let [norway, sweden] = ["Shipping > Norway", "Shipping > Sweden"];
        assert_eq!(places, ["Shipping", norway, norway, norway, sweden, sweden, "Returns"]);
    }

    #[test]
    fn code_keeps_its_indentation() {
        let mut out = composer();
        out.code("if x {\n\ty();\n\n}\n").unwrap();
        assert_eq!(out.finish().unwrap().text, "if x {\n    y();\n}");
    }

    #[test]
    fn text_over_the_limit_is_refused() {
        let mut out = Composer::new(Format::Text, &Limits { max_text_bytes: 10, ..Limits::default() });
        assert_eq!(out.paragraph("0123456789").unwrap_err().code(), "too_large");
    }

    #[test]
    fn nothing_visible_is_empty() {
        let mut out = composer();
        out.paragraph(" \u{200B}\n").unwrap();
        assert_eq!(out.finish().unwrap_err(), ExtractError::Empty);
    }

    #[test]
    fn a_title_without_letters_is_none() {
        let mut out = composer();
        out.title(" - ");
        out.title("Returns");
        out.title("Later");
        out.paragraph("x").unwrap();
        assert_eq!(out.finish().unwrap().title.as_deref(), Some("Returns"));
    }
}
