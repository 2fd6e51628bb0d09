//! What business documents call things, in several languages, folded as [`crate::source::fold`] does.

use std::{collections::HashMap, sync::LazyLock};

use crate::source::Line;

/// What a field of a business document is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Concept {
    Company,
    CompanyAddress,
    Customer,
    CustomerAddress,
    Email,
    Phone,
    Fax,
    Website,
    Iban,
    Bic,
    VatId,
    RegistrationNumber,
    InvoiceNumber,
    OrderNumber,
    CustomerNumber,
    Reference,
    Date,
    DueDate,
    OtherDate,
    BirthDate,
    Total,
    /// What makes a total one without tax or before discounts: `excluding GST`, `netto`.
    Partial,
    Subtotal,
    Tax,
    Discount,
    Rounding,
    Shipping,
    Paid,
    Change,
    Currency,
    Person,
    FirstName,
    LastName,
    Subject,
    Description,
    Quantity,
    UnitPrice,
    LineTotal,
    /// Words that end a value and are nobody's field, such as `cashier`.
    Other,
}

/// How a value looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Text,
    Name,
    Address,
    Date,
    Money,
    Number,
    Email,
    Phone,
    Url,
    Iban,
    Bic,
    VatId,
    /// Letters and digits with at least one digit.
    Code,
    Currency,
}

impl Concept {
    /// How its values look.
    pub(crate) fn shape(self) -> Shape {
        match self {
            Self::Company | Self::Customer | Self::Person | Self::FirstName | Self::LastName => Shape::Name,
            Self::CompanyAddress | Self::CustomerAddress => Shape::Address,
            Self::Email => Shape::Email,
            Self::Phone | Self::Fax => Shape::Phone,
            Self::Website => Shape::Url,
            Self::Iban => Shape::Iban,
            Self::Bic => Shape::Bic,
            Self::VatId => Shape::VatId,
            Self::RegistrationNumber
            | Self::InvoiceNumber
            | Self::OrderNumber
            | Self::CustomerNumber
            | Self::Reference => Shape::Code,
            Self::Date | Self::DueDate | Self::OtherDate | Self::BirthDate => Shape::Date,
            Self::Total
            | Self::Subtotal
            | Self::Partial
            | Self::Tax
            | Self::Discount
            | Self::Rounding
            | Self::Shipping
            | Self::Paid
            | Self::Change
            | Self::UnitPrice
            | Self::LineTotal => Shape::Money,
            Self::Quantity => Shape::Number,
            Self::Currency => Shape::Currency,
            Self::Subject | Self::Description | Self::Other => Shape::Text,
        }
    }
}

