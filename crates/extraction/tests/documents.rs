//! Whole documents: an invoice, a receipt, a form, and what is wrong in them.

use extraction::{Block, Extraction, Locale, Schema, Source, check, extract};
use proptest::prelude::*;
use serde_json::{Value, json};

fn found(text: &str, properties: Value) -> Extraction {
    let blocks = [Block { range: 0..text.len(), page: Some(1), row: None }];
    let schema =
        Schema::parse(&json!({"type": "object", "properties": properties})).expect("a schema of the test");
    extract(&Source { text, blocks: &blocks }, &schema, &Locale::default())
}

const INVOICE: &str = "ACME GmbH\nInvoice No: INV-2041\nInvoice date: 2026-03-14\nCustomer: Ada Lovelace\n\
                       Email: ada@example.com\nTotal due: EUR 1,249.50\n";

#[test]
fn an_invoice_gives_its_fields_with_their_evidence() {
    let found = found(
        INVOICE,
        json!({"invoice_number": {"type": "string"}, "invoice_date": {"type": "string", "format": "date"},
               "email": {"type": "string", "format": "email"}, "total": {"type": "number"},
               "seller": {"type": "string"}, "customer": {"type": "string"}}),
    );
    let expected = json!({"invoice_number": "INV-2041", "invoice_date": "2026-03-14", "email": "ada@example.com",
                          "total": 1249.5, "seller": "ACME GmbH", "customer": "Ada Lovelace"});
    assert_eq!(Value::from(found.fields), expected);
    for (path, detail) in &found.details {
        assert!(INVOICE.contains(detail.evidence.as_deref().unwrap()), "{path}");
        assert_eq!(detail.page, Some(1));
    }
}

#[test]
fn a_receipt_is_paid_by_what_was_given_less_the_change() {
    let text = "CORNER SHOP SDN BHD\n(123456-X)\n12, JALAN BESAR,\n81100 JOHOR BAHRU\nTEL: 07-1234567\nTAX INVOICE\n\
                25/12/2018 18:20\nTEA 2.00\nSUBTOTAL 30.91\nROUNDING -0.01\nTOTAL ROUNDED 30.90\nCASH 50.00\nCHANGE 19.10\n";
    let kind = json!({"type": "string"});
    let found =
        found(text, json!({"company": kind, "address": kind, "date": kind, "total": {"type": "number"}}));
    let expected = json!({"company": "CORNER SHOP SDN BHD", "address": "12, JALAN BESAR, 81100 JOHOR BAHRU",
                          "date": "25/12/2018", "total": 30.9});
    assert_eq!(Value::from(found.fields), expected);
}

#[test]
fn what_cannot_be_is_less_sure() {
    let sure = |text: &str, properties: Value| {
        found(text, properties).details.into_values().next().unwrap().confidence
    };
    let iban = || json!({"iban": {"type": "string", "format": "iban"}});
    assert!(sure("IBAN: DE89370400440532013000", iban()) > 0.8);
    assert!(sure("IBAN: DE88370400440532013000", iban()) < 0.6);
    let vat = || json!({"vat_id": {"type": "string"}});
    assert!(sure("VAT ID: DE136695976", vat()) > 0.8);
    assert!(sure("VAT ID: DE136695977", vat()) < 0.6);
    let total = || json!({"total": {"type": "number"}});
    assert!(
        sure("Subtotal: 100.00\nVAT: 20.00\nTotal: 120.00", total())
            > sure("Subtotal: 100.00\nVAT: 20.00\nTotal: 170.00", total())
    );
}

