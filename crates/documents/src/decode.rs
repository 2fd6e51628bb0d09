//! Bytes to characters: byte order mark, then UTF-8 when it is valid, then UTF-16 and UTF-32 by their
//! zero bytes, then a detector trained on the web.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::compose::Composer;

/// How a text is stored.
#[derive(Clone, Copy, PartialEq)]
enum Storage {
    Known(&'static Encoding),
    Utf32 {
        big_endian: bool,
    },
    /// Nothing says; the detector has to guess.
    Unknown,
}

/// Decodes a whole file and warns when bytes had to be replaced.
pub(crate) fn decode<'a>(bytes: &'a [u8], out: &mut Composer) -> Cow<'a, str> {
    decode_as(bytes, storage(bytes), out)
}

/// Decodes a file that names its encoding in itself; content that is plainly UTF-8 or UTF-16 wins.
pub(crate) fn decode_labelled<'a>(bytes: &'a [u8], label: Option<&[u8]>, out: &mut Composer) -> Cow<'a, str> {
    let named = label.and_then(Encoding::for_label).filter(|named| *named != UTF_16LE && *named != UTF_16BE);
    match (storage(bytes), named) {
        (Storage::Unknown, Some(named)) => decode_as(bytes, Storage::Known(named), out),
        (storage, _) => decode_as(bytes, storage, out),
    }
}

/// Decodes the beginning of a file, which may end inside a character.
pub(crate) fn sample(head: &[u8]) -> String {
    match storage(head) {
        Storage::Known(encoding) => encoding.decode(head).0.into_owned(),
        Storage::Utf32 { big_endian } => decode_utf32(head, big_endian).0,
        Storage::Unknown => guess(head).decode(head).0.into_owned(),
    }
}

/// Whether bytes are text in any encoding: hardly any control characters, zeros in plain words excepted.
pub(crate) fn is_text(head: &[u8]) -> bool {
    match storage(head) {
        // Every byte is a character in the legacy encodings, so only the raw bytes can tell.
        Storage::Unknown => {
            let control = head.iter().filter(|byte| is_odd_control(**byte)).count();
            control * 50 <= head.len()
        }
        _ => {
            let text = sample(head);
            let odd = |c: &char| (*c as u32) < 0x80 && is_odd_control(*c as u8) || *c == '\u{FFFD}';
            text.chars().filter(odd).count() * 8 <= text.chars().count()
        }
    }
}

/// Control characters other than tab, line breaks, form feed and escape (ISO-2022-JP).
fn is_odd_control(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0C | 0x1B) || byte == 0x7F
}

fn decode_as<'a>(bytes: &'a [u8], storage: Storage, out: &mut Composer) -> Cow<'a, str> {
    let (text, lossy) = match storage {
        Storage::Known(encoding) => {
            let (text, _, lossy) = encoding.decode(bytes);
            (text, lossy)
        }
        Storage::Utf32 { big_endian } => {
            let (text, lossy) = decode_utf32(bytes, big_endian);
            (Cow::Owned(text), lossy)
        }
        Storage::Unknown => {
            let encoding = guess(bytes);
            let (text, _, lossy) = encoding.decode(bytes);
            (text, lossy)
        }
    };
    if lossy {
        out.warn(
            "Some characters could not be read in the file's encoding. Save it as UTF-8 if words look wrong.",
        );
    }
    text
}

fn storage(bytes: &[u8]) -> Storage {
    match bytes {
        [0xFF, 0xFE, 0, 0, ..] => return Storage::Utf32 { big_endian: false },
        [0, 0, 0xFE, 0xFF, ..] => return Storage::Utf32 { big_endian: true },
        _ => {}
    }
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return Storage::Known(encoding);
    }
    let valid = match std::str::from_utf8(bytes) {
        Ok(_) => true,
        // A head may be cut inside a character.
        Err(error) => error.error_len().is_none() && error.valid_up_to() > 0,
    };
    match by_zero_bytes(bytes, valid) {
        Some(wide) => wide,
        None if valid => Storage::Known(UTF_8),
        None => Storage::Unknown,
    }
}

