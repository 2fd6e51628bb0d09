//! Relationships between the parts of an Office Open XML package (ECMA-376 part 2, 9.3).

use crate::package::{Package, resolve};
use crate::xml::{Node, Xml};
use crate::{ExtractError, Format};

/// One relationship of a part.
pub(crate) struct Relation {
    pub(crate) id: String,
    /// The last word of the type's address: `slide`, `notesSlide`.
    pub(crate) kind: String,
    /// The name of the part that it leads to.
    pub(crate) target: String,
}

/// The relationships of the part `name`; none when it has no list of them. The package's own have the name "".
pub(crate) fn of(
    package: &mut Package<'_>,
    format: Format,
    name: &str,
) -> Result<Vec<Relation>, ExtractError> {
    let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
    let list = resolve("", &format!("{folder}/_rels/{file}.rels"));
    let Some(part) = package.part(&list)? else { return Ok(Vec::new()) };
    let mut xml = Xml::new(&part, format);
    let mut found = Vec::new();
    while let Some(node) = xml.next()? {
        let Node::Open(element) = node else { continue };
        let outside = element.attribute("TargetMode").is_some_and(|mode| mode == "External");
        if let (Some(id), Some(kind), Some(target), false) =
            (element.attribute("Id"), element.attribute("Type"), element.attribute("Target"), outside)
        {
            let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
            found.push(Relation { id, kind, target: resolve(name, &target) });
        }
    }
    Ok(found)
}

/// The main part of a package, or `usual` when the package does not say.
pub(crate) fn main_part(
    package: &mut Package<'_>,
    format: Format,
    usual: &str,
) -> Result<String, ExtractError> {
    let relations = of(package, format, "")?;
    let main = relations.into_iter().find(|relation| relation.kind == "officeDocument");
    Ok(main.map_or_else(|| usual.to_owned(), |relation| relation.target))
}

/// The title among the document's properties, unless a program made it up.
pub(crate) fn core_title(package: &mut Package<'_>, format: Format) -> Result<String, ExtractError> {
    let Some(part) = package.part("docProps/core.xml")? else { return Ok(String::new()) };
    let title = crate::xml::text_of(&part, "dc:title", format)?;
    let made_up =
        ["word document", "document", "untitled", "powerpoint presentation", "powerpoint-präsentation"];
    Ok(if made_up.contains(&title.trim().to_lowercase().as_str()) { String::new() } else { title })
}
