//! An answer of HTTP/1.1, part by part, from bytes as they come: RFC 9112, 4 to 7.

use std::io::{self, ErrorKind};

use bytes::{Buf, Bytes, BytesMut};
use httparse::{EMPTY_HEADER, Header, Status};
use tokio_util::codec::Decoder;

/// Bytes that a head, and what stands behind the last chunk, may have.
const MAX_HEAD: usize = 64 * 1024;
/// Fields that they may have.
const MAX_FIELDS: usize = 128;
/// Bytes that the line before a chunk may have.
const MAX_LINE: usize = 1024;

/// A part of an answer.
#[derive(Debug, PartialEq)]
pub(super) enum Part {
    /// The status; the head is over.
    Head(u16),
    /// Some of the body.
    Data(Bytes),
    /// The body is over.
    End,
}

/// How far an answer was read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum At {
    #[default]
    Head,
    /// In a body of which so many bytes are missing.
    Body(u64),
    /// In a body that ends with the connection.
    Open,
    /// Before a chunk's length.
    Length,
    /// In a chunk of which so many bytes are missing.
    Chunk(u64),
    /// Behind the last chunk.
    Trailer,
    End,
}

/// Reads one answer.
#[derive(Debug, Default)]
pub(super) struct Answer {
    at: At,
    /// Whether the server closes the connection behind the answer.
    closes: bool,
}

impl Answer {
    /// Whether the answer is over and another request may follow on the connection.
    pub(super) fn may_go_on(&self) -> bool {
        self.at == At::End && !self.closes
    }

    /// Reads a head, if it is whole; gives its status. Those that only say that another follows are passed over.
    fn head(&mut self, src: &mut BytesMut) -> io::Result<Option<u16>> {
        loop {
            let mut fields = [EMPTY_HEADER; MAX_FIELDS];
            let mut head = httparse::Response::new(&mut fields);
            let Status::Complete(length) = head.parse(src).map_err(invalid)? else {
                return if src.len() > MAX_HEAD { Err(invalid("the head is too long")) } else { Ok(None) };
            };
            let status = head.code.unwrap_or_default();
            if status == 101 || !(100..200).contains(&status) {
                self.closes = head.version == Some(0) || has(head.headers, "connection", "close");
                self.at = body_of(status, head.headers)?;
                // An answer with a length beside its chunks has two ends: what follows the one is not trusted.
                let twofold =
                    self.at == At::Length && values(head.headers, "content-length").next().is_some();
                self.closes |= self.at == At::Open || twofold;
                src.advance(length);
                return Ok(Some(status));
            }
            src.advance(length);
        }
    }

    /// Reads the line before a chunk, if it is whole.
    fn length(&mut self, src: &mut BytesMut) -> io::Result<bool> {
        // What has no digit would be taken for 0, the end.
        if src.first().is_some_and(|first| !first.is_ascii_hexdigit()) {
            return Err(invalid("a chunk has no length"));
        }
        match httparse::parse_chunk_size(src).map_err(|_| invalid("a chunk has no length"))? {
            Status::Complete((line, length)) => {
                src.advance(line);
                self.at = if length == 0 { At::Trailer } else { At::Chunk(length) };
                Ok(true)
            }
            Status::Partial if src.len() > MAX_LINE => Err(invalid("the line of a chunk is too long")),
            Status::Partial => Ok(false),
        }
    }

    /// Passes over what stands behind the last chunk, if it is whole.
    fn trailer(&mut self, src: &mut BytesMut) -> io::Result<bool> {
        let mut fields = [EMPTY_HEADER; MAX_FIELDS];
        match httparse::parse_headers(src, &mut fields).map_err(invalid)? {
            Status::Complete((length, _)) => {
                src.advance(length);
                self.at = At::End;
                Ok(true)
            }
            Status::Partial if src.len() > MAX_HEAD => Err(invalid("the trailer is too long")),
            Status::Partial => Ok(false),
        }
    }
}

impl Decoder for Answer {
    type Item = Part;
    type Error = io::Error;

    fn decode(&mut self, src: &mut BytesMut) -> io::Result<Option<Part>> {
        loop {
            match self.at {
                At::Head => return Ok(self.head(src)?.map(Part::Head)),
                At::Body(0) => {
                    self.at = At::End;
                    return Ok(Some(Part::End));
                }
                At::Chunk(0) => match src.get(..2) {
                    Some(b"\r\n") => {
                        src.advance(2);
                        self.at = At::Length;
                    }
                    Some(_) => return Err(invalid("a chunk is longer than it says")),
                    None => return Ok(None),
                },
                At::Body(_) | At::Open | At::Chunk(_) if src.is_empty() => return Ok(None),
                At::Open => return Ok(Some(Part::Data(src.split().freeze()))),
                At::Body(ref mut missing) | At::Chunk(ref mut missing) => {
                    let length =
                        usize::try_from(*missing).map_or(src.len(), |missing| missing.min(src.len()));
                    *missing -= length as u64;
                    return Ok(Some(Part::Data(src.split_to(length).freeze())));
                }
                At::Length => match self.length(src)? {
                    true => {}
                    false => return Ok(None),
                },
                At::Trailer => return Ok(self.trailer(src)?.then_some(Part::End)),
                At::End => return Ok(None),
            }
        }
    }

    fn decode_eof(&mut self, src: &mut BytesMut) -> io::Result<Option<Part>> {
        match (self.decode(src)?, self.at) {
            (Some(part), _) => Ok(Some(part)),
            (None, At::Open) => {
                self.at = At::End;
                Ok(Some(Part::End))
            }
            (None, At::End) => Ok(None),
            (None, _) => Err(ErrorKind::UnexpectedEof.into()),
        }
    }
}

/// Where a body begins, and so how it ends: RFC 9112, 6.3.
fn body_of(status: u16, fields: &[Header<'_>]) -> io::Result<At> {
    if matches!(status, 204 | 304) {
        return Ok(At::Body(0));
    }
    if let Some(coding) = values(fields, "transfer-encoding").last() {
        let last = coding.rsplit(',').next().unwrap_or_default().trim();
        // Of the codings no other is asked for.
        return if last.eq_ignore_ascii_case("chunked") { Ok(At::Length) } else { Ok(At::Open) };
    }
    let mut lengths = values(fields, "content-length").flat_map(|value| value.split(',')).map(str::trim);
    let Some(first) = lengths.next() else { return Ok(At::Open) };
    let is_number = !first.is_empty() && first.bytes().all(|b| b.is_ascii_digit());
    if !is_number || lengths.any(|other| other != first) {
        return Err(invalid("the length of the body is no number"));
    }
    first.parse().map(At::Body).map_err(invalid)
}

fn values<'a>(fields: &'a [Header<'_>], name: &'a str) -> impl Iterator<Item = &'a str> {
    let named = fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name));
    named.map(|field| std::str::from_utf8(field.value).unwrap_or_default())
}

/// Whether a field that holds a list has a word.
fn has(fields: &[Header<'_>], name: &str, word: &str) -> bool {
    values(fields, name).flat_map(|value| value.split(',')).any(|one| one.trim().eq_ignore_ascii_case(word))
}

fn invalid(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why)
}
