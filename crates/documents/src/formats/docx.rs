//! Word documents (Office Open XML, ECMA-376): paragraphs, headings, lists, tables and footnotes in the
//! order of the body. Headers, footers, comments and deleted text are left out.

mod body;
mod styles;

use std::collections::HashMap;

use crate::compose::Composer;
use crate::package::{Package, resolve};
use crate::relations;
use crate::source::Source;
use crate::xml::{Node, Xml};
use crate::{ExtractError, Format, Limits};
use styles::Styles;

/// Where the body stands unless the package says otherwise.
const USUAL_BODY: &str = "word/document.xml";

/// Reads a whole document.
pub(crate) fn read(
    source: Source<'_>,
    file_name: &str,
    limits: &Limits,
    out: &mut Composer,
) -> Result<(), ExtractError> {
    let mut package = Package::open(source, Format::Docx, limits)?;
    let body_name = relations::main_part(&mut package, Format::Docx, USUAL_BODY)?;
    let body = match package.part(&body_name)? {
        Some(body) if !body_name.starts_with("xl/") && !body_name.starts_with("ppt/") => body,
        _ => return Err(package.foreign(file_name)),
    };
    let styles = match package.part(&resolve(&body_name, "styles.xml"))? {
        Some(part) => Styles::read(&part)?,
        None => Styles::default(),
    };
    let mut notes = HashMap::new();
    for (part, kind) in [("footnotes.xml", "w:footnote"), ("endnotes.xml", "w:endnote")] {
        if let Some(part) = package.part(&resolve(&body_name, part))? {
            read_notes(&part, kind, &mut notes)?;
        }
    }
    out.title(&relations::core_title(&mut package, Format::Docx)?);
    body::read(&body, &styles, &notes, limits, out)
}

/// The text of each footnote by the key that [`body`] looks it up with: element name and id.
fn read_notes(part: &str, kind: &str, notes: &mut HashMap<String, String>) -> Result<(), ExtractError> {
    let mut xml = Xml::new(part, Format::Docx);
    let mut open: Option<(String, String)> = None;
    let mut in_text = false;
    while let Some(node) = xml.next()? {
        match node {
            Node::Open(element) if element.name() == kind => {
                open = element.attribute("w:id").map(|id| (format!("{kind}{id}"), String::new()));
            }
            Node::Open(element) => in_text = element.name() == "w:t",
            Node::Close(name) if name == kind => notes.extend(open.take()),
            Node::Close(name) if name == "w:p" => open.iter_mut().for_each(|(_, text)| text.push(' ')),
            Node::Close(_) => in_text = false,
            Node::Text(piece) => {
                if let Some((_, text)) = open.as_mut().filter(|_| in_text) {
                    text.push_str(&piece);
                }
            }
        }
    }
    Ok(())
}
