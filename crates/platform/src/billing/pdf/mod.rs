//! An invoice as a PDF: one page, or more when it has many lines.

mod document;
mod font;

use document::{Document, HEIGHT, Style, WIDTH};
use font::Font;

use super::{
    invoice::{Buyer, Invoice},
    money::Currency,
};
use crate::{Error, Result};

/// The margins.
const LEFT: f32 = 56.0;
const RIGHT: f32 = WIDTH - 56.0;
/// Below this a line goes to the next page.
const BOTTOM: f32 = 90.0;
/// The right edges of the columns of numbers.
const QUANTITY: f32 = 400.0;

const TEXT: Style = Style { size: 9.5, bold: false, grey: 0.1 };
const STRONG: Style = Style { bold: true, ..TEXT };
const FAINT: Style = Style { size: 8.0, grey: 0.4, ..TEXT };
const TITLE: Style = Style { size: 20.0, bold: true, grey: 0.1 };

/// Writes an invoice.
///
/// # Errors
/// Internal when the font is none.
pub(super) fn write(invoice: &Invoice, font: Option<&str>) -> Result<Vec<u8>> {
    let currency = Currency::new(&invoice.currency)
        .ok_or_else(|| Error::internal(format!("{} has the currency {}", invoice.id, invoice.currency)))?;
    let mut page = Document::new(Font::open(font)?);
    let y = head(&mut page, invoice)?;
    let y = lines(&mut page, invoice, &currency, y)?;
    sums(&mut page, invoice, &currency, y)?;
    page.finish(&format!("Invoice {}", invoice.label))
}

/// Who sells to whom, the number and the day. Gives where the lines begin.
fn head(page: &mut Document, invoice: &Invoice) -> Result<f32> {
    let top = HEIGHT - 70.0;
    page.text((LEFT, top), TITLE, "Invoice")?;
    let day = invoice.created_at.format("%Y-%m-%d").to_string();
    for (n, (label, value)) in
        [("Number", &invoice.label), ("Date", &day), ("Status", &invoice.status)].into_iter().enumerate()
    {
        let y = top - 15.0 * n as f32;
        page.text((400.0, y), FAINT, label)?;
        page.text_to((RIGHT, y), TEXT, value)?;
    }
    let y = top - 70.0;
    let left = party(page, (LEFT, y), "From", &invoice.seller)?;
    let right = party(page, (310.0, y), "To", &invoice.buyer)?;
    Ok(left.min(right) - 30.0)
}

fn party(page: &mut Document, (x, y): (f32, f32), label: &str, who: &Buyer) -> Result<f32> {
    page.text((x, y), FAINT, label)?;
    let mut y = y - 15.0;
    let vat = if who.vat_id.is_empty() { String::new() } else { format!("VAT ID {}", who.vat_id) };
    let texts = std::iter::once((STRONG, &who.name))
        .chain(who.address.iter().map(|line| (TEXT, line)))
        .chain([(TEXT, &who.country), (TEXT, &vat)]);
    for (style, text) in texts.filter(|(_, text)| !text.is_empty()) {
        for line in page.wrap(text, style.size, 225.0)? {
            page.text((x, y), style, &line)?;
            y -= 13.5;
        }
    }
    Ok(y)
}

/// What is paid for. Gives where the sums begin.
fn lines(page: &mut Document, invoice: &Invoice, currency: &Currency, mut y: f32) -> Result<f32> {
    page.text((LEFT, y), FAINT, "Description")?;
    page.text_to((QUANTITY, y), FAINT, "Quantity")?;
    page.text_to((RIGHT, y), FAINT, "Net")?;
    y -= 7.0;
    page.rule((LEFT, RIGHT), y, 0.6)?;
    y -= 16.0;
    for line in &invoice.lines {
        let described = page.wrap(&line.description, TEXT.size, 280.0)?;
        if y - 13.5 * (described.len() as f32) < BOTTOM {
            page.turn();
            y = HEIGHT - 70.0;
        }
        page.text_to((QUANTITY, y), TEXT, &line.quantity.to_string())?;
        page.text_to((RIGHT, y), TEXT, &currency.show(line.net))?;
        for text in described {
            page.text((LEFT, y), TEXT, &text)?;
            y -= 13.5;
        }
        y -= 4.0;
    }
    page.rule((LEFT, RIGHT), y + 6.0, 0.6)?;
    Ok(y - 12.0)
}

