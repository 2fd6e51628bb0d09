//! Questions put together by what they mean, as they come: each joins the group whose middle is nearest, or begins one.
//!
//! This is leader clustering (Hartigan, *Clustering Algorithms*, 1975, chapter 3) with a middle that moves: one pass,
//! no number of groups to choose, and the same groups for the same questions in the same order.

mod subjects;

use std::{collections::HashMap, hash::Hash};

use crate::{
    DIMENSIONS,
    simd::{
        dot,
        int8::{Activations, scan},
    },
};

pub use subjects::{Subject, Weighed, subjects};

/// Cosine to a group's middle from which a question means the same. `bench grouping` shows what other values would give.
pub const SAME_MEANING: f32 = 0.68;

/// The middle of a group: the sum of its wordings' unit vectors.
#[derive(Clone, Debug, PartialEq)]
pub struct Middle(Vec<f32>);

impl Middle {
    /// Of a group with one wording.
    pub fn of(vector: &[f32]) -> Self {
        Self(vector.to_vec())
    }

    /// Takes in another wording.
    pub fn add(&mut self, vector: &[f32]) {
        self.0.iter_mut().zip(vector).for_each(|(sum, x)| *sum += x);
    }

    /// The direction of the middle, as a unit vector.
    pub fn unit(&self) -> Vec<f32> {
        let length = dot(&self.0, &self.0).sqrt();
        if length > 0.0 { self.0.iter().map(|x| x / length).collect() } else { self.0.clone() }
    }

    /// As it is stored: little-endian `f32`.
    pub fn encode(&self) -> Vec<u8> {
        self.0.iter().flat_map(|x| x.to_le_bytes()).collect()
    }

    /// What [`Middle::encode`] wrote; `None` for anything else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (numbers, rest) = bytes.as_chunks::<4>();
        let fits = numbers.len() == DIMENSIONS && rest.is_empty();
        fits.then(|| Self(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()))
    }
}

/// How far the cosine by codes may be from the exact one, with room to spare: the codes' error is some thousandths.
const DOUBT: f32 = 0.02;

/// The groups of one workspace, to find the one that a question belongs to.
#[derive(Clone, Debug)]
pub struct Groups<K> {
    least: f32,
    keys: Vec<K>,
    places: HashMap<K, usize>,
    /// The middles' directions, one after the other.
    units: Vec<f32>,
    /// The same in int8, with a scale for each: all are looked through, and few are worked out exactly.
    codes: Vec<i8>,
    scales: Vec<f32>,
}

impl<K> Default for Groups<K> {
    fn default() -> Self {
        Self::with_cosine(SAME_MEANING)
    }
}

impl<K> Groups<K> {
    /// No groups yet, which questions join from this cosine on.
    pub fn with_cosine(least: f32) -> Self {
        Self {
            least,
            keys: Vec::new(),
            places: HashMap::new(),
            units: Vec::new(),
            codes: Vec::new(),
            scales: Vec::new(),
        }
    }
}

impl<K: Clone + Eq + Hash> Groups<K> {
    /// The group that means the same as a question, and the cosine of both.
    pub fn nearest(&self, vector: &[f32]) -> Option<(&K, f32)> {
        let mut question = Activations::default();
        question.set(vector, DIMENSIONS);
        let mut about = vec![0.0; self.keys.len()];
        scan(&question, &self.codes, &self.scales, &mut about);
        let highest = about.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let close = (0..about.len()).filter(|&at| about[at] >= highest - DOUBT);
        let exact = close.map(|at| (at, dot(&self.units[at * DIMENSIONS..][..DIMENSIONS], vector)));
        // The first of equals, so that the order in memory decides nothing that the order of questions did not.
        let best = exact.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.filter(|(_, cosine)| *cosine >= self.least).map(|(at, cosine)| (&self.keys[at], cosine))
    }

    /// Adds a group, or moves the middle of one that there is.
    pub fn set(&mut self, key: K, middle: &Middle) {
        let unit = middle.unit();
        let largest = unit.iter().fold(f32::MIN_POSITIVE, |largest, x| largest.max(x.abs()));
        let codes = unit.iter().map(|x| (x / largest * 127.0).round() as i8);
        match self.places.get(&key) {
            Some(&at) => {
                self.scales[at] = largest / 127.0;
                self.codes.splice(at * DIMENSIONS..(at + 1) * DIMENSIONS, codes);
                self.units[at * DIMENSIONS..][..DIMENSIONS].copy_from_slice(&unit);
            }
            None => {
                self.places.insert(key.clone(), self.keys.len());
                self.keys.push(key);
                self.scales.push(largest / 127.0);
                self.codes.extend(codes);
                self.units.extend(unit);
            }
        }
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A unit vector in the plane of the first two dimensions.
    fn at(degrees: f32) -> Vec<f32> {
        let mut vector = vec![0.0; DIMENSIONS];
        (vector[0], vector[1]) = (degrees.to_radians().cos(), degrees.to_radians().sin());
        vector
    }

    #[test]
    fn a_question_joins_the_nearest_group_or_none() {
        let mut groups = Groups::default();
        assert!(groups.nearest(&at(0.0)).is_none());
        groups.set("east", &Middle::of(&at(0.0)));
        groups.set("north", &Middle::of(&at(90.0)));
        assert_eq!(groups.nearest(&at(20.0)).unwrap().0, &"east");
        assert_eq!(groups.nearest(&at(70.0)).unwrap().0, &"north");
        assert!(groups.nearest(&at(140.0)).is_none_or(|(key, _)| *key == "north"));
        assert!(groups.nearest(&at(180.0)).is_none(), "neither means the same");
        assert_eq!(groups.len(), 2);
    }

    #[test]
    fn the_nearest_of_many_is_found_exactly() {
        let mut groups = Groups::with_cosine(-1.0);
        let wave = |n: usize, at: usize| ((n * 7 + 3) as f32 * 0.37 * at as f32).sin();
        let all: Vec<Middle> =
            (0..300).map(|n| Middle((0..DIMENSIONS).map(|at| wave(n, at)).collect())).collect();
        all.iter().enumerate().for_each(|(n, middle)| groups.set(n, middle));
        for question in all.iter().map(Middle::unit).chain((0..50).map(|n| at(n as f32 * 7.0))) {
            let cosine = |middle: &Middle| dot(&middle.unit(), &question);
            let best = all.iter().map(cosine).fold(f32::NEG_INFINITY, f32::max);
            assert_eq!(groups.nearest(&question).unwrap().1, best);
        }
    }

    #[test]
    fn a_middle_moves_with_its_wordings_and_is_read_back() {
        let mut middle = Middle::of(&at(0.0));
        middle.add(&at(40.0));
        let mut groups = Groups::default();
        groups.set("east", &Middle::of(&at(0.0)));
        groups.set("east", &middle);
        assert!((groups.nearest(&at(20.0)).unwrap().1 - 1.0).abs() < 1e-6);
        assert_eq!(Middle::decode(&middle.encode()), Some(middle));
        assert_eq!(Middle::decode(&[0; 5]), None);
    }
}
