//! Plain text: paragraphs are apart by blank lines, and lines broken to a column width are joined again.

use crate::ExtractError;
use crate::compose::Composer;

/// Lines this long or longer were probably broken by a program, not by the writer.
const WRAPPED_LINE_CHARS: usize = 60;

/// Reads `text` paragraph by paragraph.
pub(crate) fn read(text: &str, out: &mut Composer) -> Result<(), ExtractError> {
    for paragraph in paragraphs(text) {
        write_block(&paragraph, out)?;
    }
    Ok(())
}

/// Groups of lines without a blank line between them.
fn paragraphs(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let mut lines = text.split(['\n', '\u{0C}']).map(|line| line.trim_end_matches('\r')).peekable();
    std::iter::from_fn(move || {
        while lines.next_if(|line| line.trim().is_empty()).is_some() {}
        let mut block = Vec::new();
        while let Some(line) = lines.next_if(|line| !line.trim().is_empty()) {
            block.push(line);
        }
        (!block.is_empty()).then_some(block)
    })
}

/// Cuts a block where list items begin and joins the lines of each piece.
fn write_block(lines: &[&str], out: &mut Composer) -> Result<(), ExtractError> {
    let mut rest = lines;
    while let Some(first) = rest.first() {
        let is_item = list_item(first).is_some();
        let len = 1 + rest[1..].iter().take_while(|line| list_item(line).is_none()).count();
        let (piece, after) = rest.split_at(len);
        if is_item {
            out.list_item(without_bullet(&join_wrapped(piece)))?;
        } else {
            out.paragraph(&join_wrapped(piece))?;
        }
        rest = after;
    }
    Ok(())
}

/// An item without its bullet; a number stays, since it says which step it is.
pub(crate) fn without_bullet(item: &str) -> &str {
    if item.starts_with(|c: char| c.is_ascii_digit()) { item } else { list_item(item).unwrap_or(item) }
}

/// The text of a list item after its bullet or number; `None` when the line is no item.
pub(crate) fn list_item(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let mut chars = line.chars();
    let first = chars.next()?;
    if matches!(
        first,
        '-' | '*' | '+' | '•' | '◦' | '▪' | '‣' | '●' | '○' | '■' | '–' | '\u{F0B7}' | '\u{F0A7}'
    ) {
        return chars.as_str().strip_prefix([' ', '\t']).map(str::trim);
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let after = line[digits..].strip_prefix(['.', ')'])?.strip_prefix([' ', '\t'])?;
    (1..=3).contains(&digits).then(|| after.trim())
}

/// Joins lines that a program broke at a column width and keeps the breaks that a writer made.
pub(crate) fn join_wrapped(lines: &[&str]) -> String {
    let longest = lines.iter().map(|line| line.trim().chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (i, line) in lines.iter().enumerate() {
        let line = line.trim();
        if i > 0 {
            let before = lines[i - 1].trim().chars().count();
            let word = line.split_whitespace().next().map_or(0, |word| word.chars().count());
            // The line before was full: the next word would not have fitted in any more.
            let wrapped = longest >= WRAPPED_LINE_CHARS && before + 1 + word >= longest.min(100);
            text.push(if wrapped { ' ' } else { '\n' });
        }
        text.push_str(line);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Format, Limits, SectionKind};

    fn read_all(text: &str) -> crate::Extracted {
        let mut out = Composer::new(Format::Text, &Limits::default());
        read(text, &mut out).unwrap();
        out.finish().unwrap()
    }

    #[test]
    fn lines_broken_by_a_program_are_joined() {
        let text = "Orders placed before noon leave our warehouse on the same day, and\n\
                    parcels to Norway take three to five working days because of the\n\
                    customs.\n\nBye";
        let joined = "Orders placed before noon leave our warehouse on the same day, and parcels to Norway \
                      take three to five working days because of the customs.\n\nBye";
        assert_eq!(read_all(text).text, joined);
    }

    #[test]
    fn lines_broken_by_a_writer_stay() {
        assert_eq!(
            read_all("Acme Ltd\n1 Main Street\nOslo\r\n\r\n\r\nNorway").text,
            "Acme Ltd\n1 Main Street\nOslo\n\nNorway"
        );
    }

    #[test]
    fn list_items_are_found() {
        let found = read_all("Steps:\n1. Open the app\n2) Sign in\n- with a key\n* or a code\n-5 degrees");
        let kinds: Vec<SectionKind> = found.sections.iter().map(|section| section.kind).collect();
        let item = SectionKind::ListItem;
        assert_eq!(kinds, [SectionKind::Paragraph, item, item, item, item]);
        assert_eq!(found.text, "Steps:\n\n1. Open the app\n2) Sign in\nwith a key\nor a code\n-5 degrees");
    }
}
