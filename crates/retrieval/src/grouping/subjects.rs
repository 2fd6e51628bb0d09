//! Subjects: groups of questions put together more coarsely, each named by the word that sets it apart.

use std::collections::HashMap;

use crate::{
    lexical::{fold, is_stop_word, stem},
    simd::dot,
};

/// Cosine to a subject's middle from which a group belongs to it.
const RELATED: f32 = 0.42;
/// Rounds in which groups may move to a subject that has come nearer.
const ROUNDS: usize = 3;
/// Letters of the longest name, for subjects whose language writes no spaces.
const LONGEST_NAME: usize = 24;

/// A group of questions, as subjects are made of it.
#[derive(Clone, Debug)]
pub struct Weighed<'a> {
    /// How it was asked for, the most typical wording first.
    pub wordings: Vec<&'a str>,
    /// The direction of its middle, as a unit vector.
    pub vector: &'a [f32],
    /// How often it was asked.
    pub count: i64,
}

/// A subject that questions fall into.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// The word that sets it apart, as its questions write it.
    pub name: String,
    /// How often its questions were asked.
    pub count: i64,
    /// Its groups, as places in the list that was given.
    pub groups: Vec<usize>,
}

/// The subjects of some groups, most asked first.
pub fn subjects(groups: &[Weighed<'_>]) -> Vec<Subject> {
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by_key(|&n| std::cmp::Reverse(groups[n].count));
    let members = gathered(groups, &order);
    let names = names(groups, &members);
    let mut subjects: Vec<Subject> = members
        .into_iter()
        .zip(names)
        .map(|(groups_of, name)| {
            let count = groups_of.iter().map(|&n| groups[n].count).sum();
            Subject { name, count, groups: groups_of }
        })
        .collect();
    subjects.sort_by_key(|subject| std::cmp::Reverse(subject.count));
    subjects
}

/// Which groups belong together: the most asked lead, and the rest moves until it lies nearest.
fn gathered(groups: &[Weighed<'_>], order: &[usize]) -> Vec<Vec<usize>> {
    let mut middles: Vec<Vec<f32>> = Vec::new();
    for &n in order {
        match nearest(&middles, groups[n].vector) {
            Some((at, cosine)) if cosine >= RELATED => add(&mut middles[at], &groups[n]),
            _ => middles.push(weighted(&groups[n])),
        }
    }
    let mut members = Vec::new();
    for _ in 0..ROUNDS {
        members = vec![Vec::new(); middles.len()];
        for &n in order {
            if let Some((at, _)) = nearest(&middles, groups[n].vector) {
                members[at].push(n);
            }
        }
        members.retain(|groups| !groups.is_empty());
        middles = members
            .iter()
            .map(|members| {
                let mut middle = vec![0.0; groups[members[0]].vector.len()];
                members.iter().for_each(|&n| add(&mut middle, &groups[n]));
                middle
            })
            .collect();
    }
    members
}

fn weighted(group: &Weighed<'_>) -> Vec<f32> {
    let mut middle = vec![0.0; group.vector.len()];
    add(&mut middle, group);
    middle
}

/// Weights grow slowly: one question that is asked all day is no subject by itself.
fn add(middle: &mut [f32], group: &Weighed<'_>) {
    let weight = (1.0 + group.count as f32).ln();
    middle.iter_mut().zip(group.vector).for_each(|(sum, x)| *sum += weight * x);
}

fn nearest(middles: &[Vec<f32>], vector: &[f32]) -> Option<(usize, f32)> {
    let cosines = middles.iter().map(|middle| dot(middle, vector) / dot(middle, middle).sqrt().max(1e-9));
    cosines.enumerate().reduce(|best, next| if next.1 > best.1 { next } else { best })
}

/// Words that many questions have, whatever they are about; folded.
const ASKING: [&str; 30] = [
    "allow",
    "allowed",
    "ask",
    "available",
    "best",
    "buy",
    "cost",
    "costs",
    "find",
    "get",
    "give",
    "good",
    "help",
    "know",
    "like",
    "long",
    "make",
    "many",
    "need",
    "offer",
    "often",
    "possible",
    "sell",
    "take",
    "takes",
    "tell",
    "use",
    "want",
    "work",
    "works",
];

/// The telling words of a group: as each counts, and as it is written.
fn words<'a>(group: &Weighed<'a>) -> Vec<(String, &'a str)> {
    let words = group.wordings.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
    let telling = words.filter(|word| word.chars().count() > 2 && !word.chars().all(char::is_numeric));
    let folded = telling.map(|word| (fold(word).into_owned(), word));
    let own = folded.filter(|(word, _)| !is_stop_word(word) && ASKING.binary_search(&word.as_str()).is_err());
    own.map(|(word, written)| (stem(&word), written)).collect()
}

/// A name for each subject: the word with the greatest class-based TF-IDF (Grootendorst, *BERTopic*, 2022).
fn names(groups: &[Weighed<'_>], members: &[Vec<usize>]) -> Vec<String> {
    let words: Vec<Vec<(String, &str)>> = groups.iter().map(words).collect();
    let weight = |n: usize| (1.0 + groups[n].count as f64).ln() / groups[n].wordings.len().max(1) as f64;
    let mut everywhere: HashMap<&str, f64> = HashMap::new();
    let mut all = 0.0;
    for (n, words) in words.iter().enumerate() {
        for (stem, _) in words {
            *everywhere.entry(stem).or_default() += weight(n);
            all += weight(n);
        }
    }
    let average = all / members.len().max(1) as f64;
    let name = |members: &Vec<usize>| {
        let mut here: HashMap<&str, f64> = HashMap::new();
        let mut written: HashMap<&str, &str> = HashMap::new();
        for &n in members {
            for (stem, word) in &words[n] {
                *here.entry(stem).or_default() += weight(n);
                written.entry(stem).or_insert(word);
            }
        }
        let score = |stem: &str, weight: f64| weight * (1.0 + average / everywhere[stem]).ln();
        let best = here.iter().map(|(stem, weight)| (*stem, score(stem, *weight)));
        // Of words that set it apart as well as each other, the longest says most.
        let order = |(stem, score): &(&str, f64)| ((score * 1e6).round() as i64, stem.len());
        let best = best.max_by(|a, b| order(a).cmp(&order(b)).then_with(|| b.0.cmp(a.0)));
        let typical = groups[members[0]].wordings.first().copied().unwrap_or_default();
        capitalised(best.map_or(typical, |(stem, _)| written[stem]))
    };
    members.iter().map(name).collect()
}

fn capitalised(text: &str) -> String {
    let text = text.trim();
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase).into_iter().flatten();
    let name: String = first.chain(letters).take(LONGEST_NAME).collect();
    name.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DIMENSIONS;

    fn vector(parts: &[(usize, f32)]) -> Vec<f32> {
        let mut vector = vec![0.0; DIMENSIONS];
        parts.iter().for_each(|(at, x)| vector[*at] = *x);
        let length = dot(&vector, &vector).sqrt();
        vector.iter().map(|x| x / length).collect()
    }

    #[test]
    fn related_groups_make_a_subject_that_is_named_by_its_own_word() {
        let vectors = [
            vector(&[(0, 1.0), (1, 0.5)]),
            vector(&[(0, 1.0), (2, 0.5)]),
            vector(&[(9, 1.0), (3, 0.5)]),
            vector(&[(9, 1.0), (4, 0.5)]),
        ];
        let asked = [
            (vec!["How long does shipping to Norway take?", "How long is the shipping?"], 40),
            (vec!["What does shipping cost?"], 30),
            (vec!["How long may I return a tent?"], 20),
            (vec!["What does a return cost?"], 5),
        ];
        let groups: Vec<_> = asked
            .iter()
            .zip(&vectors)
            .map(|((wordings, count), vector)| Weighed { wordings: wordings.clone(), vector, count: *count })
            .collect();
        let named: Vec<_> = subjects(&groups).into_iter().map(|s| (s.name, s.count, s.groups)).collect();
        assert_eq!(named, [("Shipping".to_owned(), 70, vec![0, 1]), ("Return".to_owned(), 25, vec![2, 3])]);
    }

    #[test]
    fn the_list_of_asking_words_can_be_searched() {
        assert!(ASKING.is_sorted());
    }

    #[test]
    fn a_subject_without_words_is_named_by_its_question() {
        let vector = vector(&[(0, 1.0)]);
        let name =
            |text| subjects(&[Weighed { wordings: vec![text], vector: &vector, count: 1 }]).remove(0).name;
        assert_eq!(name("Why so?"), "Why so?");
        assert_eq!(name("営業時間は?"), "営業時間は");
        assert!(subjects(&[]).is_empty());
    }
}
