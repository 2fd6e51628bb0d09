//! The foot of an invoice or receipt: which amount is the total, and whether the others add up to it.

use std::ops::Range;

use crate::{
    document::Document,
    lexicon::{Concept, Hit},
};

/// Cents by which sums may differ, since cash is rounded to the next coin.
const ROUNDING: i64 = 5;

/// An amount with a label.
#[derive(Clone, Debug)]
struct Entry {
    concept: Concept,
    /// How much the words say that it is the total of totals.
    weight: f64,
    cents: i64,
    value: f64,
    /// In the whole text, label and amount.
    range: Range<usize>,
    line: usize,
    /// In the table of taxes that stands below some receipts.
    in_summary: bool,
}

/// An amount that was chosen for what it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sum {
    pub value: f64,
    pub range: Range<usize>,
    pub confidence: f64,
    /// It contradicts the others.
    pub contradicted: bool,
}

/// The amounts of a document that have labels.
#[derive(Debug)]
pub(crate) struct Totals {
    entries: Vec<Entry>,
}

/// Words that make an amount the one that is to be paid, folded.
const FINAL: &[&str] = &[
    "grand",
    "payable",
    "due",
    "rounded",
    "round",
    "incl",
    "inclusive",
    "including",
    "nett",
    "net",
    "after",
    "pay",
    "paid",
    "inc",
    "ttc",
    "brutto",
    "zahlen",
    "gesamtbetrag",
    "endbetrag",
    "rechnungsbetrag",
    "pagar",
    "payer",
    "betalen",
    "betala",
    "betale",
    "zaplaty",
    "includes",
    "with",
    "endsumme",
    "zahlbetrag",
];

impl Totals {
    pub(crate) fn read(document: &Document<'_>) -> Self {
        let mut entries = Vec::new();
        let mut in_summary = false;
        for line in 0..document.lines.len() {
            in_summary = in_summary && !starts_anew(document, line) || is_summary(document, line);
            entries.extend(entry(document, line, in_summary));
        }
        Self { entries }
    }

    /// The amount that a field of this meaning has.
    pub(crate) fn get(&self, concept: Concept) -> Option<Sum> {
        match concept {
            Concept::Total => self.total(),
            Concept::Subtotal
            | Concept::Tax
            | Concept::Discount
            | Concept::Rounding
            | Concept::Shipping
            | Concept::Paid
            | Concept::Change => self.part(concept),
            _ => None,
        }
    }

    fn total(&self) -> Option<Sum> {
        let scored: Vec<(&Entry, f64)> = self
            .entries
            .iter()
            .filter(|entry| matches!(entry.concept, Concept::Total | Concept::Subtotal))
            .map(|entry| (entry, self.score(entry)))
            .collect();
        let (best, score) = *scored.iter().reduce(|a, b| if b.1 >= a.1 { b } else { a })?;
        let rival = scored
            .iter()
            .filter(|(entry, _)| (entry.cents - best.cents).abs() > ROUNDING)
            .map(|(_, score)| *score);
        let lead = score - rival.fold(0.0, f64::max);
        let agrees = self.agrees(best.cents);
        let confidence =
            (0.35 + 0.06 * score + 0.06 * lead.min(3.0) + if agrees { 0.1 } else { 0.0 }).clamp(0.15, 0.97);
        let contradicted = self.contradicts(best.cents);
        Some(Sum { value: best.value, range: best.range.clone(), confidence, contradicted })
    }

    fn score(&self, entry: &Entry) -> f64 {
        let mut score = entry.weight;
        if self.is_paid(entry.cents, 0) {
            score += 1.5;
        } else if self.is_paid(entry.cents, ROUNDING) {
            score += 1.0;
        }
        if self.is_sum(entry.cents) {
            score += 1.0;
        }
        let again = self
            .entries
            .iter()
            .filter(|other| other.cents == entry.cents && other.line != entry.line)
            .count();
        score += 0.3 * again.min(3) as f64;
        let rounding =
            self.entries.iter().find(|other| other.concept == Concept::Rounding && !other.in_summary);
        if rounding.is_some_and(|rounding| rounding.line < entry.line) {
            score += 0.6;
        }
        if entry.in_summary {
            score -= 2.5;
        }
        if entry.cents <= 0 {
            score -= 4.0;
        }
        score
    }

    fn amounts(&self, concept: Concept) -> impl Iterator<Item = i64> {
        self.entries
            .iter()
            .filter(move |entry| entry.concept == concept && !entry.in_summary)
            .map(|entry| entry.cents)
    }

    /// Whether what was paid, less the change, is this amount.
    fn is_paid(&self, cents: i64, within: i64) -> bool {
        let changes: Vec<i64> = self.amounts(Concept::Change).chain([0]).collect();
        self.amounts(Concept::Paid)
            .any(|paid| changes.iter().any(|change| (paid.abs() - change.abs() - cents).abs() <= within))
    }

    /// Whether it is the subtotal with tax, shipping, discount and rounding.
    fn is_sum(&self, cents: i64) -> bool {
        let some = |concept| self.amounts(concept).chain([0]).collect::<Vec<i64>>();
        let (taxes, discounts, shippings) =
            (some(Concept::Tax), some(Concept::Discount), some(Concept::Shipping));
        self.amounts(Concept::Subtotal).any(|subtotal| {
            taxes.iter().any(|tax| {
                shippings.iter().any(|shipping| {
                    discounts.iter().any(|discount| {
                        let sum = subtotal + tax + shipping - discount.abs();
                        (tax + shipping != 0 || *discount != 0) && (sum - cents).abs() <= ROUNDING
                    })
                })
            })
        })
    }

