//! What Stripe's reference says of the parameters of the calls that are made here (<https://docs.stripe.com/api>, read
//! in November 2026): their names, which must be there, and what each may hold. A number in brackets is `[n]`.

/// What a parameter may hold.
#[derive(Clone, Copy, Debug)]
pub enum Holds {
    /// Text of at most so many characters, and not empty.
    Text(usize),
    /// A whole number, at least so large.
    Whole(i64),
    /// true or false.
    Flag,
    /// Three letters, lower case.
    Currency,
    /// An address with its scheme.
    Address,
    /// One of these.
    One(&'static [&'static str]),
    /// An id that begins so.
    Id(&'static str),
}

use Holds::{Address, Currency, Flag, Id, One, Text, Whole};

/// A call: its path with `{}` for an id, its parameters, and those of them that must be there.
pub struct Call {
    pub path: &'static str,
    pub parameters: &'static [(&'static str, Holds)],
    pub required: &'static [&'static str],
}

/// Any key of somebody's own, in `metadata[…]`.
pub const METADATA: Holds = Text(500);

/// The calls, and of each the parameters that could be of use here; others of Stripe's would have to be added.
pub const CALLS: &[Call] = &[
    Call { path: "/v1/customers", parameters: CUSTOMER, required: &[] },
    Call { path: "/v1/customers/{}", parameters: CUSTOMER, required: &[] },
    Call { path: "/v1/payment_methods/{}/detach", parameters: &[], required: &[] },
    Call {
        path: "/v1/setup_intents",
        parameters: &[
            ("automatic_payment_methods[enabled]", Flag),
            ("confirm", Flag),
            ("customer", Id("cus_")),
            ("description", Text(1000)),
            ("payment_method", Id("pm_")),
            ("payment_method_types[n]", One(&["card", "sepa_debit", "link", "us_bank_account"])),
            ("return_url", Address),
            ("usage", One(&["off_session", "on_session"])),
        ],
        required: &[],
    },
    Call {
        path: "/v1/payment_intents",
        parameters: &[
            ("amount", Whole(1)),
            ("automatic_payment_methods[enabled]", Flag),
            ("capture_method", One(&["automatic", "automatic_async", "manual"])),
            ("confirm", Flag),
            ("currency", Currency),
            ("customer", Id("cus_")),
            ("description", Text(1000)),
            ("error_on_requires_action", Flag),
            ("off_session", Flag),
            ("payment_method", Id("pm_")),
            ("payment_method_types[n]", One(&["card", "sepa_debit", "link", "us_bank_account"])),
            ("receipt_email", Text(512)),
            ("return_url", Address),
            ("setup_future_usage", One(&["off_session", "on_session"])),
            ("statement_descriptor_suffix", Text(22)),
        ],
        required: &["amount", "currency"],
    },
    Call {
        path: "/v1/checkout/sessions",
        parameters: &[
            ("allow_promotion_codes", Flag),
            ("automatic_tax[enabled]", Flag),
            ("billing_address_collection", One(&["auto", "required"])),
            ("cancel_url", Address),
            ("client_reference_id", Text(200)),
            ("currency", Currency),
            ("customer", Id("cus_")),
            ("customer_email", Text(512)),
            ("expires_at", Whole(0)),
            ("line_items[n][price]", Id("price_")),
            ("line_items[n][price_data][currency]", Currency),
            ("line_items[n][price_data][product]", Id("prod_")),
            ("line_items[n][price_data][product_data][description]", Text(40_000)),
            ("line_items[n][price_data][product_data][name]", Text(5000)),
            ("line_items[n][price_data][tax_behavior]", One(&["exclusive", "inclusive", "unspecified"])),
            ("line_items[n][price_data][unit_amount]", Whole(0)),
            ("line_items[n][quantity]", Whole(1)),
            ("locale", Text(10)),
            ("mode", One(&["payment", "setup", "subscription"])),
            ("payment_intent_data[description]", Text(1000)),
            ("payment_intent_data[setup_future_usage]", One(&["off_session", "on_session"])),
            ("subscription_data[description]", Text(500)),
            ("subscription_data[trial_period_days]", Whole(1)),
            ("success_url", Address),
            ("ui_mode", One(&["embedded", "hosted"])),
        ],
        required: &["mode", "success_url"],
    },
    Call {
        path: "/v1/subscriptions/{}",
        parameters: &[
            ("cancel_at_period_end", Flag),
            ("default_payment_method", Id("pm_")),
            ("items[n][deleted]", Flag),
            ("items[n][id]", Id("si_")),
            ("items[n][price]", Id("price_")),
            ("items[n][quantity]", Whole(0)),
            ("off_session", Flag),
            (
                "payment_behavior",
                One(&[
                    "allow_incomplete",
                    "default_incomplete",
                    "error_if_incomplete",
                    "pending_if_incomplete",
                ]),
            ),
            ("proration_behavior", One(&["always_invoice", "create_prorations", "none"])),
            ("proration_date", Whole(0)),
        ],
        required: &[],
    },
];

const CUSTOMER: &[(&str, Holds)] = &[
    ("address[city]", Text(5000)),
    ("address[country]", Text(2)),
    ("address[line1]", Text(5000)),
    ("address[postal_code]", Text(5000)),
    ("description", Text(5000)),
    ("email", Text(512)),
    ("invoice_settings[default_payment_method]", Id("pm_")),
    ("name", Text(256)),
    ("phone", Text(20)),
    ("preferred_locales[n]", Text(10)),
    ("tax_exempt", One(&["exempt", "none", "reverse"])),
];
