//! Files that come in forms and go out as attachments.

use axum::extract::multipart::{Field, MultipartError};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::StatusCode;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use platform::Error;

/// What RFC 5987 lets stand in the value of a parameter.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_').remove(b'~');

/// A form that cannot be read to its end.
pub fn broken_form(error: MultipartError) -> Error {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Error::too_large("The upload is larger than this server allows (FRONTDESK_MAX_UPLOAD_MB).");
    }
    Error::bad_request(format!("The form cannot be read: {}.", error.body_text()))
}

/// A file of a form, as it arrives.
pub fn arriving(field: &mut Field<'_>) -> impl Stream<Item = Result<Bytes, MultipartError>> {
    stream::poll_fn(|cx| field.poll_next_unpin(cx))
}

/// Reads on after a file was refused: a client that is still sending would miss the answer. The body's limit bounds
/// this.
pub async fn read_on(field: &mut Field<'_>) {
    while let Ok(Some(_)) = field.chunk().await {}
}

/// The header `Content-Disposition` of a file that is to be kept, not shown (RFC 6266).
pub fn attachment(name: &str) -> String {
    let ascii: String = name
        .chars()
        .map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\') { c } else { '_' })
        .collect();
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{}", utf8_percent_encode(name, PLAIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out_of_the_header() {
        assert_eq!(
            attachment("a\"; x=\u{e9}\r\n.txt"),
            "attachment; filename=\"a_;_x=___.txt\"; filename*=UTF-8''a%22%3B%20x%3D%C3%A9%0D%0A.txt"
        );
    }
}
