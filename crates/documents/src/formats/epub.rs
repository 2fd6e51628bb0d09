//! E-books (EPUB 2 and 3): the chapters in the order of the spine, each read as a web page.

use std::collections::{HashMap, HashSet};

use super::html;
use crate::compose::Composer;
use crate::package::{Package, resolve};
use crate::source::Source;
use crate::xml::{Node, Xml, local};
use crate::{ExtractError, Format, Limits};

/// Where a book names its package document (EPUB 3.3, 4.2.6.3.1).
const CONTAINER: &str = "META-INF/container.xml";

/// Reads a whole book.
pub(crate) fn read(
    source: Source<'_>,
    file_name: &str,
    limits: &Limits,
    out: &mut Composer,
) -> Result<(), ExtractError> {
    let mut package = Package::open(source, Format::Epub, limits)?;
    let Some(container) = package.part(CONTAINER)? else { return Err(package.foreign(file_name)) };
    // Books with rights management name their keys here; the chapters are noise without them.
    if package.bytes("META-INF/rights.xml")?.is_some() || package.bytes("META-INF/sinf.xml")?.is_some() {
        return Err(ExtractError::Encrypted);
    }
    let name = root_file(&container)?
        .ok_or_else(|| ExtractError::damaged(Format::Epub, "it names no package document"))?;
    let Some(document) = package.part(&name)? else { return Err(package.lacks(&name)) };
    let book = Book::read(&document)?;
    out.title(&book.title);
    let mut missing = 0u32;
    for chapter in book.chapters() {
        match package.bytes(&resolve(&name, &percent_decoded(chapter)))? {
            Some(page) => html::read_chapter(&page, limits, out)?,
            None => missing += 1,
        }
    }
    if missing > 0 {
        out.warn(format!("Chapters that the book names but does not hold: {missing}."));
    }
    Ok(())
}

fn root_file(container: &str) -> Result<Option<String>, ExtractError> {
    let mut xml = Xml::new(container, Format::Epub);
    while let Some(node) = xml.next()? {
        if let Node::Open(element) = node
            && element.local_name() == "rootfile"
            && let Some(path) = element.attribute("full-path")
        {
            return Ok(Some(resolve("", &path)));
        }
    }
    Ok(None)
}

/// What the package document says (EPUB 3.3, 5).
#[derive(Default)]
struct Book {
    title: String,
    /// Addresses of the pages by their id; contents lists are not among them.
    pages: HashMap<String, String>,
    /// Ids in reading order.
    spine: Vec<String>,
}

impl Book {
    fn read(document: &str) -> Result<Self, ExtractError> {
        let mut xml = Xml::new(document, Format::Epub);
        let mut book = Self::default();
        let mut in_title = false;
        while let Some(node) = xml.next()? {
            match node {
                Node::Open(element) => match element.local_name() {
                    "title" => in_title = book.title.is_empty(),
                    "item" => {
                        let attribute = |name: &str| element.attribute(name).unwrap_or_default();
                        let is_page = matches!(
                            attribute("media-type").as_str(),
                            "application/xhtml+xml" | "text/html" | "text/x-oeb1-document"
                        );
                        if is_page && !attribute("properties").split_whitespace().any(|word| word == "nav") {
                            book.pages.insert(attribute("id"), attribute("href"));
                        }
                    }
                    "itemref" => book.spine.extend(element.attribute("idref")),
                    _ => {}
                },
                Node::Close(name) if local(&name) == "title" => in_title = false,
                Node::Text(text) if in_title => book.title.push_str(&text),
                Node::Close(_) | Node::Text(_) => {}
            }
        }
        Ok(book)
    }

    /// The pages in reading order, each once, however often the spine comes back to it.
    fn chapters(&self) -> impl Iterator<Item = &str> {
        let mut seen = HashSet::new();
        let pages = self.spine.iter().filter_map(|id| self.pages.get(id)).map(String::as_str);
        pages.filter(move |page| seen.insert(*page))
    }
}

/// Addresses in a book are URLs: `chapter%201.xhtml#top`.
fn percent_decoded(href: &str) -> String {
    let path = href.split('#').next().unwrap_or_default();
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = (*first == b'%')
            .then(|| after.get(..2).and_then(|code| std::str::from_utf8(code).ok()))
            .flatten()
            .and_then(|code| {
                (code.bytes().all(|b| b.is_ascii_hexdigit()))
                    .then(|| u8::from_str_radix(code, 16).ok())
                    .flatten()
            });
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_decoded() {
        assert_eq!(percent_decoded("a%20b.xhtml#top"), "a b.xhtml");
        assert_eq!(percent_decoded("100%.xhtml"), "100%.xhtml");
        assert_eq!(percent_decoded("%+1%zz"), "%+1%zz");
    }

    #[test]
    fn a_spine_that_goes_in_circles_is_read_once() {
        let book = Book::read(
            "<package><manifest><item id='a' href='a.xhtml' media-type='application/xhtml+xml'/>\
             <item id='n' href='n.xhtml' properties='nav' media-type='application/xhtml+xml'/></manifest>\
             <spine><itemref idref='n'/><itemref idref='a'/><itemref idref='a'/><itemref idref='b'/></spine></package>",
        )
        .unwrap();
        assert_eq!(book.chapters().collect::<Vec<_>>(), ["a.xhtml"]);
    }
}
