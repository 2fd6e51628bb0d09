//! One slide, its diagrams or its notes: shapes with paragraphs, and tables.

use crate::compose::Composer;
use crate::xml::{Element, Node, Xml};
use crate::{ExtractError, Format, Limits, table};

/// Which kind of part is read.
#[derive(Clone, Copy, Default, PartialEq)]
pub(super) enum Shown {
    #[default]
    Slide,
    /// The words of a diagram (SmartArt), which stand in a part of their own.
    Diagram,
    /// The notes page, which repeats the slide in small.
    Notes,
}

/// Whether the slide is left out of the show.
#[derive(PartialEq)]
pub(super) struct Hidden(pub(super) bool);

/// Appends what a part shows; a hidden slide appends nothing.
pub(super) fn read(
    part: &str,
    shown: Shown,
    limits: &Limits,
    out: &mut Composer,
) -> Result<Hidden, ExtractError> {
    let mut xml = Xml::new(part, Format::Pptx);
    let mut walk = Walk { shown, ..Walk::default() };
    while let Some(node) = xml.next()? {
        match node {
            Node::Open(element) if element.name() == "p:sld" && !is_on(&element, "show", true) => {
                return Ok(Hidden(true));
            }
            Node::Open(_) if walk.skipping > 0 => walk.skipping += 1,
            Node::Open(element) if element.name() == "mc:Fallback" => walk.skipping = 1,
            Node::Open(element) => walk.open(&element),
            Node::Close(_) if walk.skipping > 0 => walk.skipping -= 1,
            Node::Close(name) => walk.close(&name),
            Node::Text(text) if walk.in_text && walk.skipping == 0 => walk.paragraph.text.push_str(&text),
            Node::Text(_) => {}
        }
    }
    write(walk.blocks, limits, out)?;
    Ok(Hidden(false))
}

/// A switch among the attributes (ECMA-376 part 1, 22.9.2.7).
fn is_on(element: &Element<'_>, name: &str, default: bool) -> bool {
    element.attribute(name).map_or(default, |value| !matches!(value.as_str(), "0" | "false" | "off"))
}

/// The title goes first, wherever it stands among the shapes.
fn write(blocks: Vec<Block>, limits: &Limits, out: &mut Composer) -> Result<(), ExtractError> {
    let (titles, others): (Vec<Block>, Vec<Block>) =
        blocks.into_iter().partition(|block| matches!(block, Block::Title(_)));
    for block in titles.into_iter().chain(others) {
        match block {
            Block::Title(text) => {
                out.title(&text);
                out.heading(1, &text)?;
            }
            Block::Paragraph(text) => out.paragraph(&text)?,
            Block::Item(text) => out.list_item(&text)?,
            Block::Table(rows) => table::write(&rows.cells, rows.headers(), limits.max_rows, out)?,
        }
    }
    Ok(())
}

enum Block {
    Title(String),
    Paragraph(String),
    Item(String),
    Table(Rows),
}

/// A table that is being read.
#[derive(Default)]
struct Rows {
    cells: Vec<Vec<String>>,
    first_row_is_header: bool,
}

impl Rows {
    /// A first row in the style of a header is one unless the cells say otherwise.
    fn headers(&self) -> Option<usize> {
        (self.first_row_is_header && table::has_header(&self.cells)).then_some(1)
    }

    /// Ends a row whose last cells may go on from the row above.
    fn add(&mut self, row: Vec<Cell>) {
        let above = self.cells.last();
        let cells: Vec<String> = row
            .into_iter()
            .enumerate()
            .map(|(column, cell)| match above.and_then(|above| above.get(column)) {
                Some(text) if cell.continues_above => text.clone(),
                _ => cell.text,
            })
            .collect();
        if cells.iter().any(|cell| !cell.trim().is_empty()) {
            self.cells.push(cells);
        }
    }
}

#[derive(Default)]
struct Cell {
    text: String,
    continues_above: bool,
}

#[derive(Default)]
struct Paragraph {
    text: String,
    /// What the paragraph itself says of bullets.
    bullet: Option<bool>,
}

