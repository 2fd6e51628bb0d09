//! Presentations, workbooks, OpenDocument, e-books, e-mail and the like, as whole files made here.

use crate::common::{book, fixture, open_document, presentation, read, read_bytes, section, workbook};
use documents::{ExtractError, Format, SectionKind};

fn shape(place: &str, paragraphs: &[&str]) -> String {
    let text: String =
        paragraphs.iter().map(|text| format!("<a:p><a:r><a:t>{text}</a:t></a:r></a:p>")).collect();
    format!("<p:sp><p:nvSpPr><p:nvPr>{place}</p:nvPr></p:nvSpPr><p:txBody>{text}</p:txBody></p:sp>")
}

fn slide(attributes: &str, shapes: &str) -> String {
    format!("<p:sld{attributes}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>")
}

#[test]
fn slides_come_in_the_order_of_the_show_with_titles_tables_and_notes() {
    let cell = |text: &str, merged: &str| {
        format!("<a:tc{merged}><a:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></a:txBody></a:tc>")
    };
    let table = format!(
        "<p:graphicFrame><a:tbl><a:tblPr firstRow=\"1\"/><a:tr>{}{}</a:tr><a:tr>{}{}</a:tr><a:tr>{}{}</a:tr></a:tbl></p:graphicFrame>",
        cell("Plan", ""),
        cell("Price", ""),
        cell("Starter", " rowSpan=\"2\""),
        cell("29", ""),
        cell("", " vMerge=\"1\""),
        cell("27 a year", ""),
    );
    let first = slide(
        "",
        &[
            shape("<p:ph type=\"body\" idx=\"1\"/>", &["Within 30 days", "Unused"]),
            shape("<p:ph type=\"title\"/>", &["Returns"]),
            shape("<p:ph type=\"sldNum\"/>", &["1"]),
            shape("", &["Ask us &amp; we help"]),
        ]
        .concat(),
    );
    let second = slide("", &(shape("<p:ph type=\"ctrTitle\"/>", &["Prices"]) + &table));
    let hidden = slide(" show=\"0\"", &shape("", &["Not for customers"]));
    let file = presentation(&[(&first, Some("Say it slowly.")), (&second, None), (&hidden, None)]);
    let found = read_bytes(&file, "a.pptx").unwrap();
    assert_eq!((found.format, found.pages), (Format::Pptx, Some(3)));
    assert_eq!(
        found.text,
        "Returns\n\nWithin 30 days\nUnused\n\nAsk us & we help\n\nSay it slowly.\n\nPrices\n\n\
         Plan: Starter; Price: 29\nPlan: Starter; Price: 27 a year"
    );
    let notes = section(&found, "Say it slowly");
    assert_eq!((notes.page, notes.heading.as_deref()), (Some(1), Some("Returns")));
    let row = section(&found, "27 a year");
    assert_eq!((row.kind, row.page, row.row), (SectionKind::TableRow, Some(2), Some(2)));
    assert_eq!(row.heading.as_deref(), Some("Prices"));
    assert_eq!(section(&found, "Unused").kind, SectionKind::ListItem);
    assert_eq!(found.warnings, ["Hidden slides were left out: 1."]);
}

#[test]
fn workbooks_name_sheets_columns_prices_and_dates() {
    let rows = "<dimension ref=\"A1:XFD1048576\"/><sheetData>\
        <row r=\"1\"><c r=\"B1\" t=\"inlineStr\"><is><t>Plan</t></is></c><c r=\"C1\" t=\"inlineStr\"><is><t>Price</t></is></c>\
        <c r=\"D1\" t=\"inlineStr\"><is><t>Since</t></is></c><c r=\"E1\" t=\"inlineStr\"><is><t>Open</t></is></c></row>\
        <row r=\"2\"><c r=\"B2\" t=\"inlineStr\"><is><t>Starter</t></is></c><c r=\"C2\" s=\"1\"><v>1029.9</v></c>\
        <c r=\"D2\" s=\"2\"><v>45943</v></c><c r=\"E2\" t=\"b\"><v>1</v></c></row>\
        <row r=\"9\"><c r=\"B9\" t=\"inlineStr\"><is><t>Team</t></is></c><c r=\"C9\"><v>99</v></c>\
        <c r=\"D9\" t=\"e\"><v>#REF!</v></c></row></sheetData>";
    let one =
        "<sheetData><row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>secret</t></is></c></row></sheetData>";
    let file = workbook(&[
        ("Prices 2026", false, rows),
        ("Empty", false, "<sheetData/>"),
        ("Costs", true, one),
        ("Notes", false, &one.replace("secret", "Without tax")),
    ]);
    let found = read_bytes(&file, "a.xlsx").unwrap();
    assert_eq!(
        found.text,
        "Prices 2026\n\nPlan: Starter; Price: 1,029.90 €; Since: 2025-10-13; Open: yes\nPlan: Team; Price: 99\n\n\
         Notes\n\nWithout tax"
    );
    let row = section(&found, "Plan: Team");
    assert_eq!((row.sheet.as_deref(), row.row), (Some("Prices 2026"), Some(2)));
    assert_eq!(row.heading.as_deref(), Some("Prices 2026"));
    let note = section(&found, "Without tax");
    assert_eq!((note.sheet.as_deref(), note.heading.as_deref()), (Some("Notes"), Some("Notes")));
    assert_eq!(found.warnings, ["Hidden sheets were left out: Costs."]);
}

