use super::*;
use crate::{Extracted, Format, SectionKind};

fn try_read(rtf: &[u8]) -> Result<Extracted, ExtractError> {
    let limits = Limits::default();
    let mut out = Composer::new(Format::Rtf, &limits);
    read(rtf, &limits, &mut out)?;
    out.finish()
}

fn text(rtf: &str) -> String {
    try_read(rtf.as_bytes()).unwrap().text
}

#[test]
fn headings_lists_notes_and_hidden_text() {
    let found = try_read(
        br"{\rtf1\ansi\deff0{\fonttbl{\f0 Arial;}}{\colortbl;\red0\green0\blue0;}
{\stylesheet{\s0 Normal;}{\s1\outlinelevel0 heading 1;}{\s5\outlinelevel1 Unter;}{\*\cs10 Default;}}
{\info{\title Return rules}{\author Ann}}{\header Page header\par}
\pard\s1 Returns\par \pard\plain Our window{\footnote\pard Counted from delivery.\par} is {\b 30} days.\line New line.\par
\pard\s5 Steps\par \pard{\listtext\bullet\tab}\ls1 Pack it\par {\listtext 2.\tab}Send it{\v secret}\par
\pard{\field{\*\fldinst HYPERLINK x}{\fldrslt our page}}{\pict\bin4 }}}}{\*\unknown gone}\par}",
    )
    .unwrap();
    assert_eq!(
        found.text,
        "Returns\n\nOur window is 30 days.\nNew line.\n\nCounted from delivery.\n\nSteps\n\nPack it\n2. Send it\n\nour page"
    );
    assert_eq!(found.title.as_deref(), Some("Return rules"));
    assert_eq!(found.sections[4].heading.as_deref(), Some("Returns > Steps"));
    assert_eq!(found.sections[4].kind, SectionKind::ListItem);
}

#[test]
fn characters_come_in_many_ways() {
    assert_eq!(text(r"{\rtf1\ansi\ansicpg1252 K\'e4se \u8364?5 \u-10179?\u-8704?\~\'96}"), "Käse €5 😀 –");
    assert_eq!(text(r"{\rtf1\ansi\uc2\u228\'e4\'e4b{\uc0\u246 o}\u252??c}"), "äböoüc");
    assert_eq!(
        text(
            r"{\rtf1\ansi{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset204 B;}{\f2\fcharset128 C;}}\f1 \'cf\'f0\f2 \'95\'d4\'95i\f0 \'e9}"
        ),
        "Пр返品é"
    );
    assert_eq!(text(r"{\rtf1\mac caf\'8e}"), "café");
    assert_eq!(text(r"{\rtf1 a\{b\}\\c}"), r"a{b}\c");
}

#[test]
fn tables_keep_their_header_with_every_row() {
    let row = |cells: &[&str]| format!(r"\trowd\cellx1\cellx2\pard\intbl {}\cell\row", cells.join(r"\cell "));
    let rtf = format!(
        r"{{\rtf1 Prices\par {}{}\trowd\clvmrg\cellx1\cellx2\pard\intbl \cell 39\par per month\cell\row\pard After\par}}",
        row(&["Plan", "Price"]),
        row(&["Starter", "29"])
    );
    assert_eq!(text(&rtf), "Prices\n\nPlan: Starter; Price: 29\nPlan: Starter; Price: 39 per month\n\nAfter");
}

#[test]
fn text_boxes_are_read_and_their_copies_are_not() {
    let rtf = r"{\rtf1 A{\shp{\*\shpinst{\sp{\sn x}{\sv y}}{\shptxt In a box\par}}{\shprslt In a box}}B\par}";
    let found = text(rtf);
    assert_eq!(found.matches("In a box").count(), 1, "{found}");
}

#[test]
fn hostile_documents_are_bounded() {
    let deep = "{\\rtf1".to_owned() + &"{".repeat(1_000_000);
    assert_eq!(try_read(deep.as_bytes()).unwrap_err().code(), "too_large");
    assert_eq!(try_read(b"{\\rtf1").unwrap_err(), ExtractError::Empty);
    assert_eq!(try_read(b"}}}}\\bin2147483647 x\\u\\'").unwrap_err(), ExtractError::Empty);
    assert_eq!(text("{\\rtf1 }}}}still here"), "still here");
}
