//! What the styles of a document say about its content (ODF 1.3 part 3, 16).

use std::collections::{HashMap, HashSet};

use crate::xml::{Node, Xml};
use crate::{ExtractError, Format};

/// Chains of styles longer than this go in a circle.
const MAX_CHAIN: usize = 16;

#[derive(Default)]
pub(super) struct Styles {
    parents: HashMap<String, String>,
    /// Names of styles that hide a table or a text.
    hidden: HashSet<String>,
}

impl Styles {
    /// Adds the styles of one part.
    pub(super) fn read(&mut self, part: &str, format: Format) -> Result<(), ExtractError> {
        let mut xml = Xml::new(part, format);
        let mut open = String::new();
        while let Some(node) = xml.next()? {
            let Node::Open(element) = node else { continue };
            match element.name() {
                "style:style" => {
                    open = element.attribute("style:name").unwrap_or_default();
                    if let Some(parent) = element.attribute("style:parent-style-name") {
                        self.parents.insert(open.clone(), parent);
                    }
                }
                "style:table-properties"
                    if element.attribute("table:display").is_some_and(|shown| shown == "false") =>
                {
                    self.hidden.insert(open.clone());
                }
                "style:text-properties"
                    if element.attribute("text:display").is_some_and(|shown| shown == "none") =>
                {
                    self.hidden.insert(open.clone());
                }
                // Styles come before what is written in them.
                "office:body" => break,
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn hides(&self, name: &str) -> bool {
        self.hidden.contains(name)
    }

    /// Whether a style is the document's title or made from it.
    pub(super) fn is_title(&self, name: &str) -> bool {
        let chain = std::iter::successors(Some(name), |name| self.parents.get(*name).map(String::as_str));
        chain.take(MAX_CHAIN).any(|name| name == "Title")
    }
}
