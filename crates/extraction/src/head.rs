//! Who wrote the document: the name at its head and the address below it.

use std::ops::Range;

use crate::{
    document::Document,
    lexicon::Concept,
    values::{Pattern, pattern},
};

/// Lines in which a letterhead stands.
const HEAD_LINES: usize = 24;
/// Lines of one address.
const ADDRESS_LINES: usize = 7;

/// A part of the text that is a field's value, and how sure that is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Guess {
    pub range: Range<usize>,
    pub value: String,
    pub confidence: f64,
}

/// Forms of companies, folded.
const LEGAL: &[&str] = &[
    "sdn bhd",
    "sdn",
    "bhd",
    "s b",
    "sb",
    "gmbh",
    "mbh",
    "ag",
    "ltd",
    "limited",
    "llc",
    "llp",
    "inc",
    "incorporated",
    "corp",
    "corporation",
    "plc",
    "co",
    "company",
    "pty",
    "pte",
    "sarl",
    "sas",
    "sasu",
    "sa",
    "s a",
    "srl",
    "s r l",
    "spa",
    "s p a",
    "sl",
    "s l",
    "bv",
    "b v",
    "nv",
    "n v",
    "ab",
    "as",
    "asa",
    "aps",
    "a s",
    "oy",
    "oyj",
    "kg",
    "ohg",
    "ug",
    "gbr",
    "ek",
    "lda",
    "ltda",
    "z o o",
    "e v",
    "verein",
    "foundation",
    "gruppe",
    "group",
    "holding",
    "holdings",
];
/// Words that businesses are named by, folded.
const BUSINESS: &[&str] = &[
    "enterprise",
    "enterprises",
    "trading",
    "restaurant",
    "restaurants",
    "restoran",
    "ristorante",
    "restaurante",
    "cafe",
    "bistro",
    "bar",
    "bakery",
    "bakeries",
    "confectionery",
    "hardware",
    "stationery",
    "stationers",
    "mart",
    "market",
    "supermarket",
    "hypermarket",
    "store",
    "stores",
    "shop",
    "shops",
    "pharmacy",
    "farmasi",
    "apotheke",
    "clinic",
    "hospital",
    "hotel",
    "books",
    "bookstores",
    "book",
    "kedai",
    "pasaraya",
    "perniagaan",
    "syarikat",
    "marketing",
    "industries",
    "services",
    "service",
    "solutions",
    "electrical",
    "electronics",
    "motor",
    "motors",
    "auto",
    "petroleum",
    "petrol",
    "station",
    "petrokiosk",
    "foods",
    "food",
    "seafood",
    "retail",
    "international",
    "supplies",
    "supply",
    "centre",
    "center",
    "studio",
    "gallery",
    "beauty",
    "health",
    "furniture",
    "sports",
    "fashion",
    "textile",
    "kitchen",
    "grocer",
    "groceries",
    "cash",
    "carry",
    "bank",
    "insurance",
    "versicherung",
    "universitat",
    "university",
    "school",
    "office",
    "consulting",
    "systems",
    "software",
    "technologies",
    "logistics",
    "express",
    "energy",
    "telecom",
    "media",
    "design",
    "construction",
    "engineering",
    "realty",
    "realties",
    "properties",
    "associates",
    "partners",
    "restorant",
    "pizza",
    "cake",
    "house",
    "minimarket",
    "emporium",
    "catering",
    "parking",
    "workshop",
    "paper",
    "printing",
    "print",
    "expert",
];
/// Words that titles of documents are made of, folded.
const TITLE: &[&str] = &[
    "tax",
    "invoice",
    "taxinvoice",
    "simplified",
    "receipt",
    "cash",
    "bill",
    "sale",
    "sales",
    "official",
    "original",
    "copy",
    "duplicate",
    "customer",
    "guest",
    "check",
    "statement",
    "quotation",
    "quote",
    "order",
    "purchase",
    "delivery",
    "note",
    "credit",
    "debit",
    "proforma",
    "rechnung",
    "quittung",
    "kassenbon",
    "bon",
    "beleg",
    "facture",
    "recu",
    "ticket",
    "factura",
    "recibo",
    "fattura",
    "ricevuta",
    "scontrino",
    "fatura",
    "factuur",
    "faktura",
    "kvittering",
    "kvitto",
    "paragon",
    "resit",
    "invois",
    "adjustment",
    "reprint",
    "posted",
    "letter",
    "offer",
    "contract",
    "memo",
    "form",
    "page",
    "gst",
];
/// Words of a house's number and of streets, folded.
const STREET: &[&str] = &[
    "jalan",
    "jln",
    "jin",
    "lorong",
    "lrg",
    "persiaran",
    "lebuh",
    "lebuhraya",
    "taman",
    "tmn",
    "kampung",
    "kg",
    "bandar",
    "bdr",
    "kawasan",
    "seksyen",
    "street",
    "st",
    "road",
    "rd",
    "avenue",
    "ave",
    "lane",
    "drive",
    "boulevard",
    "blvd",
    "court",
    "square",
    "highway",
    "way",
    "rue",
    "chemin",
    "place",
    "quai",
    "via",
    "viale",
    "piazza",
    "corso",
    "calle",
    "avenida",
    "plaza",
    "paseo",
    "rua",
    "praca",
    "strasse",
    "str",
    "platz",
    "weg",
    "allee",
    "gasse",
    "straat",
    "laan",
    "plein",
    "gata",
    "gaten",
    "gate",
    "vei",
    "veien",
    "vag",
    "vagen",
    "vej",
    "ulica",
    "ul",
    "aleja",
    "mall",
    "tower",
    "towers",
    "menara",
    "wisma",
    "bangunan",
    "kompleks",
    "complex",
    "building",
    "level",
    "floor",
    "flr",
    "block",
    "blok",
    "blk",
    "suite",
    "box",
    "postfach",
    "batu",
    "mukim",
    "simpang",
    "lot",
    "unit",
    "industrial",
    "park",
    "village",
    "estate",
    "apartment",
    "apt",
];
/// Ends of words that name streets where they are written in one, folded.
const STREET_ENDS: &[&str] = &[
    "strasse", "straße", "gasse", "platz", "allee", "straat", "laan", "gata", "gatan", "vagen", "veien",
    "weg",
];

