//! A pull reader over one XML part that knows no external entities, expands none of its own, and says
//! when the part is cut off.

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::{ExtractError, Format};

/// What comes next in a part. Names carry their prefix: Office programs have written the same ones from the start.
pub(crate) enum Node<'a> {
    Open(Element<'a>),
    Close(String),
    Text(String),
}

/// An opening tag.
pub(crate) struct Element<'a>(BytesStart<'a>);

impl Element<'_> {
    pub(crate) fn name(&self) -> &str {
        self.0.name().0
    }

    /// The name without its prefix, for formats whose programs choose their own.
    pub(crate) fn local_name(&self) -> &str {
        local(self.name())
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<String> {
        let attribute = self.0.try_get_attribute(name).ok()??;
        attribute.normalized_value(XmlVersion::Implicit1_0).ok().map(|value| value.into_owned())
    }

    /// The usual attribute of a WordprocessingML property.
    pub(crate) fn val(&self) -> Option<String> {
        self.attribute("w:val")
    }

    /// A switch is on unless it says otherwise (ECMA-376 part 1, 17.17.4).
    pub(crate) fn is_on(&self) -> bool {
        !matches!(self.val().as_deref(), Some("0" | "false" | "off"))
    }
}

/// A name without its prefix.
pub(crate) fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// The text in the first element of this name.
pub(crate) fn text_of(part: &str, name: &str, format: Format) -> Result<String, ExtractError> {
    let mut xml = Xml::new(part, format);
    let mut text = String::new();
    let mut inside = false;
    while let Some(node) = xml.next()? {
        match node {
            Node::Open(element) => inside = element.name() == name,
            Node::Close(closed) if closed == name => break,
            Node::Close(_) => inside = false,
            Node::Text(piece) if inside => text.push_str(&piece),
            Node::Text(_) => {}
        }
    }
    Ok(text)
}

/// Reads a part node by node; an empty element comes as an opening and a closing one.
pub(crate) struct Xml<'a> {
    reader: Reader<&'a [u8]>,
    format: Format,
    depth: usize,
}

impl<'a> Xml<'a> {
    /// `format` is what an error says is damaged.
    pub(crate) fn new(part: &'a str, format: Format) -> Self {
        let mut reader = Reader::from_str(part);
        reader.config_mut().expand_empty_elements = true;
        Self { reader, format, depth: 0 }
    }

    pub(crate) fn next(&mut self) -> Result<Option<Node<'a>>, ExtractError> {
        let format = self.format;
        let damaged = |error: quick_xml::Error| ExtractError::damaged(format, error);
        loop {
            match self.reader.read_event().map_err(damaged)? {
                Event::Start(start) => {
                    self.depth += 1;
                    return Ok(Some(Node::Open(Element(start))));
                }
                Event::End(end) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Some(Node::Close(end.name().0.to_owned())));
                }
                Event::Text(text) => return Ok(Some(Node::Text(text.xml10_content().into_owned()))),
                Event::CData(text) => return Ok(Some(Node::Text(text.xml10_content().into_owned()))),
                // Only the five predefined entities and numbers: a bomb of entities yields nothing.
                Event::GeneralRef(reference) => {
                    let known = match reference.resolve_char_ref().map_err(damaged)? {
                        Some(c) => Some(c.to_string()),
                        None => resolve_xml_entity(&reference).map(str::to_owned),
                    };
                    if let Some(text) = known {
                        return Ok(Some(Node::Text(text)));
                    }
                }
                Event::Eof if self.depth > 0 => {
                    return Err(ExtractError::damaged(format, "a part ends in the middle"));
                }
                Event::Eof => return Ok(None),
                Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            }
        }
    }
}
