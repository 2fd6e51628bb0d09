use super::*;
use crate::{Extracted, Format};

fn read_all(html: &str) -> Extracted {
    let limits = Limits::default();
    let mut out = Composer::new(Format::Html, &limits);
    read(html.as_bytes(), &limits, &mut out).unwrap();
    out.finish().unwrap()
}

#[test]
fn content_stays_and_furniture_goes() {
    let found = read_all(
        "<html><head><title>Returns - Help</title><style>.h, #k {display: none} @media print {.p{display:none}}</style></head>\
         <body><header><nav>Home</nav></header><div class='cookie-banner'>We use cookies</div>\
         <main><header><h1>Returns<a class=headerlink href=#r>#</a></h1></header>\
         <p>Our return\nwindow is <b>30</b> days.</p><p class=h>A</p><p id=k>B</p><p class=p>In print too.</p>\
         <p style='color:red; display:none'>C</p><p hidden>D</p><p aria-hidden=true>E</p><script>F</script><!-- G -->\
         <ol start=3><li>Pack<ul><li>the box</li></ul></li><li><p>Send</p></li></ol>\
         <pre>a\n  b</pre><footer>By the team</footer></main>\
         <footer>Imprint</footer><noscript>H</noscript></body></html>",
    );
    let expected = "Returns\n\nOur return window is 30 days.\n\nIn print too.\n\n3. Pack\nthe box\n4. Send\n\na\n  b\n\nBy the team";
    assert_eq!(found.text, expected);
    assert_eq!(found.title.as_deref(), Some("Returns - Help"));
    assert_eq!(found.sections[1].heading.as_deref(), Some("Returns"));
}

#[test]
fn folded_answers_are_content() {
    let found = read_all(
        "<body><h3><button aria-expanded=false aria-controls=a1>How long?</button></h3>\
         <div id=a1 aria-hidden=true style='display:none'>30 days.</div>\
         <details><summary>And gifts?</summary>60 days.</details><button>Buy</button></body>",
    );
    assert_eq!(found.text, "How long?\n\n30 days.\n\nAnd gifts?\n\n60 days.");
}

#[test]
fn tables_become_rows_with_headers_and_spans() {
    let found = read_all(
        "<table><caption>Prices</caption><thead><tr><th>Plan<th colspan=2>Price</tr><tr><th><th>EU<th>US</tr></thead>\
         <tr><td rowspan=2>Starter<td>27<td>29<tr><td>28<td><ul><li>30</ul></table>",
    );
    let expected =
        "Prices\n\nPlan: Starter; Price EU: 27; Price US: 29\nPlan: Starter; Price EU: 28; Price US: 30";
    assert_eq!(found.text, expected);
}

#[test]
fn tables_that_only_place_things_are_read_through() {
    let found = read_all(
        "<table><tr><td><h2>Left</h2><p>a</p></td><td><table><tr><th>k</th><td>v</td></tr></table></td></tr></table>",
    );
    assert_eq!(found.text, "Left\n\na\n\nk: v");
}

#[test]
fn a_page_that_is_all_menu_is_better_than_nothing() {
    assert_eq!(read_all("<body><nav><a href=x>Opening hours</a></nav></body>").text, "Opening hours");
}

#[test]
fn depth_costs_no_stack_and_is_bounded() {
    let deep = format!("{}x{}", "<div>".repeat(2_000), "</div>".repeat(2_000));
    assert_eq!(read_all(&deep).text, "x");
    let limits = Limits::default();
    let mut out = Composer::new(Format::Html, &limits);
    let error = read("<b>".repeat(6_000).as_bytes(), &limits, &mut out).unwrap_err();
    assert_eq!(error.code(), "too_large");
}

#[test]
fn only_open_elements_count_as_depth() {
    let flat = "<p>x<br><path d='M0'/><script>if (a<b) c<d</script><li>y".repeat(6_000);
    assert!(check_nesting(&flat).is_ok());
}

#[test]
fn charset_labels_are_found() {
    assert_eq!(charset(b"<meta charset=\"koi8-r\">"), Some(&b"koi8-r"[..]));
    assert_eq!(charset(b"<meta http-equiv=x content='text/html; charset=big5'>"), Some(&b"big5"[..]));
    assert_eq!(charset(b"<p>none"), None);
}

#[test]
fn a_page_without_text_still_has_its_links() {
    let found = read_all("<body><a href='/a'><img src=a.png></a></body>");
    assert_eq!((found.text.as_str(), found.sections.len()), ("", 0));
    assert_eq!(found.web.unwrap().links, ["/a"]);
}

#[test]
fn links_of_dropped_menus_are_kept() {
    let found = read_all("<nav><a href='/a'>Menu</a></nav><main><p>Text</p></main>");
    assert_eq!(found.text, "Text");
    assert_eq!(found.web.unwrap().links, ["/a"]);
}

#[test]
fn modern_furniture_goes_and_the_content_stays() {
    let found = read_all(
        "<body><a class='sr-only' href='#main'>Skip to main content</a>\
         <div id='onetrust-banner-sdk' role='alertdialog'><p>We value your privacy</p></div>\
         <div class='cc-window cc-floating'>This website uses cookies</div>\
         <div aria-label='Cookie preferences'>Choose <button>Accept</button></div>\
         <div class='my-cookie-consent__wrapper'>Cookies?</div>\
         <div class='navbar'><a href='/'>Home</a> <a href='/b'>Shop</a></div>\
         <ol itemscope itemtype='https://schema.org/BreadcrumbList'><li>Help</li><li>Returns</li></ol>\
         <div id='main'><h1>Returns</h1><p>30 days. <a href='/x'>Read more</a></p>\
         <h2 id='cookie-banner'>Our cookie banner</h2><p class='cookie-notice'>You may reject all.</p>\
         <div class='menu'><p>Soup of the day 5 euros and bread</p></div>\
         <div class='social-share'><a href='t'>Tweet</a><a href='f'>Share</a></div></div>\
         <div id='footer'>Acme Ltd, Oslo <a href='/imprint'>Imprint</a></div></body>",
    );
    assert_eq!(
        found.text,
        "Returns\n\n30 days. Read more\n\nOur cookie banner\n\nYou may reject all.\n\nSoup of the day 5 euros and bread"
    );
}

#[test]
fn content_with_the_name_of_furniture_is_not_lost() {
    let answer = "Parcels to Norway take three to five working days because of the customs. ".repeat(8);
    let found = read_all(&format!("<body><div role='dialog'><h1>Shipping</h1><p>{answer}</p></div></body>"));
    assert!(found.text.starts_with("Shipping\n\nParcels to Norway"), "{}", found.text);
    let around = read_all("<body><div class='cookie-consent-wrapper'><main><p>Text</p></main></div></body>");
    assert_eq!(around.text, "Text");
    let about =
        read_all("<main><section id='cookie-consent'><h2>Consent</h2><p>We ask.</p></section></main>");
    assert_eq!(about.text, "Consent\n\nWe ask.");
}
