//! Markdown: CommonMark with tables and a YAML front matter, whose title counts.

use pulldown_cmark::{Event, MetadataBlockKind, Options, Parser, Tag, TagEnd};

use crate::compose::Composer;
use crate::{ExtractError, Limits, table};

/// Reads `text` block by block.
pub(crate) fn read(text: &str, limits: &Limits, out: &mut Composer) -> Result<(), ExtractError> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut reader =
        Reader { limits, out, inline: String::new(), lists: Vec::new(), table: Table::default() };
    for event in Parser::new_ext(text, options) {
        reader.event(event)?;
    }
    reader.flush()
}

struct Reader<'a> {
    limits: &'a Limits,
    out: &'a mut Composer,
    /// Text of the block that is open.
    inline: String,
    /// Open lists; a numbered one knows its next number.
    lists: Vec<Option<u64>>,
    table: Table,
}

#[derive(Default)]
struct Table {
    rows: Vec<Vec<String>>,
    cells: Vec<String>,
}

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>) -> Result<(), ExtractError> {
        match event {
            Event::Start(tag) => self.start(tag)?,
            Event::End(tag) => self.end(tag)?,
            Event::Text(text) | Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.inline.push_str(&text);
            }
            Event::Html(html) => self.inline.push_str(&html),
            Event::InlineHtml(html) if html.starts_with("<br") => self.inline.push('\n'),
            Event::SoftBreak => self.inline.push(' '),
            Event::HardBreak => self.inline.push('\n'),
            Event::InlineHtml(_) | Event::FootnoteReference(_) | Event::Rule | Event::TaskListMarker(_) => {}
        }
        Ok(())
    }

    fn start(&mut self, tag: Tag<'_>) -> Result<(), ExtractError> {
        match tag {
            // A tight item's text ends where its sublist begins.
            Tag::List(first) => {
                self.flush()?;
                self.lists.push(first);
            }
            Tag::Item => {
                if let Some(Some(number)) = self.lists.last_mut() {
                    self.inline = format!("{number}. ");
                    *number += 1;
                }
            }
            Tag::Paragraph => {}
            Tag::Heading { .. }
            | Tag::CodeBlock(_)
            | Tag::HtmlBlock
            | Tag::Table(_)
            | Tag::MetadataBlock(_) => {
                self.flush()?;
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, tag: TagEnd) -> Result<(), ExtractError> {
        match tag {
            TagEnd::Paragraph | TagEnd::Item | TagEnd::FootnoteDefinition => self.flush(),
            TagEnd::List(_) => {
                self.lists.pop();
                Ok(())
            }
            TagEnd::Heading(level) => {
                let text = std::mem::take(&mut self.inline);
                if level as u8 == 1 {
                    self.out.title(&text);
                }
                self.out.heading(level as u8, &text)
            }
            TagEnd::CodeBlock => self.out.code(&std::mem::take(&mut self.inline)),
            TagEnd::HtmlBlock => {
                super::html::read_fragment(&std::mem::take(&mut self.inline), self.limits, self.out)
            }
            TagEnd::MetadataBlock(MetadataBlockKind::YamlStyle) => {
                self.front_matter();
                Ok(())
            }
            TagEnd::TableCell => {
                self.table.cells.push(std::mem::take(&mut self.inline));
                Ok(())
            }
            TagEnd::TableHead | TagEnd::TableRow => {
                self.table.rows.push(std::mem::take(&mut self.table.cells));
                Ok(())
            }
            TagEnd::Table => {
                let rows = std::mem::take(&mut self.table.rows);
                table::write(&rows, Some(1), self.limits.max_rows, self.out)
            }
            _ => Ok(()),
        }
    }

    /// Ends the block that is open.
    fn flush(&mut self) -> Result<(), ExtractError> {
        let text = std::mem::take(&mut self.inline);
        if self.lists.is_empty() { self.out.paragraph(&text) } else { self.out.list_item(&text) }
    }

    fn front_matter(&mut self) {
        let block = std::mem::take(&mut self.inline);
        let title = block.lines().find_map(|line| line.strip_prefix("title:"));
        if let Some(title) = title {
            self.out.title(title.trim().trim_matches(['"', '\'']));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Extracted, Format, SectionKind};

    fn read_all(text: &str) -> Extracted {
        let limits = Limits::default();
        let mut out = Composer::new(Format::Markdown, &limits);
        read(text, &limits, &mut out).unwrap();
        out.finish().unwrap()
    }

    #[test]
    fn blocks_lose_their_markup() {
        let found = read_all(
            "# Returns\n\nOur *return* window\nis [30 days](https://example.org).\n\n## Steps\n\n1. Pack\n   - the box\n2. Send\n\n\
             ```sh\ncurl  -x\n```\n<div><p>From <b>HTML</b></p></div>\n",
        );
        assert_eq!(
            found.text,
            "Returns\n\nOur return window is 30 days.\n\nSteps\n\n1. Pack\nthe box\n2. Send\n\ncurl  -x\n\nFrom HTML"
        );
        assert_eq!(found.title.as_deref(), Some("Returns"));
        assert_eq!(found.sections[4].heading.as_deref(), Some("Returns > Steps"));
        assert_eq!(found.sections[6].kind, SectionKind::Code);
    }

    #[test]
    fn tables_become_rows() {
        let found = read_all("| Plan | Price |\n|---|---|\n| Starter | **29** USD |\n");
        assert_eq!(found.text, "Plan: Starter; Price: 29 USD");
        assert_eq!(found.sections[0].row, Some(1));
    }

    #[test]
    fn front_matter_gives_the_title_and_no_text() {
        let found = read_all("---\ntitle: \"Shipping costs\"\ntags: [a]\n---\n\n# Costs\n\nTen euros.\n");
        assert_eq!(
            (found.title.as_deref(), found.text.as_str()),
            (Some("Shipping costs"), "Costs\n\nTen euros.")
        );
    }
}
