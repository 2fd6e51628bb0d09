//! What holds inside one group of an RTF document, and what groups are there for.

use std::collections::HashMap;

use encoding_rs::Encoding;

use super::charset;

/// What the text of a group becomes.
#[derive(Clone, Copy, Default, PartialEq)]
pub(super) enum Destination {
    #[default]
    Body,
    Skipped,
    Fonts,
    Styles,
    /// A footnote or an endnote.
    Note,
    /// The bullet or number in front of a list item.
    Bullet,
    /// The document's title among its properties.
    Title,
}

impl Destination {
    /// What a control word at the beginning of a group makes of it; `None` leaves it as it is. With `starred`, the
    /// group is to be passed over by readers that do not know the word.
    pub(super) fn named(word: &str, starred: bool) -> Option<Self> {
        Some(match word {
            "fonttbl" => Self::Fonts,
            "stylesheet" => Self::Styles,
            "footnote" => Self::Note,
            "listtext" | "pntext" => Self::Bullet,
            "title" => Self::Title,
            // Text boxes keep their words inside a starred group.
            "shpinst" | "shptxt" | "result" | "fldrslt" => Self::Body,
            "colortbl" | "info" | "pict" | "object" | "header" | "headerl" | "headerr" | "headerf"
            | "footer" | "footerl" | "footerr" | "footerf" | "fldinst" | "annotation" | "nonshppict"
            | "shprslt" | "sp" | "listtable" | "listoverridetable" | "revtbl" | "rsidtbl" | "filetbl"
            | "themedata" | "colorschememapping" | "latentstyles" | "datastore" | "xmlnstbl"
            | "bkmkstart" | "bkmkend" | "pntxta" | "pntxtb" | "ftnsep" | "ftnsepc" | "ftncn" | "aftnsep"
            | "aftnsepc" | "aftncn" | "tc" | "xe" | "private" => Self::Skipped,
            _ if starred => Self::Skipped,
            _ => return None,
        })
    }
}

/// What ends with its group.
#[derive(Clone)]
pub(super) struct State {
    pub(super) destination: Destination,
    /// How many bytes stand behind a `\u` for readers that do not know it.
    pub(super) fallback_bytes: usize,
    pub(super) font: i32,
    /// Formatted as hidden, or deleted with the changes tracked.
    pub(super) hidden: bool,
    pub(super) paragraph: Paragraph,
}

impl Default for State {
    fn default() -> Self {
        Self {
            destination: Destination::Body,
            fallback_bytes: 1,
            font: 0,
            hidden: false,
            paragraph: Paragraph::default(),
        }
    }
}

/// What is said about the paragraph that is being written.
#[derive(Clone, Copy, Default)]
pub(super) struct Paragraph {
    pub(super) style: i32,
    /// 1 to 9 for headings.
    pub(super) outline: Option<u8>,
    pub(super) in_table: bool,
    pub(super) list: bool,
}

/// What the styles of a document are.
#[derive(Default)]
pub(super) struct Styles {
    levels: HashMap<i32, u8>,
    titles: Vec<i32>,
}

impl Styles {
    pub(super) fn add(&mut self, number: i32, name: &str, outline: Option<u8>) {
        let name = name.trim().to_lowercase();
        let by_name = name.strip_prefix("heading ").and_then(|level| level.trim().parse().ok());
        if name == "title" {
            self.titles.push(number);
            self.levels.insert(number, 1);
        } else if let Some(level) = by_name.or(outline).filter(|level| (1..=9).contains(level)) {
            self.levels.insert(number, level);
        }
    }

    pub(super) fn level(&self, paragraph: &Paragraph) -> Option<u8> {
        paragraph.outline.or_else(|| self.levels.get(&paragraph.style).copied())
    }

    pub(super) fn is_title(&self, paragraph: &Paragraph) -> bool {
        self.titles.contains(&paragraph.style)
    }
}

/// Which encoding the bytes of each font are in.
pub(super) struct Fonts {
    encodings: HashMap<i32, &'static Encoding>,
    default: &'static Encoding,
    /// The font whose entry is being read.
    entry: i32,
}

impl Default for Fonts {
    fn default() -> Self {
        Self { encodings: HashMap::new(), default: encoding_rs::WINDOWS_1252, entry: 0 }
    }
}

impl Fonts {
    /// Takes what a control word says about fonts.
    pub(super) fn note(&mut self, word: &str, number: i32) {
        let encoding = match word {
            "f" => {
                self.entry = number;
                return;
            }
            "fcharset" => charset::by_charset(number),
            "cpg" => charset::by_codepage(number),
            _ => None,
        };
        if let Some(encoding) = encoding {
            self.encodings.insert(self.entry, encoding);
        }
    }

    pub(super) fn set_default(&mut self, encoding: Option<&'static Encoding>) {
        self.default = encoding.unwrap_or(self.default);
    }

    pub(super) fn encoding(&self, font: i32) -> &'static Encoding {
        self.encodings.get(&font).copied().unwrap_or(self.default)
    }
}
