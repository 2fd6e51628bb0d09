//! A stand-in for S3: the calls that the file store makes, held to what Amazon's documents ask of a request. It answers
//! errors as S3 does: XML with a code, and the status that belongs to it.
//!
//! - Signatures: <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
//! - Calls: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html>

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{NaiveDateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, Method, StatusCode, request::Parts};
use md5::Md5;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

/// The bucket that there is.
pub const BUCKET: &str = "files";
const REGION: &str = "eu-north-1";
const KEY: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// How far a request's time may be from this one's.
const SKEW: TimeDelta = TimeDelta::minutes(15);
/// Least bytes of a part that is not the last.
const LEAST_PART: usize = 5 * 1024 * 1024;
/// Largest body that is taken.
const MOST: usize = 256 * 1024 * 1024;
/// What stays as it is in an encoded path or query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

#[derive(Default)]
struct Kept {
    objects: BTreeMap<String, Bytes>,
    uploads: BTreeMap<String, (String, BTreeMap<u32, Bytes>)>,
    calls: Vec<String>,
    started: u32,
    /// Answers the next so many calls with this.
    trouble: (u32, Option<Refusal>),
}

/// An error: its status and code.
type Refusal = (u16, &'static str);

/// A store of objects that speaks S3.
#[derive(Clone)]
pub struct S3 {
    /// Where it is.
    pub url: String,
    kept: Arc<Mutex<Kept>>,
}

impl S3 {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start() -> Self {
        let kept = Arc::<Mutex<Kept>>::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound address"));
        let router = Router::new().fallback(answer).with_state(kept.clone());
        #[expect(clippy::disallowed_methods, reason = "a test's server ends with the test")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, kept }
    }

    /// The variables by which a client finds it.
    pub fn variables(&self) -> Vec<(String, String)> {
        let all = [
            ("AWS_ENDPOINT", self.url.as_str()),
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
        ];
        all.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    /// The keys of what lies in it.
    pub fn keys(&self) -> Vec<String> {
        held(&self.kept).objects.keys().cloned().collect()
    }

    /// Uploads in parts that were begun and neither completed nor given up.
    pub fn unfinished(&self) -> usize {
        held(&self.kept).uploads.len()
    }

    /// What was called since the last look, and how it ended: `PUT /files/a?partNumber 200`, or `… cut off` when the
    /// client went away in the middle of the body.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut held(&self.kept).calls)
    }

    /// Answers the next calls with an error of S3's, such as `503 SlowDown`.
    pub fn trouble(&self, calls: u32, status: u16, code: &'static str) {
        held(&self.kept).trouble = (calls, Some((status, code)));
    }
}

fn held(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(State(kept): State<Arc<Mutex<Kept>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let names: Vec<String> = query(&parts).into_iter().map(|(name, _)| name).collect();
    let mut call = format!("{} {}", parts.method, parts.uri.path());
    if !names.is_empty() {
        call += &format!("?{}", names.join("&"));
    }
    let Ok(body) = to_bytes(body, MOST).await else {
        held(&kept).calls.push(call + " cut off");
        return refused((400, "IncompleteBody"));
    };
    let outcome = serve(&mut held(&kept), &parts, body);
    let response = outcome.unwrap_or_else(refused);
    held(&kept).calls.push(format!("{call} {}", response.status().as_u16()));
    response
}

fn refused((status, code): Refusal) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    xml(
        status,
        format!("<Error><Code>{code}</Code><Message>{code}</Message><RequestId>1</RequestId></Error>"),
    )
}

fn xml(status: StatusCode, body: String) -> Response {
    let text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}");
    (status, [("content-type", "application/xml")], text).into_response()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The query's parameters, decoded.
fn query(parts: &Parts) -> Vec<(String, String)> {
    // In a query a plus is a space, as forms have it; it is signed as one.
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = parts.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What S3 holds every request to, before it looks at what is wanted.
fn check(parts: &Parts, body: &Bytes) -> Result<(), Refusal> {
    let headers = &parts.headers;
    // A copy has no body, and none of its length.
    let sends = parts.method == Method::PUT && !headers.contains_key("x-amz-copy-source");
    if sends && !headers.contains_key("content-length") {
        return Err((411, "MissingContentLength"));
    }
    let date = header(headers, "x-amz-date").ok_or((403, "AccessDenied"))?;
    let moment = NaiveDateTime::parse_from_str(date, "%Y%m%dT%H%M%SZ").map_err(|_| (403, "AccessDenied"))?;
    #[expect(
        clippy::disallowed_methods,
        reason = "a stand-in has the time of its clients, not of the server's tests"
    )]
    let now = Utc::now();
    if (now.naive_utc() - moment).abs() > SKEW {
        return Err((403, "RequestTimeTooSkewed"));
    }
    let told = header(headers, "x-amz-content-sha256").ok_or((400, "MissingSecurityHeader"))?;
    if told != hex(&Sha256::digest(body)) {
        return Err((400, "XAmzContentSHA256Mismatch"));
    }
    if let Some(md5) = header(headers, "content-md5")
        && md5 != BASE64_STANDARD.encode(Md5::digest(body))
    {
        return Err((400, "BadDigest"));
    }
    signature(parts, date, told)
}

