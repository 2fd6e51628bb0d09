use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;

use super::*;
use crate::{DIMENSIONS, analyse_passage, analyse_query};

/// Words of a small vocabulary, so that documents share some.
const WORDS: [&str; 12] = [
    "password", "reset", "invoice", "refund", "delivery", "garden", "winter", "the", "of", "kettle", "blue",
    "seven",
];

/// What a test document is made from: the same seed gives the same document.
fn document(id: usize, seed: u64) -> DocumentRows {
    let mut random = Random(seed.wrapping_mul(31).wrapping_add(id as u64) | 1);
    let chunks = 1 + random.below(3);
    let chunk = |ordinal: usize, random: &mut Random| {
        let text: Vec<&str> = (0..2 + random.below(12)).map(|_| WORDS[random.below(WORDS.len())]).collect();
        // A number of its own: none of the chunks is a copy of another.
        let text = format!("{} {id}.{ordinal}", text.join(" "));
        ChunkRow {
            ordinal: ordinal as i64,
            terms: analyse_passage("", None, &text),
            vector: (random.below(5) > 0).then(|| random.vector()),
            text: (!id.is_multiple_of(4)).then(|| ChunkText { content: text.into(), ..ChunkText::default() }),
        }
    };
    DocumentRows {
        document_id: format!("d{id}"),
        collection_id: format!("c{}", id % 3),
        version: seed as i64,
        about: About { title: format!("Title {seed}").into(), source_url: None },
        chunks: (0..chunks).map(|ordinal| chunk(ordinal, &mut random)).collect(),
    }
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, end: usize) -> usize {
        self.next() as usize % end
    }

    fn vector(&mut self) -> Vec<f32> {
        let mut vector: Vec<f32> = (0..DIMENSIONS).map(|_| self.next() as f32 / 1e9 - 1.0).collect();
        let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        vector.iter_mut().for_each(|x| *x /= length);
        vector
    }
}

fn spool() -> PathBuf {
    std::env::temp_dir()
}

fn query<'a>(text: &str, vector: &'a [f32], mode: Mode) -> Query<'a> {
    Query { terms: analyse_query(text), vector: Some(vector), collections: None, mode }
}

fn places(hits: &[Hit]) -> Vec<(String, i64)> {
    hits.iter().map(|hit| (hit.document_id.to_string(), hit.ordinal)).collect()
}

#[derive(Debug, Clone)]
enum Change {
    Put(usize, u64),
    Remove(usize),
}