    fn agrees(&self, cents: i64) -> bool {
        self.is_sum(cents) || self.is_paid(cents, ROUNDING)
    }

    /// Whether there is a subtotal and a tax, and they make another amount.
    fn contradicts(&self, cents: i64) -> bool {
        let parts =
            self.amounts(Concept::Subtotal).next().is_some() && self.amounts(Concept::Tax).any(|tax| tax > 0);
        parts
            && !self.agrees(cents)
            && !self.amounts(Concept::Subtotal).any(|subtotal| (subtotal - cents).abs() <= ROUNDING)
    }

    fn part(&self, concept: Concept) -> Option<Sum> {
        let total = self.total();
        let own = || self.entries.iter().filter(|entry| entry.concept == concept);
        let best = own().find(|entry| !entry.in_summary).or_else(|| own().next())?;
        let adds_up = total.as_ref().is_some_and(|total| self.agrees((total.value * 100.0).round() as i64));
        let confidence = if adds_up { 0.85 } else { 0.7 };
        Some(Sum { value: best.value, range: best.range.clone(), confidence, contradicted: false })
    }
}

/// A line's label and the amount at its end, or on the line below when it has none.
fn entry(document: &Document<'_>, at: usize, in_summary: bool) -> Option<Entry> {
    let line = &document.lines[at];
    let (concept, weight) = meaning(document, at)?;
    let own = document.amounts(at).into_iter().rfind(|amount| !amount.percent && amount.is_money());
    let (amount, owner) = match own {
        Some(amount) => (amount, at),
        None => (below(document, at)?, at + 1),
    };
    let range = line.start..document.lines[owner].whole(amount.range.clone()).end;
    let (cents, value) = (amount.cents(), amount.value);
    Some(Entry { concept, weight, cents, value, range, line: at, in_summary })
}

/// The amount that is alone on the line below.
fn below(document: &Document<'_>, at: usize) -> Option<crate::values::money::Amount> {
    let next = document.lines.get(at + 1)?;
    let amounts = document.amounts(at + 1);
    let [amount] = amounts.as_slice() else { return None };
    let letters = next.text.chars().filter(|c| c.is_alphabetic()).count();
    (amount.is_money() && letters <= 3).then(|| amount.clone())
}

/// What a line's words say about the amount at its end.
fn meaning(document: &Document<'_>, at: usize) -> Option<(Concept, f64)> {
    let (line, hits) = (&document.lines[at], &document.hits[at]);
    let has = |concept| hits.iter().any(|hit| hit.concept == concept);
    let money = |concept: Concept| {
        use Concept::*;
        matches!(concept, Total | Subtotal | Tax | Discount | Rounding | Shipping | Paid | Change)
    };
    // "VAT" before an amount is the tax, before anything else the number of who pays it.
    let is_tax = |hit: &Hit| hit.concept == Concept::VatId && hit.to - hit.from == 1;
    let first = hits.iter().find(|hit| {
        money(hit.concept) || hit.concept == Concept::Other && hit.to - hit.from > 1 || is_tax(hit)
    })?;
    // An article may be named by any word; a label stands at the beginning.
    let leading =
        line.words[..first.from].iter().filter(|word| word.folded.chars().all(char::is_alphabetic)).count();
    if leading > 3 {
        return None;
    }
    match first.concept {
        Concept::Other => None,
        Concept::VatId => Some((Concept::Tax, 0.0)),
        Concept::Total if has(Concept::Change) => Some((Concept::Change, 0.0)),
        Concept::Total if has(Concept::Partial) => Some((Concept::Subtotal, 0.2)),
        Concept::Total if has(Concept::Rounding) && !line.has_word(&["after", "rounded"]) => {
            Some((Concept::Rounding, 0.0))
        }
        Concept::Total => {
            let says_total = line
                .words
                .iter()
                .any(|word| word.folded.starts_with("tot") || word.folded.starts_with("gesamt"));
            let last = line.has_word(FINAL);
            Some((Concept::Total, 1.0 + if says_total { 1.0 } else { 0.0 } + if last { 0.8 } else { 0.0 }))
        }
        Concept::Subtotal => Some((Concept::Subtotal, 0.5)),
        other => Some((other, 0.0)),
    }
}

/// Whether a table of taxes begins here.
fn is_summary(document: &Document<'_>, at: usize) -> bool {
    let folded = document.lines[at].folded();
    let names_tax =
        ["gst", "tax", "vat", "sst", "mwst", "ust", "tva", "iva"].iter().any(|tax| folded.contains(tax));
    let names_table =
        ["summary", "summery", "ummary", "analysis", "breakdown"].iter().any(|word| folded.contains(word));
    names_tax && names_table || folded.starts_with("tax code")
}

/// Whether something other than a table of taxes begins here: another page.
fn starts_anew(document: &Document<'_>, at: usize) -> bool {
    at > 0 && document.lines[at].page != document.lines[at - 1].page
}
