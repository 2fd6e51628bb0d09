//! Calls to the server under test.

use http::{HeaderMap, Method, StatusCode};
use reqwest::multipart::{Form, Part};
use serde_json::Value;

/// A call that is being put together.
pub struct Call(reqwest::RequestBuilder);

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as it came.
    pub text: String,
    /// The body as JSON; null when it is none.
    pub json: Value,
}

impl Call {
    pub(crate) fn new(client: &reqwest::Client, method: Method, url: String) -> Self {
        Self(client.request(method, url))
    }

    /// With a session.
    pub fn bearer(self, token: &str) -> Self {
        Self(self.0.bearer_auth(token))
    }

    /// With a publishable key, from a page.
    pub fn page(self, key: &str, origin: &str) -> Self {
        self.header("x-api-key", key).header("origin", origin)
    }

    /// With a header.
    pub fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    /// With a JSON body.
    pub fn json(self, body: Value) -> Self {
        Self(self.0.json(&body))
    }

    /// With a body as it stands.
    pub fn body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self(self.0.header("content-type", content_type).body(body.into()))
    }

    /// With a form that holds a file and some fields.
    pub fn file(self, name: &str, bytes: impl Into<Vec<u8>>, fields: &[(&str, &str)]) -> Self {
        let part = Part::bytes(bytes.into()).file_name(name.to_owned());
        let form = Form::new().part("file", part);
        let add = |form: Form, (name, value): &(&str, &str)| form.text(name.to_string(), value.to_string());
        Self(self.0.multipart(fields.iter().fold(form, add)))
    }

    /// With a form whose fields stand before its file.
    pub fn file_after(self, fields: &[(&str, &str)], name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let add = |form: Form, (name, value): &(&str, &str)| form.text(name.to_string(), value.to_string());
        let part = Part::bytes(bytes.into()).file_name(name.to_owned());
        Self(self.0.multipart(fields.iter().fold(Form::new(), add).part("file", part)))
    }

    /// Sends it and reads the whole answer.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn send(self) -> Answer {
        let response = self.0.send().await.expect("the server answers");
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("the answer is whole");
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status, headers, text, json }
    }

    /// Sends it and gives the answer as it comes.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn open(self) -> reqwest::Response {
        self.0.send().await.expect("the server answers")
    }
}

impl Answer {
    /// The JSON of an answer that must have this status.
    ///
    /// # Panics
    /// When it has another.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.json
    }

    /// An error's code and field, after a look at its shape.
    ///
    /// # Panics
    /// When it is not an error of this status in the documented shape.
    #[track_caller]
    pub fn refused(self, status: u16) -> (String, Option<String>) {
        let json = self.expect(status);
        assert_eq!(json["error"], true, "{json}");
        assert_eq!(json["message"], json["detail"], "{json}");
        let message = json["message"].as_str().unwrap_or_default();
        assert!(
            message.ends_with(['.', ')']) && message.len() > 10,
            "a sentence that says what to do: {json}"
        );
        let code = json["code"].as_str().expect("a code").to_owned();
        (code, json["field"].as_str().map(str::to_owned))
    }

    /// The frames of a stream that has ended.
    pub fn frames(&self) -> Vec<Value> {
        let data = self.text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.map(|data| serde_json::from_str(data).expect("a frame is JSON")).collect()
    }
}