#[test]
fn old_workbooks_are_read() {
    let found = read(&fixture("prices.xls"), "prices.xls").unwrap();
    assert_eq!(found.format, Format::Xls);
    assert_eq!(
        found.text,
        "Prices\n\nPlan: Starter; Price: 29; Since: 2025-10-13\nPlan: Team; Price: 99.5; Since: 2026-01-01"
    );
    assert_eq!(section(&found, "Plan: Team").sheet.as_deref(), Some("Prices"));
}

#[test]
fn opendocument_texts_keep_their_structure() {
    let cell = |text: &str| format!("<table:table-cell><text:p>{text}</text:p></table:table-cell>");
    let body = format!(
        "<text:p text:style-name=\"P1\">Returns policy</text:p><text:h text:outline-level=\"2\">Norway</text:h>\
         <text:p>Our<text:s text:c=\"2\"/>window<text:note><text:note-citation>1</text:note-citation><text:note-body>\
         <text:p>From delivery.</text:p></text:note-body></text:note> is 30<text:tab/>days.</text:p>\
         <text:tracked-changes><text:p>deleted</text:p></text:tracked-changes>\
         <text:list><text:list-item><text:p>Pack</text:p><text:list><text:list-item><text:p>the box</text:p></text:list-item></text:list></text:list-item></text:list>\
         <table:table><table:table-header-rows><table:table-row>{}{}</table:table-row></table:table-header-rows>\
         <table:table-row>{}{}</table:table-row></table:table><text:p>End.</text:p>",
        cell("Plan"),
        cell("Price"),
        cell("Starter"),
        cell("29 USD"),
    );
    let styles = "<style:style style:name=\"P1\" style:parent-style-name=\"Title\"/>";
    let found = read_bytes(&open_document("text", styles, &body), "a.odt").unwrap();
    assert_eq!(
        found.text,
        "Returns policy\n\nNorway\n\nOur window is 30 days.\n\nFrom delivery.\n\nPack\nthe box\n\n\
         Plan: Starter; Price: 29 USD\n\nEnd."
    );
    let row = section(&found, "Plan: Starter");
    assert_eq!((row.row, row.heading.as_deref()), (Some(1), Some("Returns policy > Norway")));
    assert_eq!(found.title.as_deref(), Some("Price list"));
}

#[test]
fn opendocument_sheets_show_what_a_person_sees() {
    let cell = |text: &str| {
        format!("<table:table-cell office:value=\"0\"><text:p>{text}</text:p></table:table-cell>")
    };
    let sheet = |name: &str, style: &str, rows: &str| {
        format!("<table:table table:name=\"{name}\" table:style-name=\"{style}\">{rows}</table:table>")
    };
    let rows = format!(
        "<table:table-row>{}<table:table-cell table:number-columns-repeated=\"16382\"/></table:table-row>\
         <table:table-row table:number-rows-repeated=\"2\">{}</table:table-row>\
         <table:table-row table:number-rows-repeated=\"1048573\"><table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row>",
        cell("Plan") + &cell("Price"),
        cell("Starter") + &cell("29,00 €"),
    );
    let hidden = sheet("Costs", "ta2", &format!("<table:table-row>{}</table:table-row>", cell("secret")));
    let styles =
        "<style:style style:name=\"ta2\"><style:table-properties table:display=\"false\"/></style:style>";
    let file = open_document("spreadsheet", styles, &(sheet("Prices", "ta1", &rows) + &hidden));
    let found = read_bytes(&file, "a.ods").unwrap();
    assert_eq!(found.text, "Prices\n\nPlan: Starter; Price: 29,00 €\nPlan: Starter; Price: 29,00 €");
    assert_eq!(section(&found, "Plan: Starter").sheet.as_deref(), Some("Prices"));
    assert_eq!(found.warnings, ["Hidden sheets were left out: Costs."]);
}

