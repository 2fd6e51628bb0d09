//! Word documents (Office Open XML, ECMA-376): paragraphs, headings, lists, tables and footnotes in the
//! order of the body. Headers, footers, comments and deleted text are left out.

mod body;
mod package;
mod styles;
mod xml;

use std::collections::HashMap;
use std::path::Path;

use crate::compose::Composer;
use crate::{ExtractError, Limits};
use package::Package;
use styles::Styles;
use xml::{Node, Xml};

/// Where the body stands unless the package says otherwise.
const USUAL_BODY: &str = "word/document.xml";

/// Reads the file at `path`.
pub(crate) fn read(
    path: &Path,
    file_name: &str,
    limits: &Limits,
    out: &mut Composer,
) -> Result<(), ExtractError> {
    let mut package = Package::open(path, limits)?;
    let body_name = body_part(&mut package)?;
    let Some(body) = package.part(&body_name)? else { return Err(package.not_word(file_name)) };
    let sibling = |name: &str| {
        body_name.rsplit_once('/').map_or(name.to_owned(), |(folder, _)| format!("{folder}/{name}"))
    };
    let styles = match package.part(&sibling("styles.xml"))? {
        Some(part) => Styles::read(&part)?,
        None => Styles::default(),
    };
    let mut notes = HashMap::new();
    for (part, kind) in [("footnotes.xml", "w:footnote"), ("endnotes.xml", "w:endnote")] {
        if let Some(part) = package.part(&sibling(part))? {
            read_notes(&part, kind, &mut notes)?;
        }
    }
    if let Some(core) = package.part("docProps/core.xml")? {
        out.title(&core_title(&core)?);
    }
    body::read(&body, &styles, &notes, limits, out)
}

/// The target of the package's main relationship (ECMA-376 part 2, 9.3).
fn body_part(package: &mut Package) -> Result<String, ExtractError> {
    let Some(relations) = package.part("_rels/.rels")? else { return Ok(USUAL_BODY.into()) };
    let mut xml = Xml::new(&relations);
    while let Some(node) = xml.next()? {
        if let Node::Open(element) = node
            && element.attribute("Type").is_some_and(|kind| kind.ends_with("/officeDocument"))
            && let Some(target) = element.attribute("Target")
        {
            return Ok(target.trim_start_matches('/').to_owned());
        }
    }
    Ok(USUAL_BODY.into())
}

/// The text of each footnote by the key that [`body`] looks it up with: element name and id.
fn read_notes(part: &str, kind: &str, notes: &mut HashMap<String, String>) -> Result<(), ExtractError> {
    let mut xml = Xml::new(part);
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

fn core_title(part: &str) -> Result<String, ExtractError> {
    let mut xml = Xml::new(part);
    let mut title = String::new();
    let mut inside = false;
    while let Some(node) = xml.next()? {
        match node {
            Node::Open(element) => inside = element.name() == "dc:title",
            Node::Close(_) => inside = false,
            Node::Text(piece) if inside => title.push_str(&piece),
            Node::Text(_) => {}
        }
    }
    let is_made_up =
        ["word document", "document", "untitled"].contains(&title.trim().to_lowercase().as_str());
    Ok(if is_made_up { String::new() } else { title })
}