/// Signature version 4, of a request whose signature stands in its header.
fn signature(parts: &Parts, date: &str, payload: &str) -> Result<(), Refusal> {
    let denied = (403, "AccessDenied");
    let authorization = header(&parts.headers, "authorization").ok_or(denied)?;
    let fields = authorization.strip_prefix("AWS4-HMAC-SHA256 ").ok_or((400, "InvalidRequest"))?;
    let fields: BTreeMap<&str, &str> =
        fields.split(',').filter_map(|field| field.trim().split_once('=')).collect();
    let get = |name| fields.get(name).copied().ok_or((400, "AuthorizationHeaderMalformed"));
    let (credential, signed, given) = (get("Credential")?, get("SignedHeaders")?, get("Signature")?);
    let day = date.get(..8).ok_or(denied)?;
    let (key, scope) = credential.split_once('/').ok_or((400, "AuthorizationHeaderMalformed"))?;
    if key != KEY {
        return Err((403, "InvalidAccessKeyId"));
    }
    if scope != format!("{day}/{REGION}/s3/aws4_request") {
        return Err((400, "AuthorizationHeaderMalformed"));
    }
    let names: Vec<&str> = signed.split(';').collect();
    let must = |name: &str| name == "host" || name == "content-md5" || name.starts_with("x-amz-");
    let unsigned = parts.headers.keys().any(|name| must(name.as_str()) && !names.contains(&name.as_str()));
    if unsigned || !names.is_sorted() {
        return Err(denied);
    }
    let mut canonical = format!("{}\n{}\n{}\n", parts.method, canonical_path(parts), canonical_query(parts));
    for name in &names {
        let values =
            parts.headers.get_all(*name).iter().map(|value| value.to_str().unwrap_or_default().trim());
        canonical += &format!("{name}:{}\n", values.collect::<Vec<_>>().join(","));
    }
    canonical += &format!("\n{signed}\n{payload}");
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
    let mut secret = format!("AWS4{SECRET}").into_bytes();
    for part in [day, REGION, "s3", "aws4_request"] {
        secret = sign(&secret, part);
    }
    if hex(&sign(&secret, &text)) == given { Ok(()) } else { Err((403, "SignatureDoesNotMatch")) }
}