/// What a shape is there for (ECMA-376 part 1, 19.7.10).
#[derive(Clone, Copy, Default, PartialEq)]
enum Place {
    #[default]
    Free,
    Title,
    Body,
    /// Footer, number and small picture of the slide.
    Furniture,
}

#[derive(Default)]
struct Walk {
    shown: Shown,
    blocks: Vec<Block>,
    /// How deep the walk is inside a subtree that does not count.
    skipping: usize,
    in_text: bool,
    place: Place,
    /// Paragraphs of the shape that is open.
    shape: Vec<Paragraph>,
    paragraph: Paragraph,
    table: Option<(Rows, Vec<Cell>)>,
}

impl Walk {
    fn open(&mut self, element: &Element<'_>) {
        match element.name() {
            "p:sp" | "dgm:pt" => self.place = Place::Free,
            "p:ph" => self.place = place(element),
            "a:p" => self.paragraph = Paragraph::default(),
            "a:buNone" => self.paragraph.bullet = Some(false),
            "a:buChar" | "a:buAutoNum" | "a:buBlip" => self.paragraph.bullet = Some(true),
            // Fields show the date or the number of the slide.
            "a:fld" => self.skipping = 1,
            "a:t" => self.in_text = true,
            "a:br" => self.paragraph.text.push('\n'),
            "a:tbl" => self.table = Some((Rows::default(), Vec::new())),
            name => self.table_part(name, element),
        }
    }

    fn table_part(&mut self, name: &str, element: &Element<'_>) {
        let Some((rows, row)) = self.table.as_mut() else { return };
        match name {
            "a:tblPr" => rows.first_row_is_header = is_on(element, "firstRow", false),
            "a:tc" => {
                row.push(Cell { text: String::new(), continues_above: is_on(element, "vMerge", false) })
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "a:t" => self.in_text = false,
            "a:p" => self.end_paragraph(),
            "p:sp" | "p:cxnSp" | "dgm:pt" => self.end_shape(),
            "a:tr" => {
                if let Some((rows, row)) = self.table.as_mut() {
                    rows.add(std::mem::take(row));
                }
            }
            "a:tbl" => self.blocks.extend(self.table.take().map(|(rows, _)| Block::Table(rows))),
            _ => {}
        }
    }

    fn end_paragraph(&mut self) {
        let paragraph = std::mem::take(&mut self.paragraph);
        match self.table.as_mut() {
            Some((_, row)) => {
                if let Some(cell) = row.last_mut() {
                    if !cell.text.is_empty() {
                        cell.text.push('\n');
                    }
                    cell.text.push_str(&paragraph.text);
                }
            }
            None => self.shape.push(paragraph),
        }
    }

    fn end_shape(&mut self) {
        let shape = std::mem::take(&mut self.shape);
        let wanted = match self.shown {
            Shown::Notes => self.place == Place::Body,
            _ => self.place != Place::Furniture,
        };
        if !wanted {
            return;
        }
        if self.place == Place::Title {
            let lines: Vec<String> = shape.into_iter().map(|paragraph| paragraph.text).collect();
            self.blocks.push(Block::Title(lines.join("\n")));
            return;
        }
        let filled = shape.iter().filter(|paragraph| !paragraph.text.trim().is_empty()).count();
        // The body of a slide has bullets unless its layout says otherwise, which a paragraph alone shows.
        let bullets = self.shown == Shown::Slide && self.place == Place::Body && filled > 1;
        self.blocks.extend(shape.into_iter().map(|paragraph| {
            if paragraph.bullet.unwrap_or(bullets) {
                Block::Item(paragraph.text)
            } else {
                Block::Paragraph(paragraph.text)
            }
        }));
    }
}

fn place(element: &Element<'_>) -> Place {
    match element.attribute("type").as_deref() {
        Some("title" | "ctrTitle") => Place::Title,
        Some("ftr" | "sldNum" | "hdr" | "sldImg") => Place::Furniture,
        None | Some("body" | "obj") => Place::Body,
        Some(_) => Place::Free,
    }
}