/// Labels by what they mean. English, German, French, Spanish, Italian, Portuguese, Dutch, the Nordic languages,
/// Polish and Malay.
const LABELS: &[(Concept, &str)] = &[
    (
        Concept::Company,
        "company, company name, seller, seller name, vendor, vendor name, supplier, supplier name, \
         merchant, merchant name, store, store name, shop, shop name, issuer, issued by, sender, from, \
         business name, owned by, own by, firma, verkaufer, lieferant, absender, fournisseur, vendeur, \
         emetteur, entreprise, societe, proveedor, vendedor, empresa, emisor, fornitore, azienda, \
         fornecedor, leverancier, verkoper, bedrijf, leverandor, leverantor, saljare, selger, selskap, \
         sprzedawca, dostawca, syarikat, penjual",
    ),
    (
        Concept::CompanyAddress,
        "address, company address, seller address, vendor address, supplier address, merchant address, \
         store address, shop address, adresse, anschrift, firmenanschrift, direccion, domicilio, \
         indirizzo, endereco, adres, adress, alamat",
    ),
    (
        Concept::Customer,
        "customer, customer name, client, client name, buyer, buyer name, bill to, billed to, sold to, \
         invoice to, ship to, recipient, recipient name, payer, kunde, kundenname, rechnungsempfanger, \
         kaufer, empfanger, acheteur, facture a, cliente, comprador, destinatario, klant, klantnaam, \
         koper, kjoper, kopare, mottaker, nabywca, pembeli, pelanggan",
    ),
    (
        Concept::CustomerAddress,
        "customer address, client address, buyer address, billing address, bill to address, \
         shipping address, delivery address, recipient address, rechnungsadresse, rechnungsanschrift, \
         lieferadresse, adresse de facturation, adresse de livraison, direccion de facturacion, \
         indirizzo di fatturazione, factuuradres, faktureringsadresse",
    ),
    (
        Concept::Email,
        "email, e mail, mail, email address, e mail address, contact email, correo, \
         correo electronico, courriel, e mail adresse, e post, epost, e mailadres, emel",
    ),
    (
        Concept::Phone,
        "phone, tel, telephone, phone number, telephone number, tel no, tel nr, telno, mobile, \
         mobile number, cell, contact number, contact no, hp, h p, telefon, telefonnummer, mobil, \
         handy, rufnummer, telefono, telefone, celular, movil, portable, telefoon, mobiel, tlf, \
         telefonnr, hotline, careline, whatsapp, tel fax, no tel, call us",
    ),
    (Concept::Fax, "fax, fax no, fax number, telefax, faks"),
    (Concept::Website, "website, web, web site, url, homepage, www, internet, sitio web, site web, sito web"),
    (Concept::Iban, "iban, iban no, iban number, account iban, bank account iban"),
    (Concept::Bic, "bic, swift, swift code, bic swift, swift bic, bic code"),
    (
        Concept::VatId,
        "vat id, vat no, vat number, vat reg no, vat registration number, vat registration no, vat, \
         tax id, tax number, tax no, tax reg no, tax registration number, gst no, gst id, gst id no, \
         gst reg, gst reg no, gst registration no, gst registration number, gst number, gst ref no, \
         gstin, ust id, ust idnr, ust id nr, ustid, umsatzsteuer id, \
         umsatzsteuer identifikationsnummer, steuernummer, steuer nr, uid, uid nr, \
         tva intracommunautaire, numero de tva, no tva, n tva, nif, cif, nif iva, partita iva, p iva, \
         p iva codice fiscale, nipc, btw nummer, btw nr, btw id, mva nr, momsnr, moms reg nr, cvr, \
         cvr nr, nip, vat nip, abn, ein, tin, no id gst, sst no, sst id, sst reg no",
    ),
    (
        Concept::RegistrationNumber,
        "company no, company number, company reg no, company registration no, \
         company registration number, registration number, registration no, reg no, co reg no, co reg, \
         co no, roc no, roc, br no, business registration no, handelsregister, hrb, hra, siret, siren, \
         rcs, kvk, kvk nr, kvk nummer, org nr, orgnr, organisasjonsnummer, organisationsnummer, regon, \
         krs, registro mercantil",
    ),
    (
        Concept::InvoiceNumber,
        "invoice number, invoice no, invoice nr, invoice id, invoice, inv no, inv number, inv, \
         tax invoice no, bill no, bill number, bill, receipt number, receipt no, receipt id, receipt, \
         rcpt, document number, document no, doc no, slip no, slip, cash sales no, cash inv no, \
         rechnungsnummer, rechnungs nr, rechnung nr, rechnungsnr, rechnung, belegnummer, beleg nr, \
         bon nr, numero de facture, facture no, facture n, no facture, n de facture, facture, \
         numero de factura, factura no, factura n, n factura, num factura, factura, fattura n, \
         numero fattura, fattura, numero da fatura, fatura n, fatura, factuurnummer, factuur nr, \
         factuur, fakturanummer, faktura nr, fakturanr, faktura, numer faktury, no resit, no invois, \
         credit note no, quote no, quotation no, statement no",
    ),
    (
        Concept::OrderNumber,
        "order number, order no, order nr, order id, order, po number, po no, po, p o no, \
         purchase order, purchase order no, purchase order number, bestellnummer, bestell nr, \
         auftragsnummer, auftrags nr, auftrag, numero de commande, commande n, no commande, commande, \
         numero de pedido, pedido n, pedido, numero ordine, ordine n, ordine, numero da encomenda, \
         encomenda, bestelnummer, ordrenummer, ordrenr, ordernummer, numer zamowienia",
    ),
    (
        Concept::CustomerNumber,
        "customer number, customer no, customer id, client number, client no, client id, \
         account number, account no, member number, member no, membership no, policy number, \
         policy no, kundennummer, kunden nr, kundennr, numero client, numero de cliente, n cliente, \
         codice cliente, klantnummer, kundenummer, kundnummer",
    ),
    (
        Concept::Reference,
        "reference, reference number, reference no, ref, ref no, our ref, your ref, our reference, \
         your reference, case number, case no, claim number, claim no, ticket number, ticket no, \
         contract number, contract no, file number, referenz, aktenzeichen, zeichen, vertragsnummer, \
         referencia, riferimento, referentie, referanse, dossier n, kenmerk",
    ),
    (
        Concept::Date,
        "date, invoice date, issue date, date of issue, issued on, issued, bill date, billing date, \
         receipt date, document date, doc date, transaction date, order date, purchase date, \
         date of purchase, sale date, bizdate, letter date, dated, datum, rechnungsdatum, belegdatum, \
         ausstellungsdatum, date de facture, date de facturation, date d emission, date facture, \
         fecha, fecha de factura, fecha de emision, fecha factura, data, data fattura, \
         data di emissione, data da fatura, data de emissao, factuurdatum, dato, fakturadato, \
         fakturadatum, data wystawienia, tarikh",
    ),
    (
        Concept::DueDate,
        "due date, payment due, payment due date, due on, due by, due, pay by, pay before, payable by, \
         date due, faellig am, fallig am, falligkeitsdatum, falligkeit, zahlbar bis, zahlungsziel, \
         date d echeance, echeance, date limite, fecha de vencimiento, vencimiento, vencimento, \
         data de vencimento, scadenza, data scadenza, vervaldatum, te betalen voor, forfallsdato, \
         forfall, betales innen, forfallodatum, betalas senast, forfaldsdato, termin platnosci",
    ),
    (
        Concept::OtherDate,
        "delivery date, ship date, shipping date, expiry, expiry date, card expiry, expires, exp date, \
         valid until, valid to, valid from, start date, end date, period, print date, printed on, \
         lieferdatum, leistungsdatum, gultig bis, date de livraison, fecha de entrega, \
         data di consegna, leverdatum, leveringsdato, leveransdatum, arrival, departure, check in, \
         check out",
    ),
    (
        Concept::BirthDate,
        "date of birth, birth date, birthdate, dob, d o b, born, geburtsdatum, geboren am, geb, \
         date de naissance, ne le, nee le, fecha de nacimiento, data di nascita, data de nascimento, \
         geboortedatum, fodselsdato, fodelsedatum, data urodzenia",
    ),
    (
        Concept::Total,
        "total, total amount, amount total, grand total, total due, amount due, balance due, \
         total payable, amount payable, total amount payable, total amt payable, payable amount, \
         amount to pay, amount to be paid, total to pay, net total, nett total, total sales, \
         total rounded, rounded total, round total, total after rounding, total after adj, \
         total amt rounded, total amt, invoice total, total price, total incl, total inclusive, \
         total including, total with gst, total with tax, total with vat, nett, net, sum, gesamt, \
         gesamtbetrag, gesamtsumme, endbetrag, endsumme, rechnungsbetrag, rechnungssumme, zu zahlen, \
         zu zahlender betrag, zahlbetrag, bruttobetrag, brutto, summe, montant total, total ttc, \
         montant ttc, net a payer, total a payer, montant du, importe total, total a pagar, \
         total factura, importe, totale, totale fattura, totale documento, totale da pagare, \
         importo totale, valor total, montante total, total geral, totaal, totaalbedrag, \
         totaal te betalen, te betalen, totalt, totalbelop, total belop, a betale, att betala, \
         at betale, summa, sum a betale, razem, do zaplaty, kwota do zaplaty, suma, jumlah, \
         jumlah besar, jumlah bayaran",
    ),
    (
        Concept::Partial,
        "excl, excluding, exclusive, excluded, exc, before tax, before vat, before discount, \
         before gst, without tax, taxable, net of tax, ohne mwst, hors taxe, hors taxes, ht, sin iva, \
         sem iva, senza iva, exkl, ekskl, eks mva, ex mva, ex vat, ex gst",
    ),
    (
        Concept::Subtotal,
        "subtotal, sub total, sub ttl, net amount, amount before tax, total before tax, \
         taxable amount, total net, zwischensumme, netto, nettobetrag, nettosumme, summe netto, \
         gesamt netto, sous total, total ht, montant ht, base imponible, imponibile, \
         totale imponibile, subtotale, valor liquido, subtotaal, totaal excl, delsum, delsumma, \
         wartosc netto",
    ),
    (
        Concept::Tax,
        "tax, tax amount, total tax, tax total, vat amount, total vat, gst, total gst, gst amount, \
         gst payable, sst, service tax, sales tax, total includes, includes gst, inc gst, \
         gst included, gst inclusive, incl tax, tax included, total included gst, mwst, mwst betrag, \
         ust, umsatzsteuer, mehrwertsteuer, tva, montant tva, total tva, iva, total iva, importo iva, \
         btw, btw bedrag, mva, moms, podatek, podatek vat, cukai",
    ),
    (
        Concept::Discount,
        "discount, disc, total discount, coupon discount, member discount, item discount, \
         total item discount, rebate, rabatt, remise, descuento, sconto, desconto, korting, rabat, \
         diskaun",
    ),
    (
        Concept::Rounding,
        "rounding, rounding adj, rounding adjustment, rounding adjustments, rounding adjust, \
         rounding diff, round off, rundung, rundungsdifferenz, arrondi, redondeo, arrotondamento, \
         afronding, avrunding, oresavrunding, pembundaran",
    ),
    (
        Concept::Shipping,
        "shipping, shipping cost, shipping fee, delivery fee, delivery charge, freight, postage, \
         versand, versandkosten, frais de port, frais de livraison, gastos de envio, \
         spese di spedizione, portes, verzendkosten, frakt",
    ),
    (
        Concept::Paid,
        "cash, cash tendered, tendered, tender, tendered cash, cash received, paid, paid amount, \
         amount paid, payment, payments, received, visa, mastercard, master, master card, visa card, \
         credit card, debit card, card, edc, amex, american express, maestro, paypal, pay, bar, \
         barzahlung, gegeben, bezahlt, kartenzahlung, especes, carte bancaire, regle, efectivo, \
         tarjeta, pagado, contanti, contante, pagato, dinheiro, cartao, contant, betaald, pin, \
         kontant, betalt, kort, gotowka, karta, tunai, bayaran",
    ),
    (
        Concept::Change,
        "change, change due, change cash, change amt, change amount, change balance, cash change, \
         ruckgeld, wechselgeld, ruckgabe, rendu, rendu monnaie, cambio, vuelto, resto, troco, \
         wisselgeld, terug, vekslepenger, vaxel, reszta, baki",
    ),
    (Concept::Currency, "currency, currency code, wahrung, devise, moneda, valuta, moeda, waluta, mata wang"),
    (
        Concept::Person,
        "name, full name, contact, contact person, contact name, attn, attention, patient, \
         patient name, applicant, applicant name, employee, employee name, account holder, \
         policy holder, policyholder, insured, cardholder, ansprechpartner, vollstandiger name, nom, \
         nom complet, nombre, nombre completo, nome, nome completo, naam, navn, namn, nama, \
         imie i nazwisko",
    ),
    (
        Concept::FirstName,
        "first name, firstname, given name, given names, forename, vorname, prenom, primer nombre, \
         nome proprio, voornaam, fornavn, fornamn, imie",
    ),
    (
        Concept::LastName,
        "last name, lastname, surname, family name, nachname, familienname, nom de famille, apellido, \
         apellidos, cognome, apelido, sobrenome, achternaam, etternavn, efternamn, efternavn, \
         nazwisko",
    ),
    (
        Concept::Subject,
        "subject, re, regarding, betreff, betrifft, objet, asunto, oggetto, assunto, onderwerp, emne, \
         amne",
    ),
    (
        Concept::Description,
        "description, desc, item, items, product, product name, article, service, details, \
         particulars, beschreibung, bezeichnung, artikel, leistung, produkt, designation, libelle, \
         descripcion, concepto, producto, descrizione, descricao, omschrijving, beskrivelse, \
         beskrivning, opis, nazwa, keterangan, perkara",
    ),
    (
        Concept::Quantity,
        "quantity, qty, count, units, hours, menge, anzahl, stuck, quantite, qte, cantidad, cant, \
         quantita, qta, quantidade, qtd, aantal, antall, antal, ilosc, kuantiti",
    ),
    (
        Concept::UnitPrice,
        "unit price, price, price each, u price, u p, rate, unit cost, price per unit, s price, \
         einzelpreis, stuckpreis, preis, ep, prix unitaire, pu, p u, prix, precio unitario, precio, \
         prezzo unitario, prezzo, preco unitario, preco, eenheidsprijs, prijs, stykpris, enhetspris, \
         pris, a pris, cena, cena jednostkowa, harga, harga seunit",
    ),
    (
        Concept::LineTotal,
        "amount, line total, amt, line amount, betrag, gesamtpreis, montant, monto, importe linea, \
         importo, valor, bedrag, belop, wartosc, kwota",
    ),
    (
        Concept::Other,
        "cashier, table, time, terminal, counter, pos, pos no, server, operator, salesperson, \
         sales person, staff, station, pax, cover, covers, open, closed, shift, trn, trans no, \
         transaction, card no, card number, approval code, auth code, code, sku, barcode, page, site, \
         pump, invoice to follow, total qty, total quantity, total item, total items, total saving, \
         total savings, total points, total no of items, item count, qty count, no qty, no items, \
         gst summary, tax summary, gst analysis, tax code, total supplies, thank you, member, points, \
         balance, opening balance, closing balance, kassierer, kasse, filiale, uhrzeit, bediener, \
         heure, caisse, hora, caja, ora, cassa, tijd, kassa, bank, bank name, bank account, \
         iban account, opening hours, business hours, waiter, uhr, please, note, notes, remarks, \
         comment, comments, terms, payment terms, zahlungsbedingungen, conditions, gender, sex, \
         nationality, country, city, state, zip, postcode, postal code, plz, ort, stadt, land, age, \
         status, department, position, title, signature, unterschrift",
    ),
];