static REGISTRATION: Pattern = Pattern::new(|| {
    pattern(
        r"(?i)[\s(<\[]*(?:(?:co|company|reg|roc|br|no|registration)\b[\s.:#-]*)*\b(?:[A-Z]{1,3}-?)?\d{5,}[A-Z0-9\s./-]{0,6}?[)>\]]?",
    )
});
static REGISTRATION_LINE: Pattern = Pattern::new(|| {
    pattern(
        r"(?i)^[\s(<\[]*(?:(?:co|company|reg|roc|br|no|registration|id)\b[\s.:#-]*)*[A-Z]{0,3}[\s-]?\d{4,}[\s.-]{0,3}[A-Z]{0,2}[)>\]\s.]*$",
    )
});
static HOUSE: Pattern = Pattern::new(|| {
    pattern(
        r"(?i)^(?:(?:no|lot|unit|suite|level|block|blk|ground floor|pt|house|hs|shop|g|f)\b[\s.:#]*)+[\dA-Z]*\d|^[A-Z]{0,2}-?\d{1,5}[A-Z]?(?:\s?[-&,/]\s?[\dA-Z]{1,6})*[,.]?\s+\p{L}{3}|^\p{L}[\p{L}\s.'-]+\s\d{1,4}\s?[a-z]?$",
    )
});
static POSTCODE: Pattern = Pattern::new(|| {
    pattern(
        r"(?:^|[\s,.])(?:(?:[A-Z]{1,2}-)?\d{5}(?:-\d{4}|[\s,.]|$)|\d{4}\s?[A-Z]{2}\b|\d{4}\s\p{Lu}\p{L}{2,}|[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2}\b|\d{2}-\d{3}\s|\d{3}\s\d{2}\s\p{Lu})",
    )
});

/// The issuer's name and address.
#[derive(Debug, Default)]
pub(crate) struct Head {
    pub company: Option<Guess>,
    pub address: Option<Guess>,
}

/// Looks at the first lines.
pub(crate) fn read(document: &Document<'_>) -> Head {
    let end = document.lines.len().min(HEAD_LINES);
    let kinds: Vec<Kind> = (0..end).map(|line| kind(document, line)).collect();
    let company = company(document, &kinds);
    let address = address(document, &kinds, company.as_ref().map_or(0, |(_, after)| *after));
    Head { company: company.map(|(guess, _)| guess), address }
}

/// What a line of the head is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// A company's number in a register.
    Registration,
    /// A labelled value, a title, a date, an amount: it ends an address.
    Stop,
    Address,
    /// Anything else that has letters.
    Name,
    /// Numbers and single letters that scanners add.
    Noise,
}