#[test]
fn books_are_read_chapter_by_chapter() {
    let file = book(
        &[
            ("two", "<html><head><title/></head><body><h2>Norway</h2><p>Three days.</p></body></html>"),
            ("one", "<html><body><h1><a id=\"x\"/>Shipping</h1><p>From Oslo.</p></body></html>"),
        ],
        &["one", "two", "one", "three"],
    );
    let found = read_bytes(&file, "a.epub").unwrap();
    assert_eq!((found.format, found.title.as_deref(), found.pages), (Format::Epub, Some("Handbook"), None));
    assert_eq!(found.text, "Shipping\n\nFrom Oslo.\n\nNorway\n\nThree days.");
    assert_eq!(section(&found, "Three").heading.as_deref(), Some("Shipping > Norway"));
    assert_eq!(found.web, None);
}

#[test]
fn messages_have_a_subject_people_a_text_and_attachments() {
    let mail = "Message-ID: <1@example.org>\r\nDate: Mon, 23 Nov 2026 09:30:00 +0100\r\n\
        From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>\r\nTo: help@example.org\r\nSubject: =?utf-8?b?UsO8Y2tnYWJl?=\r\n\
        MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n\
        --a\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
        Wie lange gilt die R=FCckgabe?\r\n\r\n> 30 Tage.\r\n--a\r\nContent-Type: text/html\r\n\r\n<p>Twice</p>\r\n--a--\r\n\
        --b\r\nContent-Type: text/csv; name=prices.csv\r\nContent-Disposition: attachment; filename=prices.csv\r\n\r\nPlan,Price\r\nStarter,29\r\n\
        --b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=tool.exe\r\nContent-Transfer-Encoding: base64\r\n\r\n\
        TVqQAAMAAAAEAAAA\r\n--b--\r\n";
    let found = read_bytes(mail.as_bytes(), "a.eml").unwrap();
    assert_eq!(
        found.text,
        "Rückgabe\n\nFrom: Jürgen <j@example.org>\nTo: help@example.org\nDate: 2026-11-23 09:30 +01:00\n\n\
         Wie lange gilt die Rückgabe?\n\n> 30 Tage.\n\nprices.csv\n\nPlan: Starter; Price: 29"
    );
    assert_eq!((found.format, found.title.as_deref()), (Format::Email, Some("Rückgabe")));
    assert_eq!(section(&found, "Plan: Starter").heading.as_deref(), Some("Rückgabe > prices.csv"));
    assert_eq!(found.warnings, ["Attachments that were not read: tool.exe (unsupported)."]);
    let html =
        "Subject: Hi\nMIME-Version: 1.0\nContent-Type: text/html\n\n<h2>Offer</h2><p>Ten <b>euros</b></p>";
    assert_eq!(read_bytes(html.as_bytes(), "b.eml").unwrap().text, "Hi\n\nOffer\n\nTen euros");
}

#[test]
fn questions_and_answers_are_read_from_json_lines() {
    let lines = "{\"question\":\"How long?\",\"answer\":\"30 days.\"}\n{\"question\":\"Where?\",\"answer\":\"Oslo.\"}\n";
    let found = read_bytes(lines.as_bytes(), "upload").unwrap();
    assert_eq!(
        (found.format, found.text.as_str()),
        (Format::JsonLines, "How long?\n\n30 days.\n\nWhere?\n\nOslo.")
    );
    assert_eq!(section(&found, "Oslo").heading.as_deref(), Some("Where?"));
}

/// Holds with and without `tesseract` on the machine.
#[test]
fn pictures_are_read_where_tesseract_is() {
    let picture = read(&fixture("notice.png"), "notice.png");
    let scan = read(&fixture("notice.pdf"), "notice.pdf");
    if tesseract_is_here() {
        let (picture, scan) = (picture.unwrap(), scan.unwrap());
        assert!(picture.text.contains("return window is 30 days"), "{}", picture.text);
        assert!(scan.text.contains("return window is 30 days"), "{}", scan.text);
        assert_eq!(section(&scan, "30 days").page, Some(1));
        assert!(picture.warnings[0].contains("misread") && scan.warnings[0].contains("misread"));
    } else {
        assert_eq!(picture, Err(ExtractError::NoOcr { found: "a PNG picture".into() }));
        assert!(picture.unwrap_err().to_string().contains("Tesseract"));
        assert_eq!(scan, Err(ExtractError::NoText { pages: 1 }));
        assert!(scan.unwrap_err().to_string().contains("Tesseract"));
    }
}

fn tesseract_is_here() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join("tesseract").is_file())
}
