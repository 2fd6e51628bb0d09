//! Mail addresses.

use std::str::FromStr;

use lettre::Address;
use unicode_normalization::UnicodeNormalization;
use unicode_script::{Script, UnicodeScript};
use url::Host;

use crate::{Error, Result};

/// Longest address that SMTP carries (RFC 5321, 4.5.3.1.3).
const MAX_LENGTH: usize = 254;

/// A well-formed mail address, as it was given, and folded for telling people apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress {
    given: String,
    key: String,
}

impl EmailAddress {
    /// The address as it was given.
    pub fn as_str(&self) -> &str {
        &self.given
    }

    /// The address without case and look-alikes, its domain in ASCII: two spellings of one address are one person,
    /// and nobody can take one that reads like another's. Mail goes to [`EmailAddress::as_str`], never here.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl FromStr for EmailAddress {
    type Err = Error;

    /// Refuses, beside what is malformed, what only serves to look like another address: invisible characters and
    /// ones that turn the direction of writing, local parts in quotes, and those that mix Latin, Greek and Cyrillic
    /// letters. Domains are names, not numbers.
    fn from_str(text: &str) -> Result<Self> {
        parse(text)
            .ok_or_else(|| Error::invalid("email", "email is not a mail address such as ada@example.com."))
    }
}

fn parse(text: &str) -> Option<EmailAddress> {
    let given: String = text.trim().nfc().collect();
    let (local, domain) = given.rsplit_once('@')?;
    // The host of a URL may have escapes, the domain of an address may not.
    if given.chars().any(is_invisible) || local.starts_with('"') || domain.contains('%') {
        return None;
    }
    let local = folded(local);
    let Host::Domain(domain) = Host::parse(domain).ok()? else { return None };
    let key = format!("{local}@{domain}");
    // Folding may make marks of other characters, such as @ of the full-width one, so its outcome is checked too.
    (is_well_formed(&given) && is_well_formed(&key) && !mixes_scripts(&local))
        .then_some(EmailAddress { given, key })
}

fn is_well_formed(address: &str) -> bool {
    address.len() <= MAX_LENGTH
        && address.parse::<Address>().is_ok_and(|address| address.domain().contains('.'))
}

/// NFKC and full case folding. Lower, upper and lower case in turn give what Unicode's table of full case folding
/// gives (ß and ẞ become ss, each sigma one), and besides let the dotless ı fall together with i.
fn folded(local: &str) -> String {
    let plain: String = local.nfkc().collect();
    plain.to_lowercase().to_uppercase().to_lowercase().nfkc().collect()
}

/// Characters that do not show or change how others show: controls, spaces, Unicode's
/// `Default_Ignorable_Code_Point` (zero-width characters, bidi controls, fillers, variation selectors, tags), and the
/// marks of interlinear annotations.
fn is_invisible(c: char) -> bool {
    let ignorable = matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    );
    ignorable || c.is_control() || c.is_whitespace()
}

/// Whether letters come from more than one of the three alphabets that share letter shapes.
fn mixes_scripts(local: &str) -> bool {
    let has = |script| local.chars().any(|c| c.script() == script);
    [Script::Latin, Script::Greek, Script::Cyrillic].into_iter().filter(|script| has(*script)).count() > 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(text: &str) -> String {
        text.parse::<EmailAddress>().unwrap_or_else(|e| panic!("{text:?}: {e}")).key().to_owned()
    }

    fn refuses(text: &str) -> bool {
        text.parse::<EmailAddress>().is_err()
    }

    #[test]
    fn spellings_of_one_address_are_one() {
        for (one, other) in [
            ("Ada@Example.com", " ada@example.COM "),
            ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
            ("ada@bu\u{308}cher.example", "ada@XN--BCHER-KVA.example"),
            ("ada@ｅｘａｍｐｌｅ.com", "ada@example.com"),
            ("jose\u{301}@example.com", "JOSÉ@example.com"),
            ("ａｄａ@example.com", "ada@example.com"),
            ("o\u{fb03}ce@example.com", "office@example.com"),
            ("\u{212a}im@example.com", "kim@example.com"),
            ("straße@example.com", "STRASSE@example.com"),
            ("STRAẞE@example.com", "strasse@example.com"),
            ("σοφός@example.com", "ΣΟΦΌΣ@example.com"),
        ] {
            assert_eq!(key(one), key(other), "{one} {other}");
        }
        assert_eq!(key("ada@BÜCHER.example"), "ada@xn--bcher-kva.example");
    }

    #[test]
    fn different_addresses_stay_different() {
        for (one, other) in [
            ("ada@example.com", "ada@example.org"),
            ("ada+1@example.com", "ada@example.com"),
            ("a.da@example.com", "ada@example.com"),
            ("jose@example.com", "josé@example.com"),
            ("ada@bucher.example", "ada@bücher.example"),
        ] {
            assert_ne!(key(one), key(other), "{one} {other}");
        }
    }

    #[test]
    fn it_is_kept_as_it_was_given() {
        let address: EmailAddress = " Ada.O'Neil+news@BÜCHER.example ".parse().unwrap();
        assert_eq!(address.as_str(), "Ada.O'Neil+news@BÜCHER.example");
        assert_eq!("иван@пример.рф".parse::<EmailAddress>().unwrap().as_str(), "иван@пример.рф");
        assert_eq!(key("用户@例子.广告"), "用户@xn--fsqu00a.xn--4rr70v");
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for wrong in [
            "",
            "@",
            "not an address",
            "a@b",
            "a@b.c\r\nBcc: x@y.z",
            "a@b@c.d",
            "a..b@example.com",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "a@example..com",
            "a@example.com.",
            "a@exa%6Dple.com",
            "\"ada\"@example.com",
            "ada＠example.com@example.com",
            "ada…x@example.com",
            &format!("{}@x.io", "a".repeat(300)),
        ] {
            assert!(refuses(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn what_does_not_show_is_refused() {
        for c in [
            '\0',
            '\u{7f}',
            '\u{85}',
            '\u{a0}',
            '\u{ad}',
            '\u{200b}',
            '\u{200d}',
            '\u{200e}',
            '\u{202e}',
            '\u{2066}',
            '\u{2028}',
            '\u{2060}',
            '\u{3000}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{e0041}',
        ] {
            assert!(refuses(&format!("ad{c}a@example.com")), "{c:?}");
            assert!(refuses(&format!("ada@exam{c}ple.com")), "{c:?}");
        }
    }

    #[test]
    fn alphabets_that_look_alike_are_not_mixed() {
        assert!(refuses("p\u{430}ypal@example.com"), "a Cyrillic a");
        assert!(refuses("\u{3bf}ffice@example.com"), "a Greek omicron");
        for fine in
            ["иван.2@example.com", "σοφία@example.com", "tanaka田中@example.com", "paypal@example.com"]
        {
            assert!(!refuses(fine), "{fine}");
        }
    }

    proptest! {
        /// Folding is done once and for all, or two accounts could meet after one more round.
        #[test]
        fn the_key_of_a_key_is_the_key(local in "[\\PC&&[^@\"]]{1,8}", domain in "[a-zA-ZüßéÅдж日]{1,6}") {
            if let Ok(address) = format!("{local}@{domain}.example").parse::<EmailAddress>() {
                prop_assert_eq!(key(address.key()), address.key());
            }
        }

        #[test]
        fn any_text_is_answered(text: String) {
            let _ = text.parse::<EmailAddress>();
        }
    }
}