fn kind(document: &Document<'_>, at: usize) -> Kind {
    let line = &document.lines[at];
    let letters = line.text.chars().filter(|c| c.is_alphabetic()).count();
    if REGISTRATION_LINE.is_match(line.text) && line.text.bytes().any(|b| b.is_ascii_digit()) {
        return Kind::Registration;
    }
    if is_stop(document, at) {
        return Kind::Stop;
    }
    if is_address(document, at) {
        return Kind::Address;
    }
    if letters < 2 { Kind::Noise } else { Kind::Name }
}

fn is_stop(document: &Document<'_>, at: usize) -> bool {
    let line = &document.lines[at];
    let is_title =
        !line.words.is_empty() && line.words.iter().all(|word| TITLE.contains(&word.folded.as_str()));
    let labelled = document.hits[at].first().is_some_and(|hit| {
        let tail = document.tail(at, hit.to);
        let digits = line.text[tail.start..].bytes().any(|b| b.is_ascii_digit());
        let names_number =
            matches!(
                hit.concept,
                Concept::Phone
                    | Concept::Fax
                    | Concept::VatId
                    | Concept::RegistrationNumber
                    | Concept::InvoiceNumber
            ) || hit.concept == Concept::Other && hit.to - hit.from == 1 && line.words.len() <= 3;
        let names_party = matches!(hit.concept, Concept::CompanyAddress | Concept::Company);
        hit.from == 0 && !names_party && (tail.is_marked || names_number && digits)
    });
    let dates = document.dates(at).iter().any(|date| !date.bare);
    let money = document.amounts(at).iter().any(|amount| amount.currency && amount.decimals == 2);
    is_title || labelled || dates || money || document.holds_contact(at)
}

/// Whether a line is one of a postal address.
pub(crate) fn is_address(document: &Document<'_>, at: usize) -> bool {
    let line = &document.lines[at];
    let street = line.has_word(STREET)
        || line.words.iter().any(|word| {
            STREET_ENDS.iter().any(|end| word.folded.len() > end.len() && word.folded.ends_with(end))
        });
    let digits = line.text.bytes().any(|b| b.is_ascii_digit());
    let house = HOUSE.is_match(line.text);
    let postcode = POSTCODE.is_match(line.text) && line.words.iter().any(|word| word.folded.len() > 2);
    let legal = legal_at(&line.folded()).is_some();
    // A number may be part of a company's name: the name has no comma and no postcode.
    !(legal && !line.text.contains(',') && !postcode)
        && (house && line.text.len() > 5 || postcode || street && (digits || line.text.contains(',')))
}

/// Where a form of company stands in a folded line, and where it ends.
fn legal_at(folded: &str) -> Option<(usize, usize)> {
    let padded = format!(" {folded} ");
    LEGAL
        .iter()
        .filter_map(|form| padded.find(&format!(" {form} ")).map(|at| (at, at + form.len())))
        .max_by_key(|(_, end)| *end)
}

fn company(document: &Document<'_>, kinds: &[Kind]) -> Option<(Guess, usize)> {
    let first_address = kinds.iter().position(|kind| *kind == Kind::Address).unwrap_or(kinds.len());
    let mut names: Vec<usize> = (0..first_address).filter(|at| kinds[*at] == Kind::Name).collect();
    if names.is_empty() {
        names = (0..kinds.len()).filter(|at| kinds[*at] == Kind::Name).take(3).collect();
    }
    let scored: Vec<(usize, f64)> =
        names.iter().map(|at| (*at, name_score(document, kinds, &names, *at))).collect();
    let (best, score) = *scored.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let second = scored.iter().filter(|(at, _)| *at != best).map(|(_, score)| *score).fold(0.0, f64::max);
    let (from, to) = whole_name(document, kinds, best);
    let start = document.lines[from].start;
    let last = &document.lines[to];
    let end = last.start + name_len(last.text);
    let value = tidy(&document.text[start..end]);
    let confidence = (0.45 + 0.07 * score + 0.05 * (score - second)).clamp(0.2, 0.93);
    Some((Guess { range: start..end, value, confidence }, to + 1))
}

