//! E-mail (RFC 5322, MIME): the subject is the heading, then who wrote to whom and when, what was written, and
//! what was attached as far as it can be read.

use mail_parser::{Address, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::{html, text};
use crate::compose::Composer;
use crate::source::Source;
use crate::{ExtractError, Format, Limits};

/// Attachments beyond this are only named.
const MAX_ATTACHMENTS: usize = 20;

/// Messages inside messages beyond this are only named.
const MAX_DEPTH: u8 = 3;

/// Header fields that people write into a text now and then.
const USUAL_FIELDS: [&str; 4] = ["from", "to", "subject", "date"];

/// Header fields that only programs write.
const TELLING_FIELDS: [&str; 6] =
    ["message-id", "mime-version", "received", "return-path", "delivered-to", "content-transfer-encoding"];

/// Whether a text without a telling name is a message: it begins with header fields, some of which only programs
/// write.
pub(crate) fn looks_like_email(text: &str) -> bool {
    let mut usual = 0;
    let mut telling = 0;
    for line in text.lines().take_while(|line| !line.trim().is_empty()) {
        if line.starts_with([' ', '\t']) {
            continue;
        }
        let Some((name, _)) = line.split_once(':') else { return false };
        let name = name.to_ascii_lowercase();
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return false;
        }
        usual += usize::from(USUAL_FIELDS.contains(&name.as_str()));
        telling += usize::from(TELLING_FIELDS.contains(&name.as_str()));
    }
    usual >= 1 && telling >= 1
}

/// Reads one message.
pub(crate) fn read(bytes: &[u8], limits: &Limits, out: &mut Composer) -> Result<(), ExtractError> {
    let message = MessageParser::default()
        .parse(bytes)
        .ok_or_else(|| ExtractError::damaged(Format::Email, "it has no header"))?;
    write(&message, 1, limits, out)
}

fn write(message: &Message<'_>, depth: u8, limits: &Limits, out: &mut Composer) -> Result<(), ExtractError> {
    let subject = message.subject().unwrap_or_default();
    out.title(subject);
    out.heading(1, subject)?;
    out.paragraph(&envelope(message))?;
    for part in bodies(message) {
        match &part.body {
            PartType::Html(page) => html::read_fragment(page, limits, out)?,
            PartType::Text(body) => text::read(body, out)?,
            _ => {}
        }
    }
    write_attachments(message, depth, limits, out)
}

/// `From`, `To`, `Cc` and `Date` as far as they are there.
fn envelope(message: &Message<'_>) -> String {
    let mut lines = Vec::new();
    for (name, address) in [("From", message.from()), ("To", message.to()), ("Cc", message.cc())] {
        lines.extend(
            address.map(people).filter(|people| !people.is_empty()).map(|people| format!("{name}: {people}")),
        );
    }
    lines.extend(message.date().map(|date| {
        let zone = match (date.tz_hour, date.tz_minute) {
            (0, 0) => "UTC".to_owned(),
            (hour, minute) => format!("{}{hour:02}:{minute:02}", if date.tz_before_gmt { '-' } else { '+' }),
        };
        format!(
            "Date: {}-{:02}-{:02} {:02}:{:02} {zone}",
            date.year, date.month, date.day, date.hour, date.minute
        )
    }));
    lines.join("\n")
}

fn people(address: &Address<'_>) -> String {
    let shown = address.iter().filter_map(|person| match (person.name(), person.address()) {
        (Some(name), Some(address)) => Some(format!("{name} <{address}>")),
        (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
        (None, None) => None,
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// What was written: as plain text where there is any, else as a page.
fn bodies<'m>(message: &'m Message<'_>) -> Vec<&'m MessagePart<'m>> {
    let has_text = |part: &&MessagePart<'_>| match &part.body {
        PartType::Text(text) => !text.trim().is_empty(),
        PartType::Html(_) => true,
        _ => false,
    };
    let plain: Vec<_> = message.text_bodies().filter(has_text).collect();
    if plain.is_empty() { message.html_bodies().filter(has_text).collect() } else { plain }
}

/// Attachments of formats that are read stand below their name; the others are named in a warning.
fn write_attachments(
    message: &Message<'_>,
    depth: u8,
    limits: &Limits,
    out: &mut Composer,
) -> Result<(), ExtractError> {
    let mut left_out: Vec<String> = Vec::new();
    for (at, part) in message.attachments().enumerate() {
        let name = part.attachment_name().map_or_else(|| format!("attachment {}", at + 1), str::to_owned);
        // Pictures in the text are its decoration.
        if matches!(part.body, PartType::InlineBinary(_)) {
            continue;
        }
        if at >= MAX_ATTACHMENTS || depth >= MAX_DEPTH {
            left_out.push(name);
            continue;
        }
        match attachment(part, &name, depth, limits, out) {
            Ok(()) | Err(ExtractError::Empty) => {}
            // A limit of the whole file is no matter of one attachment.
            Err(error @ (ExtractError::TooLarge { .. } | ExtractError::Io(_))) => return Err(error),
            Err(error) => left_out.push(format!("{name} ({})", error.code().replace('_', " "))),
        }
    }
    if !left_out.is_empty() {
        out.warn(format!("Attachments that were not read: {}.", left_out.join(", ")));
    }
    Ok(())
}

fn attachment(
    part: &MessagePart<'_>,
    name: &str,
    depth: u8,
    limits: &Limits,
    out: &mut Composer,
) -> Result<(), ExtractError> {
    if let PartType::Message(message) = &part.body {
        return out.nested(1, |out| write(message, depth + 1, limits, out));
    }
    let bytes = part.contents();
    let head = &bytes[..bytes.len().min(crate::format::HEAD_BYTES as usize)];
    let format = Format::detect(head, name)?;
    if matches!(format, Format::Email) {
        return out.nested(1, |out| {
            let message = MessageParser::default().parse(bytes).ok_or(ExtractError::Empty)?;
            write(&message, depth + 1, limits, out)
        });
    }
    out.heading(2, name)?;
    out.nested(2, |out| super::read(Source::Bytes(bytes), format, name, limits, &mut |_| {}, out))?;
    out.end_headings(2);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_from_letters() {
        assert!(looks_like_email("Message-ID: <1@a>\nSubject: Hi\n  there\n\nText"));
        assert!(
            !looks_like_email("From: Ann\nTo: Bob\nSubject: Hi\n\nText"),
            "a person may have written this"
        );
        assert!(!looks_like_email("Received: three parcels\nAll were open.\n"));
    }
}
