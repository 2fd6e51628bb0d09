use proptest::prelude::*;

use super::*;

fn paragraph(sentences: usize) -> String {
    (0..sentences).map(|nth| format!("This is sentence number {nth} of a long paragraph. ")).collect()
}

fn section(range: Range<usize>, kind: SectionKind) -> Section<'static> {
    Section { range, kind, heading: None, page: None, row: None }
}

#[test]
fn a_long_paragraph_becomes_even_chunks_of_whole_sentences() {
    let text = paragraph(50);
    let chunks = chunk(&text, &[], &ChunkOptions::default());
    assert!(chunks.len() > 1);
    let sizes: Vec<u32> = chunks.iter().map(|chunk| chunk.tokens).collect();
    assert!(sizes.iter().all(|&size| (150..=210).contains(&size)), "{sizes:?}");
    assert!(chunks.iter().all(|chunk| text[chunk.range.clone()].ends_with("paragraph.")));
}

#[test]
fn a_heading_opens_a_chunk_and_names_it() {
    let intro = format!("{}\n", paragraph(4));
    let head = "# Returns\n";
    let text = format!("{intro}{head}{}", paragraph(5));
    let at = [intro.len(), intro.len() + head.len()];
    let sections = [
        Section { page: Some(1), ..section(0..at[0], SectionKind::Paragraph) },
        Section { page: Some(2), ..section(at[0]..at[1], SectionKind::Heading { level: 1 }) },
        Section {
            page: Some(2),
            heading: Some("Returns"),
            ..section(at[1]..text.len(), SectionKind::Paragraph)
        },
    ];
    let chunks = chunk(&text, &sections, &ChunkOptions::default());
    assert_eq!(chunks.len(), 2);
    assert!(text[chunks[1].range.clone()].starts_with("# Returns\nThis is"));
    assert_eq!((chunks[1].heading.as_deref(), chunks[1].page), (Some("Returns"), Some(2)));
}

#[test]
fn small_sections_stay_together_and_headings_never_stand_alone_at_an_end() {
    let text = "# A\n# B\nshort.\n# C\nalso short.";
    let sections = [
        section(0..4, SectionKind::Heading { level: 1 }),
        section(4..8, SectionKind::Heading { level: 2 }),
        section(8..15, SectionKind::Paragraph),
        section(15..19, SectionKind::Heading { level: 2 }),
        section(19..text.len(), SectionKind::Paragraph),
    ];
    let chunks = chunk(text, &sections, &ChunkOptions::default());
    assert_eq!(chunks.len(), 1);
    assert_eq!(chunks[0].heading.as_deref(), Some("B"));
}

#[test]
fn table_rows_stay_whole() {
    let row = format!("| {} |\n", "cell ".repeat(120));
    let text = row.repeat(4);
    let rows: Vec<_> = (0..4)
        .map(|nth| Section {
            row: Some(nth as u32 + 1),
            ..section(nth * row.len()..(nth + 1) * row.len(), SectionKind::TableRow)
        })
        .collect();
    let chunks = chunk(&text, &rows, &ChunkOptions::default());
    assert_eq!(
        chunks.iter().map(|chunk| chunk.row).collect::<Vec<_>>(),
        [Some(1), Some(2), Some(3), Some(4)]
    );
    assert!(chunks.iter().all(|chunk| &text[chunk.range.clone()] == row.trim()));
}

#[test]
fn a_sentence_without_end_is_cut_between_words() {
    let text = "word ".repeat(1000);
    let chunks = chunk(&text, &[], &ChunkOptions::default());
    assert!(chunks.len() >= 5 && chunks.iter().all(|chunk| chunk.tokens <= 210));
    assert!(chunks.iter().all(|chunk| text[chunk.range.clone()].split(' ').all(|word| word == "word")));
    assert!(chunk("  \n ", &[], &ChunkOptions::default()).is_empty());
}

fn any_section() -> impl Strategy<Value = Section<'static>> {
    let kind = prop_oneof![
        Just(SectionKind::Heading { level: 2 }),
        Just(SectionKind::Paragraph),
        Just(SectionKind::ListItem),
        Just(SectionKind::TableRow),
        Just(SectionKind::Code),
    ];
    (0_usize..400, 0_usize..400, kind).prop_map(|(start, end, kind)| section(start..end, kind))
}

proptest! {
    #[test]
    fn chunks_cover_the_text_in_order(
        text in "([a-zé黑 .!\n]|word ){0,300}",
        sections in prop::collection::vec(any_section(), 0..8),
        most in 5_u32..60,
    ) {
        let chunks = chunk(&text, &sections, &ChunkOptions { most, least: 4 });
        let mut at = 0;
        for chunk in &chunks {
            prop_assert!(text.is_char_boundary(chunk.range.start) && text.is_char_boundary(chunk.range.end));
            prop_assert!(chunk.range.start >= at && !chunk.range.is_empty());
            prop_assert!(text[at..chunk.range.start].trim().is_empty());
            at = chunk.range.end;
        }
        prop_assert!(text[at..].trim().is_empty());
    }
}