fn name_score(document: &Document<'_>, kinds: &[Kind], names: &[usize], at: usize) -> f64 {
    let line = &document.lines[at];
    let folded = line.folded();
    let mut score = 0.0;
    if legal_at(&folded).is_some() {
        score += 4.0;
    }
    if line.has_word(BUSINESS) {
        score += 2.0;
    }
    if names.first() == Some(&at) {
        score += 1.0;
    }
    match kinds.get(at + 1) {
        Some(Kind::Registration) => score += 1.5,
        Some(Kind::Address) => score += 1.0,
        _ => {}
    }
    if REGISTRATION.is_match(line.text) {
        score += 1.0;
    }
    let slogan = ["thank", "thanks", "welcome", "your", "tq", "please", "licensee", "dear"];
    if line.has_word(&slogan) || line.text.ends_with(['!', '?']) || line.words.len() > 9 {
        score -= 3.0;
    }
    if line.text.starts_with('(') {
        score -= 2.0;
    }
    score - 0.35 * at as f64
}

/// The lines of a name: one that is only a company's form, or general words, goes on from the line before.
fn whole_name(document: &Document<'_>, kinds: &[Kind], best: usize) -> (usize, usize) {
    let (mut from, mut to) = (best, best);
    while from > 0 && kinds[from - 1] == Kind::Name && goes_on(document, from) {
        from -= 1;
    }
    while to + 1 < kinds.len() && kinds[to + 1] == Kind::Name && ends_open(document.lines[to].text) {
        to += 1;
    }
    (from, to)
}

fn ends_open(text: &str) -> bool {
    let text = text.trim_end();
    text.ends_with(['&', '-', ',', '+'])
        || text.ends_with(" AND")
        || text.matches('(').count() > text.matches(')').count()
}

/// Whether a line cannot be a name of its own.
fn goes_on(document: &Document<'_>, at: usize) -> bool {
    let line = &document.lines[at];
    let before = document.lines[at - 1].text;
    let rest = line.text.split([' ', '.', '(', ')']).map(crate::source::bare);
    let own = rest.filter(|word| {
        word.len() > 1 && !LEGAL.contains(&word.as_str()) && !BUSINESS.contains(&word.as_str())
    });
    let bracket = before.matches('(').count() > before.matches(')').count();
    ends_open(before)
        || bracket
        || legal_at(&line.folded()).is_some() && own.count() == 0
        || line.text.starts_with('(')
}

/// A name ends before its number in a register.
fn name_len(text: &str) -> usize {
    let hit = REGISTRATION.find_iter(text).find(|hit| hit.start() > 3);
    let end = hit.map_or(text.len(), |hit| hit.start());
    text[..end].trim_end_matches(|c: char| c.is_whitespace() || ",(<[-:".contains(c)).len()
}

fn address(document: &Document<'_>, kinds: &[Kind], from: usize) -> Option<Guess> {
    let first = (from..kinds.len()).find(|at| kinds[*at] == Kind::Address)?;
    let last = address_end(document, first);
    let guess = block(document, first, last);
    let has_postcode = POSTCODE.is_match(&document.text[guess.range.clone()]);
    let confidence = 0.6 + if has_postcode { 0.15 } else { 0.0 } + if last > first { 0.05 } else { -0.05 };
    Some(Guess { confidence, ..guess })
}

/// The last line of an address that begins at a line.
pub(crate) fn address_end(document: &Document<'_>, first: usize) -> usize {
    let mut last = first;
    let end = document.lines.len().min(first + ADDRESS_LINES);
    for at in first + 1..end {
        let line = &document.lines[at];
        if matches!(kind(document, at), Kind::Stop | Kind::Registration | Kind::Noise)
            || line.text.starts_with('*')
        {
            break;
        }
        last = at;
    }
    last
}

/// Lines as one address, without the phone number that stands at the end of its last line.
pub(crate) fn block(document: &Document<'_>, first: usize, last: usize) -> Guess {
    let (start, line) = (document.lines[first].start, &document.lines[last]);
    let contact = document.hits[last].iter().find(|hit| {
        hit.from > 0 && matches!(hit.concept, Concept::Phone | Concept::Fax | Concept::Email | Concept::VatId)
    });
    let end = contact.map_or(line.text.len(), |hit| line.words[hit.from].range.start);
    let end = line.text[..end].trim_end_matches(|c: char| c.is_whitespace() || ",(|".contains(c)).len();
    let range = start..line.start + end;
    Guess { value: tidy(&document.text[range.clone()]), range, confidence: 0.0 }
}

/// One line, its parts apart by commas where the document breaks them.
fn tidy(text: &str) -> String {
    let lines = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|l| !l.is_empty());
    lines.collect::<Vec<_>>().join(" ")
}