fn sums(page: &mut Document, invoice: &Invoice, currency: &Currency, mut y: f32) -> Result<()> {
    if y < BOTTOM + 60.0 {
        page.turn();
        y = HEIGHT - 70.0;
    }
    let tax = format!("Tax {} %", percent(invoice.tax_rate));
    for (style, label, amount) in
        [(TEXT, "Net", invoice.net), (TEXT, tax.as_str(), invoice.tax), (STRONG, "Total", invoice.total)]
    {
        page.text((330.0, y), style, label)?;
        page.text_to((RIGHT, y), style, &currency.show(amount))?;
        y -= 17.0;
    }
    y -= 12.0;
    let paid = (invoice.status == "paid").then_some("Paid. No payment is due.");
    for note in invoice.note.as_deref().into_iter().chain(paid) {
        for line in page.wrap(note, TEXT.size, RIGHT - LEFT)? {
            page.text((LEFT, y), TEXT, &line)?;
            y -= 13.5;
        }
    }
    page.text((LEFT, 50.0), FAINT, &format!("Reference {}", invoice.reference))
}

/// Checks that a file is a font that invoices can be written with.
///
/// # Errors
/// Internal when it is not.
pub(super) fn check_font(file: Option<&str>) -> Result<()> {
    Font::open(file).map(drop)
}

/// `7.7` for 770 hundredths.
fn percent(hundredths: i64) -> String {
    let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::{Entropy, InvoiceId, billing::invoice::Line};

    fn sample(lines: usize) -> Invoice {
        let line = |n| Line { description: format!("{n},000 credits"), quantity: 1, net: 1_000 };
        Invoice {
            id: InvoiceId::new(DateTime::UNIX_EPOCH, Entropy),
            number: 7,
            label: "FD-000007".into(),
            status: "paid".into(),
            currency: "EUR".into(),
            lines: (1..=lines).map(line).collect(),
            net: 1_000,
            tax_rate: 1_900,
            tax: 190,
            total: 1_190,
            note: Some("Reverse charge: the recipient owes the VAT.".into()),
            seller: Buyer {
                name: "Frontdesk GmbH".into(),
                address: vec!["Weg 1".into()],
                country: "DE".into(),
                vat_id: "DE123456789".into(),
            },
            buyer: Buyer {
                name: "Ωmega Łódź Дом — a name that is much longer than its column is wide, Österreich"
                    .into(),
                address: vec!["Ulica Świętokrzyska 1".into(), "Warszawa".into()],
                country: "PL".into(),
                vat_id: "PL1234567890".into(),
            },
            reference: "txn_1".into(),
            created_at: DateTime::from_timestamp(1_795_000_000, 0).unwrap(),
        }
    }

    /// Every object is where the table says, and the file is as long as its parts need.
    fn check(bytes: &[u8], pages: usize) {
        let text = String::from_utf8_lossy(bytes);
        let find =
            |needle: &str| bytes.windows(needle.len()).rposition(|part| part == needle.as_bytes()).unwrap();
        let start: usize = String::from_utf8_lossy(&bytes[find("startxref") + 10..])
            .lines()
            .next()
            .unwrap()
            .parse()
            .unwrap();
        assert!(bytes[start..].starts_with(b"xref\n0 "));
        let table = String::from_utf8_lossy(&bytes[start..]).into_owned();
        let places = table.lines().filter(|line| line.ends_with(" n "));
        for (n, place) in (1..).zip(places) {
            let place: usize = place[..10].parse().unwrap();
            assert!(bytes[place..].starts_with(format!("{n} 0 obj\n").as_bytes()), "object {n}");
        }
        assert!(text.contains(&format!("/Count {pages}")), "{pages} pages");
    }

    #[test]
    fn an_invoice_becomes_a_file_that_holds_together() {
        let bytes = write(&sample(1), None).unwrap();
        check(&bytes, 1);
        assert!(bytes.len() < 60_000, "only what is used of the font is in it: {}", bytes.len());
        check(&write(&sample(60), None).unwrap(), 2);
    }

    #[test]
    fn long_words_are_cut_and_rates_are_short() {
        let page = Document::new(Font::open(None).unwrap());
        let lines = page.wrap(&"x".repeat(200), 10.0, 100.0).unwrap();
        assert!(lines.len() > 5 && lines.concat().len() == 200, "{lines:?}");
        assert_eq!(page.wrap("", 10.0, 100.0).unwrap(), [""; 0]);
        assert_eq!(page.wrap("a b", 10.0, 1.0).unwrap(), ["a", "b"], "what fits nowhere stands alone");
        assert_eq!([percent(1_900), percent(770), percent(825), percent(0)], ["19", "7.7", "8.25", "0"]);
        assert!(Font::open(Some("/no/such/font.ttf")).is_err());
    }
}
