//! OpenDocument texts and spreadsheets (ODF 1.3, part 3): both keep their content in one part, and cells of
//! spreadsheets hold the words that a person sees beside the value.

mod body;
mod styles;

use crate::compose::Composer;
use crate::package::Package;
use crate::source::Source;
use crate::{ExtractError, Format, Limits, xml};
use styles::Styles;

/// Reads a whole document; `format` says which of the two it is.
pub(crate) fn read(
    source: Source<'_>,
    format: Format,
    file_name: &str,
    limits: &Limits,
    out: &mut Composer,
) -> Result<(), ExtractError> {
    let mut package = Package::open(source, format, limits)?;
    if package.part("META-INF/manifest.xml")?.is_some_and(|manifest| manifest.contains("encryption-data")) {
        return Err(ExtractError::Encrypted);
    }
    let Some(content) = package.part("content.xml")? else { return Err(package.foreign(file_name)) };
    if let Some(meta) = package.part("meta.xml")? {
        out.title(&xml::text_of(&meta, "dc:title", format)?);
    }
    let mut styles = Styles::default();
    if let Some(part) = package.part("styles.xml")? {
        styles.read(&part, format)?;
    }
    styles.read(&content, format)?;
    body::read(&content, format, &styles, limits, out)
}