#[test]
fn a_required_field_without_a_value_is_missing() {
    let text = "Dear customer, thank you.";
    let blocks = [Block { range: 0..text.len(), page: None, row: None }];
    let schema = json!({"properties": {"iban": {"type": "string", "format": "iban"}}, "required": ["iban"]});
    let found =
        extract(&Source { text, blocks: &blocks }, &Schema::parse(&schema).unwrap(), &Locale::default());
    assert_eq!((found.missing.as_slice(), found.is_unsure(0.0)), (["iban".to_owned()].as_slice(), true));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_evidence_is_word_for_word(
        text in "(total|Date|Bill to|IBAN|address|Äpfel|合計|[A-Z0-9€ßİ .,:;/#()-]|\n|\\d{1,8}){0,60}",
    ) {
        let found = found(&text, json!({
            "company": {"type": "string"}, "address": {"type": "string"}, "date": {"type": "string", "format": "date-time"},
            "total": {"type": "number"}, "iban": {"type": "string"}, "customer_address": {"type": "string"},
            "paid": {"type": "boolean"}, "kind": {"enum": ["A", "B"]},
            "items": {"type": "array", "items": {"type": "object", "properties": {
                "description": {"type": "string"}, "quantity": {"type": "integer"}, "price": {"type": "number"}}}},
        }));
        for detail in found.details.values() {
            prop_assert!(detail.evidence.as_deref().is_none_or(|quote| text.contains(quote)));
            prop_assert!((0.0..=1.0).contains(&detail.confidence));
        }
    }
}

fn checked(text: &str, properties: Value, proposed: Value) -> Extraction {
    let blocks = [Block { range: 0..text.len(), page: Some(1), row: None }];
    let schema = Schema::parse(&json!({"properties": properties})).expect("a schema of the test");
    check(&Source { text, blocks: &blocks }, &schema, &Locale::default(), &proposed)
}

#[test]
fn a_proposed_value_is_as_sure_as_its_evidence() {
    let properties = json!({"total": {"type": "number"}, "project": {"type": "string"},
                            "approver": {"type": "string"}, "email": {"type": "string", "format": "email"}});
    let text =
        format!("{INVOICE}We thank you for your trust in the renewal of\nthe Harbour Bridge this spring.\n");
    let without = found(&text, properties.clone());
    assert_eq!(without.fields["project"], Value::Null);
    let proposed = json!({"total": "1.249,50", "project": "Harbour Bridge", "approver": "Grace Hopper",
                          "email": "eve@example.com", "more": 1});
    let with = checked(&text, properties, proposed);
    // What both see is surer.
    assert_eq!(with.fields["total"], 1249.5);
    assert!(with.details["total"].confidence > without.details["total"].confidence);
    // What only the model sees has its place in the text.
    let project = &with.details["project"];
    assert_eq!(
        (&with.fields["project"], project.evidence.as_deref()),
        (&json!("Harbour Bridge"), Some("Harbour Bridge"))
    );
    assert!(project.confidence > 0.6 && project.page == Some(1));
    // What nobody wrote is hardly believed.
    let approver = &with.details["approver"];
    assert_eq!((&with.fields["approver"], approver.evidence.as_deref()), (&json!("Grace Hopper"), None));
    assert!(approver.confidence <= 0.2 && !approver.problems.is_empty() && with.is_unsure(0.6));
    // The document's own address stands against an invented one.
    assert_eq!(with.fields["email"], "ada@example.com");
    assert!(with.details["email"].confidence < without.details["email"].confidence);
    assert!(!with.fields.contains_key("more"));
}

#[test]
fn proposed_rows_are_held_against_the_text() {
    let row = json!({"name": {"type": "string"}, "price": {"type": "number"}});
    let properties = json!({"items": {"type": "array", "items": {"type": "object", "properties": row}}});
    let text = "We have sent you two boxes of green tea for 12.50 and a pot for 30.00.\n";
    assert_eq!(found(text, properties.clone()).fields["items"], json!([]));
    let rows = json!([{"name": "green tea", "price": 12.5}, {"name": "a pot", "price": 31.5}]);
    let with = checked(text, properties, json!({"items": rows}));
    assert_eq!(with.fields["items"], rows);
    let sure = |path: &str| with.details[path].confidence;
    assert!(sure("items[0].name") > 0.6 && sure("items[0].price") > 0.6 && sure("items[1].price") <= 0.2);
    assert_eq!(with.details["items[0].price"].evidence.as_deref(), Some("12.50"));
}