/// A label and its words.
struct Label {
    words: Vec<&'static str>,
    concept: Concept,
}

/// Labels by their first word, the longest first.
static BY_FIRST_WORD: LazyLock<HashMap<&'static str, Vec<Label>>> = LazyLock::new(|| {
    let mut map: HashMap<&str, Vec<Label>> = HashMap::new();
    for (concept, labels) in LABELS {
        for label in labels.split(',') {
            let words: Vec<&str> = label.split_whitespace().collect();
            if let Some(first) = words.first() {
                map.entry(first).or_default().push(Label { words, concept: *concept });
            }
        }
    }
    for labels in map.values_mut() {
        labels.sort_by_key(|label| std::cmp::Reverse(label.words.len()));
    }
    map
});

/// A label of the lexicon in a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Hit {
    pub concept: Concept,
    /// Its first word in the line, and one past its last.
    pub from: usize,
    pub to: usize,
}

/// The labels of a line, from left to right: the longest at each place, none inside another.
pub(crate) fn hits(line: &Line<'_>) -> Vec<Hit> {
    let words: Vec<&str> = line.words.iter().map(|word| word.folded.as_str()).collect();
    let (mut hits, mut at) = (Vec::new(), 0);
    while at < words.len() {
        match longest(&words[at..]) {
            Some((concept, len)) => {
                hits.push(Hit { concept, from: at, to: at + len });
                at += len;
            }
            None => at += 1,
        }
    }
    hits
}

