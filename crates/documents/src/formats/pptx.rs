//! PowerPoint presentations (Office Open XML, ECMA-376 part 1, 19): slide by slide in the order of the show, each
//! with its title as the heading, its tables as rows, and the speaker's notes after it.

mod slide;

use crate::compose::Composer;
use crate::package::Package;
use crate::relations::{self, Relation};
use crate::source::Source;
use crate::xml::{Node, Xml};
use crate::{ExtractError, Format, Limits, Progress};
use slide::Shown;

/// Where the presentation stands unless the package says otherwise.
const USUAL_PRESENTATION: &str = "ppt/presentation.xml";

/// Reads a whole presentation.
pub(crate) fn read(
    source: Source<'_>,
    file_name: &str,
    limits: &Limits,
    progress: &mut dyn FnMut(Progress),
    out: &mut Composer,
) -> Result<(), ExtractError> {
    let mut package = Package::open(source, Format::Pptx, limits)?;
    let name = relations::main_part(&mut package, Format::Pptx, USUAL_PRESENTATION)?;
    let presentation = match package.part(&name)? {
        Some(part) if !name.starts_with("word/") && !name.starts_with("xl/") => part,
        _ => return Err(package.foreign(file_name)),
    };
    out.title(&relations::core_title(&mut package, Format::Pptx)?);
    let slides = slides(&presentation, &relations::of(&mut package, Format::Pptx, &name)?)?;
    ExtractError::check("number of slides", slides.len() as u64, u64::from(limits.max_pages))?;
    let count = slides.len() as u32;
    out.pages(count);
    let mut hidden = 0u32;
    for (number, slide) in (1..).zip(&slides) {
        out.page(number);
        out.end_headings(1);
        hidden += u32::from(!read_slide(&mut package, slide, limits, out)?);
        progress(Progress { pages_done: number, pages_total: Some(count) });
    }
    if hidden > 0 {
        out.warn(format!("Hidden slides were left out: {hidden}."));
    }
    Ok(())
}

/// The parts of the slides in the order of the show.
fn slides(presentation: &str, relations: &[Relation]) -> Result<Vec<String>, ExtractError> {
    let mut xml = Xml::new(presentation, Format::Pptx);
    let mut found = Vec::new();
    while let Some(node) = xml.next()? {
        if let Node::Open(element) = node
            && element.name() == "p:sldId"
            && let Some(id) = element.attribute("r:id")
        {
            found.extend(
                relations.iter().find(|relation| relation.id == id).map(|slide| slide.target.clone()),
            );
        }
    }
    Ok(found)
}

/// Appends one slide; false when its author hid it.
fn read_slide(
    package: &mut Package<'_>,
    name: &str,
    limits: &Limits,
    out: &mut Composer,
) -> Result<bool, ExtractError> {
    let Some(part) = package.part(name)? else { return Err(package.lacks(name)) };
    if slide::read(&part, Shown::Slide, limits, out)? == slide::Hidden(true) {
        return Ok(false);
    }
    let relations = relations::of(package, Format::Pptx, name)?;
    for (kind, shown) in [("diagramData", Shown::Diagram), ("notesSlide", Shown::Notes)] {
        for relation in relations.iter().filter(|relation| relation.kind == kind) {
            if let Some(part) = package.part(&relation.target)? {
                slide::read(&part, shown, limits, out)?;
            }
        }
    }
    Ok(true)
}