/// Texts with blanks and digits leave a pattern of zero bytes in UTF-16 and UTF-32. Bytes that could be UTF-8
/// as well have to show it in every other character.
fn by_zero_bytes(bytes: &[u8], valid_utf8: bool) -> Option<Storage> {
    let sample = &bytes[..bytes.len().min(4096) & !3];
    let mut zeros = [0usize; 4];
    for unit in sample.chunks_exact(4) {
        for (count, byte) in zeros.iter_mut().zip(unit) {
            *count += usize::from(*byte == 0);
        }
    }
    let units = sample.len() / 4;
    if units == 0 {
        return None;
    }
    let [a, b, c, d] = zeros.map(|count| count * 10 >= units * 9);
    let [low_even, low_odd] = [zeros[0] + zeros[2], zeros[1] + zeros[3]]
        .map(|count| if valid_utf8 { count >= units } else { count * 10 >= units });
    match (a, b, c, d) {
        (false, _, true, true) => Some(Storage::Utf32 { big_endian: false }),
        (true, true, _, false) => Some(Storage::Utf32 { big_endian: true }),
        _ if low_odd && zeros[0] + zeros[2] == 0 => Some(Storage::Known(UTF_16LE)),
        _ if low_even && zeros[1] + zeros[3] == 0 => Some(Storage::Known(UTF_16BE)),
        _ => None,
    }
}

fn decode_utf32(bytes: &[u8], big_endian: bool) -> (String, bool) {
    let mut lossy = !bytes.len().is_multiple_of(4);
    let text = bytes
        .chunks_exact(4)
        .map(|unit| {
            let unit = [unit[0], unit[1], unit[2], unit[3]];
            let code = if big_endian { u32::from_be_bytes(unit) } else { u32::from_le_bytes(unit) };
            char::from_u32(code).unwrap_or_else(|| {
                lossy = true;
                char::REPLACEMENT_CHARACTER
            })
        })
        .collect();
    (text, lossy)
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    detector.guess(None, Utf8Detection::Allow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Format, Limits};

    fn decoded(bytes: &[u8]) -> String {
        decode(bytes, &mut Composer::new(Format::Text, &Limits::default())).into_owned()
    }

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn unicode_is_known_by_its_bytes() {
        let text = "Our return window is 30 days. Größe: 返品 ok";
        assert_eq!(decoded(text.as_bytes()), text);
        assert_eq!(decoded(&[b"\xEF\xBB\xBF", text.as_bytes()].concat()), text);
        assert_eq!(decoded(&utf16(text, u16::to_le_bytes)), text);
        assert_eq!(decoded(&utf16(text, u16::to_be_bytes)), text);
        let wide: Vec<u8> = text.chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
        assert_eq!(decoded(&wide), text);
    }

    #[test]
    fn legacy_encodings_are_guessed() {
        let (german, ..) = encoding_rs::WINDOWS_1252.encode("Käsebrötchen für 3,50 € – täglich frisch");
        assert_eq!(decoded(&german), "Käsebrötchen für 3,50 € – täglich frisch");
        let (japanese, ..) = encoding_rs::SHIFT_JIS.encode("返品は購入後三十日以内にお願いします");
        assert_eq!(decoded(&japanese), "返品は購入後三十日以内にお願いします");
    }

    #[test]
    fn a_wrong_label_loses_against_the_bytes() {
        let mut out = Composer::new(Format::Html, &Limits::default());
        assert_eq!(decode_labelled("Rückgabe".as_bytes(), Some(b"iso-8859-1"), &mut out), "Rückgabe");
        assert_eq!(decode_labelled(b"\xCF\xD0\xC8", Some(b"koi8-r"), &mut out), "опх");
    }

    #[test]
    fn zeros_in_words_are_text_and_noise_is_not() {
        assert!(is_text(b"Return window\0is 30 days\0\0."));
        let noise: Vec<u8> = (0..2000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        assert!(!is_text(&noise));
    }
}
