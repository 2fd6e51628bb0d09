//! Excel workbooks by calamine: each sheet below its name, each row with the names of its columns.
//!
//! XLSX is read cell by cell, so that a sheet costs what is in it and not what it claims to span; before
//! calamine opens the container, everything in it is unpacked once to see how much that is.

mod compound;
mod number;

use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{Data, DataRef, Reader, SheetType, SheetVisible, Xls, XlsError, Xlsx, XlsxError};

use crate::compose::Composer;
use crate::package::Package;
use crate::sheet::Sheet;
use crate::source::Source;
use crate::{ExtractError, Format, Limits, relations};

/// Where the workbook stands unless the package says otherwise.
const USUAL_WORKBOOK: &str = "xl/workbook.xml";

/// Reads a whole workbook of Office Open XML.
pub(crate) fn read_xlsx(
    source: Source<'_>,
    file_name: &str,
    limits: &Limits,
    out: &mut Composer,
) -> Result<(), ExtractError> {
    let mut package = Package::open(source, Format::Xlsx, limits)?;
    let workbook = relations::main_part(&mut package, Format::Xlsx, USUAL_WORKBOOK)?;
    if package.bytes(&workbook)?.is_none() || workbook.starts_with("word/") || workbook.starts_with("ppt/") {
        return Err(package.foreign(file_name));
    }
    out.title(&relations::core_title(&mut package, Format::Xlsx)?);
    Package::open(source, Format::Xlsx, limits)?.check_unpacked()?;
    guarded(Format::Xlsx, || {
        let mut workbook = Xlsx::new(source.open()?).map_err(explain_xlsx)?;
        for name in visible_sheets(workbook.sheets_metadata(), out) {
            let sheet = xlsx_sheet(&mut workbook, &name, limits)?;
            sheet.write(&name, out)?;
        }
        Ok(())
    })
}

fn xlsx_sheet<'a, R: std::io::Read + std::io::Seek>(
    workbook: &mut Xlsx<R>,
    name: &str,
    limits: &'a Limits,
) -> Result<Sheet<'a>, ExtractError> {
    let mut sheet = Sheet::new(limits);
    let mut cells = match workbook.worksheet_cells_reader(name) {
        Ok(cells) => cells,
        Err(XlsxError::NotAWorksheet(_)) => return Ok(sheet),
        Err(error) => return Err(explain_xlsx(error)),
    };
    while let Some((cell, style)) = cells.next_cell_with_style_id().map_err(explain_xlsx)? {
        let format = cells.styles().get(style).and_then(|style| style.number_format.as_ref());
        let code = format.map(|format| format.format_code.as_str());
        let (row, column) = cell.get_position();
        let text = match cell.get_value() {
            DataRef::Float(value) => number::number(*value, code),
            DataRef::Int(value) => number::number(*value as f64, code),
            DataRef::DateTime(value) => number::date(*value, code),
            DataRef::String(text) => text.clone(),
            DataRef::SharedString(text) => (*text).to_owned(),
            DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
            DataRef::Bool(value) => truth(*value).into(),
            DataRef::Error(_) | DataRef::Empty => continue,
        };
        sheet.add(row, column, text)?;
    }
    Ok(sheet)
}

/// Reads a whole workbook of Excel before 2007. Its numbers come without their formats. calamine makes room for all
/// cells between the first and the last one, which ends at the worker's bound on memory.
pub(crate) fn read_xls(source: Source<'_>, limits: &Limits, out: &mut Composer) -> Result<(), ExtractError> {
    compound::check(source)?;
    guarded(Format::Xls, || {
        let mut workbook = Xls::new(source.open()?).map_err(explain_xls)?;
        for name in visible_sheets(workbook.sheets_metadata(), out) {
            let range = workbook.worksheet_range(&name).map_err(explain_xls)?;
            let (top, left) = range.start().unwrap_or_default();
            let mut sheet = Sheet::new(limits);
            for (row, column, value) in range.used_cells() {
                sheet.add(top + row as u32, left + column as u32, xls_text(value))?;
            }
            sheet.write(&name, out)?;
        }
        Ok(())
    })
}

fn xls_text(value: &Data) -> String {
    match value {
        Data::Float(value) => number::number(*value, None),
        Data::Int(value) => value.to_string(),
        Data::DateTime(value) => number::date(*value, None),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Bool(value) => truth(*value).into(),
        Data::Error(_) | Data::Empty => String::new(),
    }
}

fn truth(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

/// The names of the sheets that people see, in order. What the author hid stays hidden, and that is said.
fn visible_sheets(sheets: &[calamine::Sheet], out: &mut Composer) -> Vec<String> {
    let sheets =
        || sheets.iter().filter(|sheet| matches!(sheet.typ, SheetType::WorkSheet | SheetType::DialogSheet));
    let is_visible = |sheet: &&calamine::Sheet| sheet.visible == SheetVisible::Visible;
    let hidden: Vec<&str> =
        sheets().filter(|sheet| !is_visible(sheet)).map(|sheet| sheet.name.as_str()).collect();
    if !hidden.is_empty() {
        out.warn(format!("Hidden sheets were left out: {}.", hidden.join(", ")));
    }
    sheets().filter(is_visible).map(|sheet| sheet.name.clone()).collect()
}

/// A workbook that makes the parser panic is damaged.
fn guarded(format: Format, read: impl FnOnce() -> Result<(), ExtractError>) -> Result<(), ExtractError> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(ExtractError::damaged(format, "the workbook makes no sense")))
}

fn explain_xlsx(error: XlsxError) -> ExtractError {
    match error {
        XlsxError::Password => ExtractError::Encrypted,
        error => ExtractError::damaged(Format::Xlsx, error),
    }
}

fn explain_xls(error: XlsError) -> ExtractError {
    match error {
        XlsError::Password => ExtractError::Encrypted,
        error => ExtractError::damaged(Format::Xls, error),
    }
}
