//! Small PDFs for tests.

use crate::{Format, Limits, extract_bytes};

/// The text of a document whose objects are these, numbered from 1; the first one is its catalog.
pub(super) fn text(objects: impl IntoIterator<Item = String>) -> String {
    let mut file = String::from("%PDF-1.4\n");
    let mut size = 1;
    for object in objects {
        file.push_str(&format!("{size} 0 obj\n{object}\nendobj\n"));
        size += 1;
    }
    file.push_str(&format!("trailer<</Root 1 0 R/Size {size}>>\n%%EOF\n"));
    extract_bytes(file.as_bytes(), Format::Pdf, &Limits::default()).unwrap().text
}

pub(super) fn stream(dictionary: &str, content: &str) -> String {
    format!("<<{dictionary}/Length {}>>stream\n{content}\nendstream", content.len())
}

/// The text of a page of 300 by 300 points with these drawing instructions; its fonts are `/F`, Helvetica.
pub(super) fn page(content: &str) -> String {
    text([
        "<</Type/Catalog/Pages 2 0 R>>".into(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".into(),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>"
            .into(),
        stream("", content),
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".into(),
    ])
}
