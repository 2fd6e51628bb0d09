//! Text of pages that were placed on a page as figures, as InDesign does.
//!
//! The parser leaves out what is marked as `PlacedPDF`, because it may be an invisible draft of the text around it. It
//! judges by what the page itself draws and so loses whatever stands in forms inside it. Here such forms are read
//! again, and left out only when most of their words stand on the page already.

use std::collections::HashSet;

use pdf_oxide::PdfDocument;
use pdf_oxide::content::{
    Matrix, Operator, parse_content_stream, parse_content_stream_images_only as parse_drawing,
};
use pdf_oxide::extractors::TextExtractor;
use pdf_oxide::layout::TextSpan;
use pdf_oxide::object::Object;

const TAG: &[u8] = b"PlacedPDF";
/// A tag of the same length that means nothing.
const NO_TAG: &[u8] = b"Placed_in";

/// Forms inside forms are not followed beyond this, and no more of them on one page.
const MAX_DEPTH: u8 = 6;
const MAX_FORMS: usize = 200;

/// What stands in placed forms on the page with this index and not in `shown`.
pub(super) fn spans(
    document: &PdfDocument,
    index: usize,
    shown: &[TextSpan],
) -> pdf_oxide::Result<Vec<TextSpan>> {
    // The parser decrypts streams only for itself, and turns rotated pages only in its own spans.
    if document.is_encrypted() || document.get_page_rotation(index)? != 0 {
        return Ok(Vec::new());
    }
    let page = document.get_page_for_debug(index)?;
    let Some(resources) = resources(document, &page) else { return Ok(Vec::new()) };
    if !has_forms(document, &resources) {
        return Ok(Vec::new());
    }
    let content = document.get_page_content_data(index)?;
    let mut walk = Walk { document, index, left: MAX_FORMS, shown: words(shown), found: Vec::new() };
    walk.follow(&content, &resources, Matrix::identity(), 0);
    let (left, bottom, right, top) = document.get_page_visible_box(index)?;
    walk.found.retain(|span| {
        let (x, y) = middle(span);
        (left..=right).contains(&x) && (bottom..=top).contains(&y)
    });
    Ok(walk.found)
}

struct Walk<'a> {
    document: &'a PdfDocument,
    index: usize,
    /// How many more forms may be looked at.
    left: usize,
    shown: HashSet<String>,
    found: Vec<TextSpan>,
}

/// A form ready to be drawn.
struct Form {
    content: Vec<u8>,
    resources: Object,
    matrix: Matrix,
    /// Left, bottom, right and top of what shows of it.
    edges: [f32; 4],
}

impl Walk<'_> {
    /// Looks for forms in drawing instructions, and keeps account of where they draw (ISO 32000-1, 8.4.2 and 8.10).
    fn follow(&mut self, content: &[u8], resources: &Object, at: Matrix, depth: u8) {
        // Marks are read only where there are any, as that takes reading the text as well.
        let parse = if is_tagged(content) { parse_content_stream } else { parse_drawing };
        let (mut at, mut saved, mut marks) = (at, Vec::new(), Vec::new());
        for operator in parse(content).unwrap_or_default() {
            match operator {
                Operator::SaveState => saved.push(at),
                Operator::RestoreState => at = saved.pop().unwrap_or(at),
                Operator::Cm { a, b, c, d, e, f } => at = Matrix { a, b, c, d, e, f }.multiply(&at),
                Operator::BeginMarkedContent { tag } | Operator::BeginMarkedContentDict { tag, .. } => {
                    marks.push(tag.as_bytes() == TAG);
                }
                Operator::EndMarkedContent => {
                    marks.pop();
                }
                Operator::Do { name } => self.draw(&name, resources, at, marks.contains(&true), depth),
                _ => {}
            }
        }
    }

    fn draw(&mut self, name: &str, resources: &Object, at: Matrix, is_placed: bool, depth: u8) {
        if depth >= MAX_DEPTH || self.left == 0 {
            return;
        }
        let Some(form) = form(self.document, resources, name) else { return };
        self.left -= 1;
        let at = form.matrix.multiply(&at);
        if is_placed || is_tagged(&form.content) {
            let spans = self.read(&form, at).unwrap_or_default();
            let words = words(&spans);
            let known = words.intersection(&self.shown).count();
            if known * 2 <= words.len() {
                self.shown.extend(words);
                self.found.extend(spans);
            }
        }
        self.follow(&form.content, &form.resources, at, depth + 1);
    }

    /// All text of a form that its edges leave visible.
    fn read(&self, form: &Form, at: Matrix) -> pdf_oxide::Result<Vec<TextSpan>> {
        let mut extractor = TextExtractor::new();
        extractor.set_page_index(u32::try_from(self.index).unwrap_or(0));
        extractor.set_resources(form.resources.clone());
        extractor.set_document(self.document);
        self.document.load_fonts_public(&form.resources, &mut extractor)?;
        let Matrix { a, b, c, d, e, f } = at;
        let mut content = format!("{a} {b} {c} {d} {e} {f} cm\n").into_bytes();
        content.extend(untagged(&form.content));
        let mut spans = extractor.extract_text_spans(&content)?;
        let [left, bottom, right, top] = form.edges;
        let corners = [(left, bottom), (left, top), (right, bottom), (right, top)]
            .map(|(x, y)| at.transform_point(x, y));
        let within = |value: f32, of: fn(&pdf_oxide::geometry::Point) -> f32| {
            corners.iter().any(|corner| of(corner) <= value)
                && corners.iter().any(|corner| of(corner) >= value)
        };
        spans.retain(|span| {
            let (x, y) = middle(span);
            within(x, |corner| corner.x) && within(y, |corner| corner.y)
        });
        Ok(spans)
    }
}