fn sign(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// Each part of the path, decoded and encoded once.
fn canonical_path(parts: &Parts) -> String {
    let part = |part: &str| encoded(&percent_decode_str(part).decode_utf8_lossy());
    parts.uri.path().split('/').map(part).collect::<Vec<_>>().join("/")
}

fn canonical_query(parts: &Parts) -> String {
    let mut pairs: Vec<String> =
        query(parts).iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    pairs.sort();
    pairs.join("&")
}

fn serve(kept: &mut Kept, parts: &Parts, body: Bytes) -> Result<Response, Refusal> {
    if let (calls @ 1.., Some(refusal)) = kept.trouble {
        kept.trouble.0 = calls - 1;
        return Err(refusal);
    }
    check(parts, &body)?;
    let path = percent_decode_str(parts.uri.path()).decode_utf8_lossy().into_owned();
    let rest = path.strip_prefix('/').unwrap_or_default();
    let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket != BUCKET {
        return Err((404, "NoSuchBucket"));
    }
    let query: BTreeMap<String, String> = query(parts).into_iter().collect();
    let has = |name: &str| query.contains_key(name);
    match (&parts.method, key) {
        (&Method::GET, "") if query.get("list-type").is_some_and(|kind| kind == "2") => {
            Ok(list(kept, &query))
        }
        (&Method::POST, "") if has("delete") => delete_many(kept, &parts.headers, &body),
        (_, "") => Err((405, "MethodNotAllowed")),
        (&Method::POST, key) if has("uploads") => Ok(begin(kept, key)),
        (&Method::PUT, key) if has("uploadId") => part(kept, key, &query, body),
        (&Method::POST, key) if has("uploadId") => complete(kept, key, &query, &body),
        (&Method::DELETE, _) if has("uploadId") => {
            kept.uploads.remove(&query["uploadId"]).ok_or((404, "NoSuchUpload"))?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        (&Method::PUT, key) => put(kept, &parts.headers, key, body),
        (&Method::GET | &Method::HEAD, key) => get(kept, key),
        (&Method::DELETE, key) => {
            kept.objects.remove(key);
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        _ => Err((405, "MethodNotAllowed")),
    }
}

fn etag(body: &[u8]) -> String {
    format!("\"{}\"", hex(&Md5::digest(body)))
}

fn put(kept: &mut Kept, headers: &HeaderMap, key: &str, body: Bytes) -> Result<Response, Refusal> {
    let Some(source) = header(headers, "x-amz-copy-source") else {
        let tag = etag(&body);
        kept.objects.insert(key.to_owned(), body);
        return Ok((StatusCode::OK, [("etag", tag)]).into_response());
    };
    let source = percent_decode_str(source).decode_utf8_lossy();
    let source = source.trim_start_matches('/').strip_prefix(BUCKET).and_then(|rest| rest.strip_prefix('/'));
    let body = kept.objects.get(source.ok_or((404, "NoSuchBucket"))?).cloned().ok_or((404, "NoSuchKey"))?;
    let answer = format!("<CopyObjectResult><ETag>{}</ETag></CopyObjectResult>", etag(&body));
    kept.objects.insert(key.to_owned(), body);
    Ok(xml(StatusCode::OK, answer))
}

fn get(kept: &Kept, key: &str) -> Result<Response, Refusal> {
    let body = kept.objects.get(key).cloned().ok_or((404, "NoSuchKey"))?;
    let headers = [("etag", etag(&body)), ("last-modified", "Wed, 21 Oct 2026 07:28:00 GMT".to_owned())];
    Ok((StatusCode::OK, headers, body).into_response())
}

fn begin(kept: &mut Kept, key: &str) -> Response {
    kept.started += 1;
    let id = format!("upload-{}", kept.started);
    kept.uploads.insert(id.clone(), (key.to_owned(), BTreeMap::new()));
    let result = "InitiateMultipartUploadResult";
    xml(
        StatusCode::OK,
        format!("<{result}><Bucket>{BUCKET}</Bucket><Key>{key}</Key><UploadId>{id}</UploadId></{result}>"),
    )
}

type Query = BTreeMap<String, String>;

fn part(kept: &mut Kept, key: &str, query: &Query, body: Bytes) -> Result<Response, Refusal> {
    let number: u32 = query.get("partNumber").and_then(|n| n.parse().ok()).ok_or((400, "InvalidArgument"))?;
    if !(1..=10_000).contains(&number) {
        return Err((400, "InvalidArgument"));
    }
    let (of, parts) = kept.uploads.get_mut(&query["uploadId"]).ok_or((404, "NoSuchUpload"))?;
    if of != key {
        return Err((404, "NoSuchUpload"));
    }
    let tag = etag(&body);
    parts.insert(number, body);
    Ok((StatusCode::OK, [("etag", tag)]).into_response())
}

fn complete(kept: &mut Kept, key: &str, query: &Query, body: &[u8]) -> Result<Response, Refusal> {
    let text = std::str::from_utf8(body).map_err(|_| (400, "MalformedXML"))?;
    let (of, parts) = kept.uploads.get(&query["uploadId"]).ok_or((404, "NoSuchUpload"))?;
    if of != key {
        return Err((404, "NoSuchUpload"));
    }
    let named: Vec<(u32, String)> = between(text, "<Part>", "</Part>")
        .map(|part| {
            let number =
                between(part, "<PartNumber>", "</PartNumber>").next().and_then(|n| n.parse().ok())?;
            let tag = between(part, "<ETag>", "</ETag>").next()?.replace("&quot;", "\"");
            Some((number, tag))
        })
        .collect::<Option<_>>()
        .ok_or((400, "MalformedXML"))?;
    if named.is_empty() {
        return Err((400, "MalformedXML"));
    }
    if !named.is_sorted_by(|(one, _), (next, _)| one < next) {
        return Err((400, "InvalidPartOrder"));
    }
    let mut whole = Vec::new();
    for (at, (number, tag)) in named.iter().enumerate() {
        let part = parts.get(number).filter(|part| etag(part).trim_matches('"') == tag.trim_matches('"'));
        let part = part.ok_or((400, "InvalidPart"))?;
        if at + 1 < named.len() && part.len() < LEAST_PART {
            return Err((400, "EntityTooSmall"));
        }
        whole.extend_from_slice(part);
    }
    kept.uploads.remove(&query["uploadId"]);
    let tag = etag(&whole);
    kept.objects.insert(key.to_owned(), whole.into());
    let result = "CompleteMultipartUploadResult";
    let answer = format!("<{result}><Bucket>{BUCKET}</Bucket><Key>{key}</Key><ETag>{tag}</ETag></{result}>");
    Ok(xml(StatusCode::OK, answer))
}

fn between<'a>(text: &'a str, start: &'a str, end: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(start).skip(1).filter_map(move |rest| Some(rest.split_once(end)?.0))
}

/// Pages of two, so that clients must come back for more.
fn list(kept: &Kept, query: &Query) -> Response {
    const PAGE: usize = 2;
    let get = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    let after = get("continuation-token").max(get("start-after"));
    let all = kept.objects.iter().filter(|(key, _)| key.starts_with(get("prefix")) && key.as_str() > after);
    let some: Vec<_> = all.take(PAGE + 1).collect();
    let (page, more) = some.split_at(some.len().min(PAGE));
    let mut body =
        format!("<ListBucketResult><Name>{BUCKET}</Name><IsTruncated>{}</IsTruncated>", !more.is_empty());
    for (key, object) in page {
        let time = "2026-10-21T07:28:00.000Z";
        body += &format!(
            "<Contents><Key>{key}</Key><LastModified>{time}</LastModified><ETag>{}</ETag><Size>{}</Size></Contents>",
            etag(object),
            object.len()
        );
    }
    if let (false, Some((last, _))) = (more.is_empty(), page.last()) {
        body += &format!("<NextContinuationToken>{last}</NextContinuationToken>");
    }
    xml(StatusCode::OK, body + "</ListBucketResult>")
}

fn delete_many(kept: &mut Kept, headers: &HeaderMap, body: &[u8]) -> Result<Response, Refusal> {
    // The one call whose body S3 wants a checksum of.
    let sums = ["content-md5", "x-amz-checksum-sha256", "x-amz-checksum-crc64nvme"];
    if !sums.iter().any(|name| headers.contains_key(*name)) {
        return Err((400, "InvalidRequest"));
    }
    let text = std::str::from_utf8(body).map_err(|_| (400, "MalformedXML"))?;
    let mut answer = "<DeleteResult>".to_owned();
    for key in between(text, "<Key>", "</Key>") {
        kept.objects.remove(key);
        answer += &format!("<Deleted><Key>{key}</Key></Deleted>");
    }
    Ok(xml(StatusCode::OK, answer + "</DeleteResult>"))
}
