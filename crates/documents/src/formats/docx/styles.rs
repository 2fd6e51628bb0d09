//! What the styles of a document mean (ECMA-376 part 1, 17.7).

use std::collections::HashMap;

use crate::ExtractError;
use crate::xml::{Node, Xml};

/// What a paragraph is by its style.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(super) struct Role {
    /// 1 to 9 for headings.
    pub(super) level: Option<u8>,
    pub(super) title: bool,
    pub(super) list: bool,
    /// An entry of a table of contents.
    pub(super) contents: bool,
}

/// Chains of styles longer than this go in a circle.
const MAX_CHAIN: usize = 16;

#[derive(Default)]
struct Style {
    name: String,
    based_on: Option<String>,
    outline_level: Option<u8>,
    numbered: bool,
}

/// All paragraph styles by their id.
#[derive(Default)]
pub(super) struct Styles(HashMap<String, Style>);

impl Styles {
    pub(super) fn read(part: &str) -> Result<Self, ExtractError> {
        let mut xml = Xml::new(part, crate::Format::Docx);
        let mut styles = HashMap::new();
        let mut open: Option<(String, Style)> = None;
        while let Some(node) = xml.next()? {
            match node {
                Node::Open(element) if element.name() == "w:style" => {
                    open = element.attribute("w:styleId").map(|id| (id, Style::default()));
                }
                Node::Open(element) => {
                    let Some((_, style)) = open.as_mut() else { continue };
                    match element.name() {
                        "w:name" => style.name = element.val().unwrap_or_default().to_lowercase(),
                        "w:basedOn" => style.based_on = element.val(),
                        "w:outlineLvl" => style.outline_level = outline_level(element.val()),
                        "w:numPr" => style.numbered = true,
                        _ => {}
                    }
                }
                Node::Close(name) if name == "w:style" => styles.extend(open.take()),
                Node::Close(_) | Node::Text(_) => {}
            }
        }
        Ok(Self(styles))
    }

    /// What a paragraph with the style `id` is; a document without styles is judged by the id alone.
    pub(super) fn role(&self, id: &str) -> Role {
        let mut role = Role::default();
        let mut next = Some(id);
        for _ in 0..MAX_CHAIN {
            let Some(id) = next else { break };
            let style = self.0.get(id);
            let name = style.map_or_else(|| id.to_lowercase(), |style| style.name.clone());
            let number =
                |prefix: &str| name.strip_prefix(prefix).and_then(|rest| rest.trim().parse::<u8>().ok());
            role.title |= name == "title";
            role.contents |= number("toc").is_some() || name == "table of figures";
            role.list |= name.starts_with("list bullet") || name.starts_with("list number");
            role.level = role.level.or(number("heading").filter(|level| (1..=9).contains(level)));
            if let Some(style) = style {
                role.level = role.level.or(style.outline_level);
                role.list |= style.numbered && role.level.is_none();
            }
            next = style.and_then(|style| style.based_on.as_deref());
        }
        if role.title {
            role.level = Some(1);
        }
        role
    }
}

/// The level of a heading; the tenth outline level is body text (ECMA-376 part 1, 17.3.1.20).
pub(super) fn outline_level(value: Option<String>) -> Option<u8> {
    value?.parse::<u8>().ok().filter(|level| *level < 9).map(|level| level + 1)
}