fn resources(document: &PdfDocument, holder: &Object) -> Option<Object> {
    document.resolve_object(holder.as_dict()?.get("Resources")?).ok()
}

fn forms(document: &PdfDocument, resources: &Object) -> Option<Object> {
    document.resolve_object(resources.as_dict()?.get("XObject")?).ok()
}

fn has_forms(document: &PdfDocument, resources: &Object) -> bool {
    let forms = forms(document, resources);
    let mut objects = forms.iter().filter_map(Object::as_dict).flat_map(|forms| forms.values());
    objects.any(|object| object.as_reference().is_some_and(|form| document.is_form_xobject(form)))
}

/// A form that has resources of its own, as every placed page does.
fn form(document: &PdfDocument, resources_around: &Object, name: &str) -> Option<Form> {
    let forms = forms(document, resources_around)?;
    let reference = forms.as_dict()?.get(name)?.as_reference()?;
    if !document.is_form_xobject(reference) {
        return None;
    }
    let form = document.load_object(reference).ok()?;
    let resources = resources(document, &form)?;
    let numbers = |key: &str| {
        let value = document.resolve_object(form.as_dict()?.get(key)?).ok()?;
        value.as_array()?.iter().map(number).collect::<Option<Vec<f32>>>()
    };
    let matrix = match numbers("Matrix").as_deref() {
        Some(&[a, b, c, d, e, f]) => Matrix { a, b, c, d, e, f },
        _ => Matrix::identity(),
    };
    let edges = numbers("BBox")?.try_into().ok()?;
    Some(Form { content: form.decode_stream_data().ok()?, resources, matrix, edges })
}

fn number(object: &Object) -> Option<f32> {
    object.as_real().or_else(|| object.as_integer().map(|value| value as f64)).map(|value| value as f32)
}

fn is_tagged(content: &[u8]) -> bool {
    content.windows(TAG.len()).any(|part| part == TAG)
}

fn untagged(content: &[u8]) -> Vec<u8> {
    let mut content = content.to_vec();
    let mut from = 0;
    while let Some(at) = content[from..].windows(TAG.len()).position(|part| part == TAG) {
        from += at + TAG.len();
        content[from - TAG.len()..from].copy_from_slice(NO_TAG);
    }
    content
}

fn middle(span: &TextSpan) -> (f32, f32) {
    (span.bbox.x + span.bbox.width / 2.0, span.bbox.y + span.bbox.height / 2.0)
}

fn words(spans: &[TextSpan]) -> HashSet<String> {
    let words = spans.iter().flat_map(|span| span.text.split(|c: char| !c.is_alphanumeric()));
    words.filter(|word| word.chars().nth(1).is_some()).map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{stream, text};

    /// The text of a page that draws `page` and a form that holds a placed page.
    fn read(page: &str, form: &str) -> String {
        let page = format!("BT /F 10 Tf 20 250 Td ({page}) Tj ET q 1 0 0 1 20 -40 cm /P Do Q");
        let form = format!("/PlacedPDF BMC BT /F 10 Tf 0 140 Td ({form}) Tj ET EMC");
        let fonts = "/Resources<</Font<</F 6 0 R>>/XObject<</P 5 0 R>>>>";
        text([
            "<</Type/Catalog/Pages 2 0 R>>".into(),
            "<</Type/Pages/Kids[3 0 R]/Count 1>>".into(),
            format!("<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents 4 0 R{fonts}>>"),
            stream("", &page),
            stream(&format!("/Type/XObject/Subtype/Form/BBox[0 100 250 200]{fonts}"), &form),
            "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".into(),
        ])
    }

    #[test]
    fn placed_text_is_read_where_it_is_shown() {
        let text = read("Summary of the report", "The warranty lasts two years");
        assert_eq!(text, "Summary of the report\n\nThe warranty lasts two years");
    }

    #[test]
    fn placed_text_that_repeats_the_page_is_left_out() {
        let text = read("The warranty lasts two years", "The warranty lasts two years");
        assert_eq!(text, "The warranty lasts two years");
    }
}