fn longest(words: &[&str]) -> Option<(Concept, usize)> {
    let labels = BY_FIRST_WORD.get(words.first()?)?;
    let label = labels.iter().find(|label| words.starts_with(&label.words))?;
    Some((label.concept, label.words.len()))
}

/// What a field with this name is about, when the lexicon has the whole name.
pub(crate) fn concept_of(words: &[String]) -> Option<Concept> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    longest(&words).filter(|(_, len)| *len == words.len()).map(|(concept, _)| concept)
}

/// What the last words of a field's name say about it: `passport_expiry_date` is a date.
pub(crate) fn shape_of(words: &[String]) -> Option<Shape> {
    let (last, whole) = (words.last()?.as_str(), words.join(" "));
    if let Some(concept) = concept_of(words) {
        return Some(concept.shape());
    }
    Some(match last {
        "date" | "datum" | "dato" | "fecha" => Shape::Date,
        "amount" | "price" | "cost" | "fee" | "total" | "salary" | "premium" | "sum" | "betrag" | "rent" => {
            Shape::Money
        }
        "number" | "no" | "nr" | "id" | "code" | "nummer" | "reference" => Shape::Code,
        "email" | "mail" => Shape::Email,
        "phone" | "mobile" | "telephone" | "fax" => Shape::Phone,
        "website" | "url" => Shape::Url,
        "iban" => Shape::Iban,
        "address" if !whole.contains("mail") => Shape::Address,
        "name" => Shape::Name,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Block, Source, fold, lines};

    fn concepts(text: &str) -> Vec<Concept> {
        let blocks = [Block { range: 0..text.len(), page: None, row: None }];
        hits(&lines(&Source { text, blocks: &blocks })[0]).iter().map(|hit| hit.concept).collect()
    }

    #[test]
    fn the_longest_label_counts() {
        assert_eq!(concepts("Due date: 1"), [Concept::DueDate]);
        assert_eq!(concepts("TOTAL QTY: 9"), [Concept::Other]);
        assert_eq!(concepts("DOC NO. : 1 DATE: 2"), [Concept::InvoiceNumber, Concept::Date]);
        assert_eq!(concepts("Fälligkeitsdatum 1"), [Concept::DueDate]);
    }

    #[test]
    fn labels_are_folded_and_stand_once() {
        let mut seen = HashMap::new();
        for (concept, labels) in LABELS {
            for label in labels.split(',').map(|label| label.split_whitespace().collect::<Vec<_>>().join(" "))
            {
                assert_eq!(fold(&label), label);
                let other = seen.insert(label.clone(), *concept);
                assert!(other.is_none(), "{label}: {concept:?} and {other:?}");
            }
        }
    }
}
