//! Cells of the tables that are given out.

/// A cell that a spreadsheet would take for a formula gets an apostrophe (OWASP, CSV injection): names and user agents
/// come from strangers. A telephone number, `+4722864400`, is no formula.
pub fn harmless(cell: &str) -> String {
    let is_number = cell
        .strip_prefix('+')
        .is_some_and(|rest| rest.len() >= 7 && rest.bytes().all(|b| b.is_ascii_digit()));
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_number {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_defused_and_numbers_are_not() {
        for formula in ["=1+1", "+1+1", "+1", "-2", "@sum(A1)", "\t=1"] {
            assert_eq!(harmless(formula), format!("'{formula}"));
        }
        for plain in ["+4722864400", "Ada", "", "a=b"] {
            assert_eq!(harmless(plain), plain);
        }
    }
}