fn changes() -> impl Strategy<Value = Vec<Vec<Change>>> {
    let change = prop_oneof![
        3 => (0_usize..30, 0_u64..1000).prop_map(|(id, seed)| Change::Put(id, seed)),
        1 => (0_usize..30).prop_map(Change::Remove),
    ];
    prop::collection::vec(prop::collection::vec(change, 1..6), 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_sequence_of_changes_answers_like_an_index_built_at_once(steps in changes(), seed: u64) {
        let mut expected: BTreeMap<usize, DocumentRows> = BTreeMap::new();
        let mut index = Index::new(&spool());
        for step in steps {
            let (mut changed, mut removed) = (Vec::new(), Vec::new());
            let mut touched = HashSet::new();
            for change in step {
                match change {
                    Change::Put(id, seed) => {
                        touched.insert(id);
                        changed.push(document(id, seed));
                        expected.insert(id, document(id, seed));
                    }
                    Change::Remove(id) if touched.contains(&id) => {}
                    Change::Remove(id) => {
                        touched.insert(id);
                        removed.push(format!("d{id}"));
                        expected.remove(&id);
                    }
                }
            }
            // A document that is put after it was removed in the same step is in both lists, and stays.
            index = index.with(changed, &removed).unwrap();
        }
        for (id, document) in &expected {
            for chunk in &document.chunks {
                let told = index.text(&document.document_id, chunk.ordinal);
                prop_assert_eq!(told.filter(|text| !text.content.is_empty()), chunk.text.clone());
            }
            let about = index.about(&document.document_id);
            prop_assert!(about == Some(document.about.clone()) || id.is_multiple_of(4), "{:?}", about);
        }
        let mut gone = (0..30).filter(|id| !expected.contains_key(id)).map(|id| format!("d{id}"));
        prop_assert!(gone.all(|id| index.text(&id, 0).is_none() && index.about(&id).is_none()));
        let whole = Index::new(&spool()).with(expected.into_values().collect(), &[]).unwrap();
        prop_assert_eq!(index.len(), whole.len());
        let vector = Random(seed | 1).vector();
        let collections = HashSet::from(["c1".to_owned()]);
        for mode in [Mode::Fused, Mode::Lexical, Mode::Dense] {
            for collections in [None, Some(&collections)] {
                let query = Query { collections, ..query("reset the blue password of winter", &vector, mode) };
                prop_assert_eq!(index.search(&query, 10), whole.search(&query, 10));
            }
        }
    }

    #[test]
    fn coded_search_finds_what_brute_force_finds(seeds in prop::collection::vec(any::<u64>(), 1..60), asked: u64) {
        let documents: Vec<_> = seeds.iter().enumerate().map(|(id, &seed)| document(id, seed)).collect();
        let vector = Random(asked | 1).vector();
        let mut exact: Vec<(f32, String, i64)> = Vec::new();
        for document in &documents {
            for chunk in &document.chunks {
                if let Some(stored) = &chunk.vector {
                    let cosine = stored.iter().zip(&vector).map(|(a, b)| a * b).sum();
                    exact.push((cosine, document.document_id.clone(), chunk.ordinal));
                }
            }
        }
        exact.sort_by(|a, b| b.0.total_cmp(&a.0));
        let index = Index::new(&spool()).with(documents, &[]).unwrap();
        let hits = index.search(&query("", &vector, Mode::Dense), 10);
        prop_assert_eq!(hits.len(), exact.len().min(10));
        for (hit, (cosine, id, ordinal)) in hits.iter().zip(&exact) {
            prop_assert!((hit.dense.unwrap() - cosine).abs() < 1e-5);
            prop_assert_eq!((&*hit.document_id, hit.ordinal), (id.as_str(), *ordinal));
        }
    }
}

#[test]
fn a_changed_document_replaces_its_old_rows_and_a_removed_one_never_comes_back() {
    let text = |text: &str| {
        vec![ChunkRow { ordinal: 0, terms: analyse_passage("", None, text), vector: None, text: None }]
    };
    let rows = |version, chunks| DocumentRows {
        document_id: "a".into(),
        collection_id: "c".into(),
        version,
        about: About::default(),
        chunks,
    };
    let ask = |index: &Index, text: &str| {
        let terms = analyse_query(text);
        index.search(&Query { terms, vector: None, collections: None, mode: Mode::Fused }, 5)
    };
    let first = Index::new(&spool()).with(vec![rows(1, text("the red kettle"))], &[]).unwrap();
    let second = first.with(vec![rows(2, text("the blue kettle"))], &[]).unwrap();
    assert_eq!(ask(&second, "red"), []);
    let found = ask(&second, "blue kettle");
    assert_eq!((found.len(), found[0].version, found[0].dense), (1, 2, None));
    assert!((found[0].coverage - 1.0).abs() < 1e-5 && found[0].score > 0.0 && found[0].score < 1.0);
    assert_eq!(ask(&first, "red").len(), 1, "a snapshot does not change");
    let third = second.with(Vec::new(), &["a".to_owned()]).unwrap();
    assert!(third.is_empty() && ask(&third, "kettle").is_empty());
    assert!(second.with(vec![rows(3, Vec::new())], &[]).unwrap().is_empty());
}

#[test]
fn collections_confine_the_search_before_the_best_are_taken() {
    let documents = (0..300).map(|id| document(id, 7)).collect();
    let index = Index::new(&spool()).with(documents, &[]).unwrap();
    let vector = Random(99).vector();
    let wanted = HashSet::from(["c2".to_owned()]);
    let query = Query { collections: Some(&wanted), ..query("garden delivery", &vector, Mode::Fused) };
    let hits = index.search(&query, 50);
    assert_eq!(hits.len(), 50);
    assert!(hits.iter().all(|hit| hit.document_id[1..].parse::<usize>().unwrap() % 3 == 2));
    assert!(hits.is_sorted_by(|a, b| a.score >= b.score));
    let none = HashSet::new();
    assert_eq!(places(&index.search(&Query { collections: Some(&none), ..query }, 50)), []);
}

#[test]
fn many_small_changes_end_in_few_segments() {
    let mut index = Index::new(&spool());
    for id in 0..200 {
        index = index.with(vec![document(id, 3)], &[]).unwrap();
        assert!(index.parts.len() <= MOST_SEGMENTS);
    }
    let removed: Vec<String> = (0..190).map(|id| format!("d{id}")).collect();
    let small = index.with(Vec::new(), &removed).unwrap();
    assert!(small.memory_bytes() < index.memory_bytes() / 4, "what is dead is given back");
}

#[test]
fn a_vector_of_the_wrong_length_is_refused() {
    let mut wrong = document(1, 1);
    wrong.chunks[0].vector = Some(vec![1.0; 3]);
    assert!(Index::new(&spool()).with(vec![wrong], &[]).is_err());
}

/// A passage about returns, long enough to be told from others, with something to change in it.
fn returns(days: &str, parcel: &str) -> String {
    format!(
        "Unused goods can be returned within {days} days of delivery, as long as they are in their original packaging \
         and the receipt is enclosed. We refund the price to the card that was used for the order, usually within a \
         week after the {parcel} has reached our warehouse, where it is inspected by hand before anything else."
    )
}

fn titled(id: &str, title: &str, text: &str) -> DocumentRows {
    DocumentRows {
        document_id: id.into(),
        collection_id: "c".into(),
        version: 1,
        about: About::default(),
        chunks: vec![ChunkRow {
            ordinal: 0,
            terms: analyse_passage(title, None, text),
            vector: None,
            text: None,
        }],
    }
}

fn ids(index: &Index, question: &str, limit: usize) -> Vec<String> {
    let query = Query { terms: analyse_query(question), vector: None, collections: None, mode: Mode::Fused };
    index.search(&query, limit).iter().map(|hit| hit.document_id.to_string()).collect()
}

#[test]
fn copies_do_not_fill_the_list() {
    let mut documents: Vec<_> =
        (0..900).map(|n| titled(&format!("copy{n:03}"), "Page", &returns("30", "parcel"))).collect();
    documents.push(titled("nearly", "Another page", &returns("30", "package")));
    documents.push(titled("older", "Old page", &returns("14", "parcel")));
    documents.push(titled("other", "Shops", "Goods that were bought in a shop are returned to that shop."));
    let index = Index::new(&spool()).with(documents, &[]).unwrap();
    let mut found = ids(&index, "Which goods can be returned?", 5);
    found.sort();
    assert_eq!(found, ["copy000", "older", "other"], "other numbers say something else");
}

#[test]
fn a_copy_that_holds_more_of_the_question_is_no_repetition() {
    let text = returns("30", "parcel");
    let documents = vec![titled("tents", "Tents", &text), titled("stoves", "Stoves", &text)];
    let index = Index::new(&spool()).with(documents, &[]).unwrap();
    assert_eq!(ids(&index, "returning stoves", 5), ["stoves"]);
    assert_eq!(ids(&index, "returning tents", 5), ["tents"]);
}

#[test]
fn a_score_is_what_both_sides_added() {
    let index = Index::new(&spool()).with((0..40).map(|id| document(id, 5)).collect(), &[]).unwrap();
    let vector = Random(3).vector();
    for mode in [Mode::Fused, Mode::Lexical, Mode::Dense] {
        for hit in index.search(&query("reset the kettle", &vector, mode), 20) {
            let sum = hit.explained.lexical + hit.explained.dense;
            assert!((hit.score - (1.0 + sum) / (2.0 + sum)).abs() < 1e-6, "{hit:?}");
            assert!(mode != Mode::Lexical || hit.explained.dense == 0.0);
            assert!(mode != Mode::Dense || hit.explained.lexical == 0.0);
        }
    }
}

/// A vector near another: their cosine is about 0.7.
fn near(subject: &[f32], random: &mut Random) -> Vec<f32> {
    let noise = random.vector();
    let vector: Vec<f32> = subject.iter().zip(noise).map(|(a, b)| a + b).collect();
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.into_iter().map(|x| x / length).collect()
}

#[test]
fn where_vectors_are_many_the_best_are_found_among_them_all_the_same() {
    let mut random = Random(11);
    let subjects: Vec<Vec<f32>> = (0..200).map(|_| random.vector()).collect();
    let mut vectors = BTreeMap::new();
    let mut index = Index::new(&spool());
    for batch in 0..20 {
        let documents = (batch * 1_000..(batch + 1) * 1_000).map(|id| {
            let vector = (id % 7 > 0).then(|| near(&subjects[id % subjects.len()], &mut random));
            vectors.extend(vector.clone().map(|vector| (format!("d{id}"), vector)));
            // Words of its own: none is a copy of another.
            let words: Vec<String> = (0..8).map(|_| format!("w{}", random.below(1 << 20))).collect();
            let terms = analyse_passage("", None, &format!("{} {id}", words.join(" ")));
            let chunks = vec![ChunkRow { ordinal: 0, terms, vector, text: None }];
            let collection_id = format!("c{}", id % 10);
            let (document_id, about) = (format!("d{id}"), About::default());
            DocumentRows { document_id, collection_id, version: 1, about, chunks }
        });
        index = index.with(documents.collect(), &[]).unwrap();
    }
    let gone: Vec<String> = (0..20_000).step_by(13).map(|id| format!("d{id}")).collect();
    let index = index.with(Vec::new(), &gone).unwrap();
    vectors.retain(|id, _| !gone.contains(id));
    let wanted: HashSet<String> = (1..10).map(|nth| format!("c{nth}")).collect();
    for subject in subjects.iter().skip(1).step_by(10) {
        let asked = near(subject, &mut random);
        let hits = index.search(&Query { collections: Some(&wanted), ..query("", &asked, Mode::Dense) }, 10);
        let mut all: Vec<(f32, &String)> = vectors
            .iter()
            .filter(|(id, _)| !id.ends_with('0'))
            .map(|(id, vector)| (vector.iter().zip(&asked).map(|(a, b)| a * b).sum(), id))
            .collect();
        all.sort_by(|a, b| b.0.total_cmp(&a.0));
        assert_eq!(places(&hits), all[..10].iter().map(|(_, id)| ((*id).clone(), 0)).collect::<Vec<_>>());
        // What holds the word of the question is found wherever its vector stands.
        let (last, id) = all[all.len() - 1];
        let hits = index.search(&query(&id[1..], &asked, Mode::Lexical), 1);
        assert_eq!(places(&hits), [(id.clone(), 0)]);
        assert!((hits[0].dense.unwrap() - last).abs() < 1e-4, "what is served is rescored");
    }
}
