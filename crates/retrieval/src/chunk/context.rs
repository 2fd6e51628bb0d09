//! What stands around a passage: which of its neighbours are served with it.

use std::ops::Range;

/// A chunk of a document, as far as its neighbours are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Neighbour<'a> {
    /// The heading path that the chunk stands under.
    pub heading: Option<&'a str>,
    /// About how many word pieces it has; see [`Chunk::tokens`](crate::Chunk::tokens).
    pub tokens: u32,
}

/// Which chunks to serve with the one at `found`: those under the same heading next to it, as far as all together
/// have no more than `room` word pieces. What follows comes first, as answers go on; what has no heading stands
/// with what has none. `chunks` are in the order of the document, as many as are at hand; gives their places.
pub fn with_neighbours(chunks: &[Neighbour<'_>], found: usize, room: u32) -> Range<usize> {
    let Some(own) = chunks.get(found) else { return found..found };
    let mut rest = room.saturating_sub(own.tokens);
    let mut range = found..found + 1;
    let mut fits = |at: Option<usize>| {
        let near = at.and_then(|at| chunks.get(at)).filter(|near| near.heading == own.heading);
        let left = near.and_then(|near| rest.checked_sub(near.tokens));
        rest = left.unwrap_or(rest);
        left.is_some()
    };
    let (mut on, mut back) = (true, true);
    while on || back {
        on = on && fits(Some(range.end));
        range.end += usize::from(on);
        back = back && fits(range.start.checked_sub(1));
        range.start -= usize::from(back);
    }
    range
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(heading: &str, tokens: u32) -> Neighbour<'_> {
        Neighbour { heading: Some(heading), tokens }
    }

    #[test]
    fn a_passage_takes_its_section_along_as_far_as_there_is_room() {
        let chunks =
            [chunk("A", 50), chunk("B", 60), chunk("B", 70), chunk("B", 80), chunk("B", 90), chunk("C", 5)];
        assert_eq!(with_neighbours(&chunks, 2, 70), 2..3, "no room");
        assert_eq!(with_neighbours(&chunks, 2, 150), 2..4, "what follows comes first");
        assert_eq!(with_neighbours(&chunks, 2, 210), 1..4);
        assert_eq!(with_neighbours(&chunks, 2, 1000), 1..5, "other headings stay out");
        assert_eq!(with_neighbours(&chunks, 5, 1000), 5..6);
        assert_eq!(with_neighbours(&chunks, 0, 10), 0..1, "the passage itself is always served");
        assert_eq!(with_neighbours(&chunks, 9, 10), 9..9);
    }
}
