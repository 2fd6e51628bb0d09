//! The words of the widget's interface in other languages than English, which is in the script itself.

/// The languages, by the first part of their tags (RFC 5646).
const LANGUAGES: [(&str, &str); 7] = [
    ("ar", include_str!("../../../widget/languages/ar.json")),
    ("de", include_str!("../../../widget/languages/de.json")),
    ("es", include_str!("../../../widget/languages/es.json")),
    ("fr", include_str!("../../../widget/languages/fr.json")),
    ("hi", include_str!("../../../widget/languages/hi.json")),
    ("no", include_str!("../../../widget/languages/no.json")),
    ("zh", include_str!("../../../widget/languages/zh.json")),
];

/// The words of the first language of a list, such as `nb-NO,en`, that is spoken here, as JSON. None for English, and
/// where none is spoken.
pub fn find(wanted: &str) -> Option<&'static str> {
    for tag in wanted.split(',').take(20) {
        let first = tag.trim().split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        let language = match first.as_str() {
            "en" => return None,
            // Both ways of writing Norwegian.
            "nb" | "nn" => "no",
            other => other,
        };
        if let Some((_, words)) = LANGUAGES.iter().find(|(code, _)| *code == language) {
            return Some(words);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value};

    use super::*;

    fn words(text: &str) -> Map<String, Value> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_first_language_that_is_spoken_is_taken() {
        let lang = |wanted: &str| find(wanted).map(|text| words(text)["lang"].as_str().unwrap().to_owned());
        assert_eq!(lang("nb-NO,en").as_deref(), Some("no"));
        assert_eq!(lang("fi, de-AT").as_deref(), Some("de"));
        assert_eq!(lang("ZH_hant").as_deref(), Some("zh"));
        assert_eq!((lang("en-GB,de"), lang("fi"), lang("")), (None, None, None));
    }

    #[test]
    fn every_language_has_the_same_words() {
        let names = |words: &Map<String, Value>| words.keys().cloned().collect::<Vec<_>>();
        let (_, german) = LANGUAGES[1];
        let german = words(german);
        for (code, text) in LANGUAGES {
            let words = words(text);
            assert_eq!(names(&words), names(&german), "{code}");
            assert_eq!(words["lang"], code);
            assert_eq!(words["dir"], if code == "ar" { "rtl" } else { "ltr" });
            for (name, word) in &words {
                let places = |word: &Value| word.as_str().unwrap().matches('%').count();
                assert!(!word.as_str().unwrap().trim().is_empty(), "{code} {name}");
                assert_eq!(places(word), places(&german[name]), "{code} {name}");
            }
        }
    }
}
