//! Marks by which an answer cites passages: `[2]`, `[1, 3]`.

/// The numbers of a mark; `None` when it is none.
pub fn numbers(mark: &str) -> Option<Vec<usize>> {
    mark.strip_prefix('[')?.strip_suffix(']')?.split(',').map(|n| n.trim().parse().ok()).collect()
}

/// The text without its marks and the space before them.
pub fn without(text: &str) -> String {
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    while let Some(open) = text[at..].find('[').map(|n| at + n) {
        let close = text[open..].find(']').map(|n| open + n + 1);
        match close.filter(|close| numbers(&text[open..*close]).is_some()) {
            Some(close) => {
                out.push_str(text[at..open].trim_end());
                at = close;
            }
            None => {
                out.push_str(&text[at..=open]);
                at = open + 1;
            }
        }
    }
    out.push_str(&text[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_taken_out_with_the_space_before_them() {
        assert_eq!(
            without("Tents cost 900 NOK. [2] They ship free [1][3]."),
            "Tents cost 900 NOK. They ship free."
        );
        assert_eq!(without("a [link](x) and [ ] b["), "a [link](x) and [ ] b[");
    }
}
