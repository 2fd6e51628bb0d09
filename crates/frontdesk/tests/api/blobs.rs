//! Files of contacts in what speaks S3.

use http::Method;
use platform::Config;
use serde_json::json;
use testkit::{Database, S3, Server, s3};

use super::{PROGRAM, contacts::World};

/// More than the file store sends in one call.
const LARGE: usize = 23 * 1024 * 1024;

async fn world(s3: &S3, change: impl FnOnce(&mut Config)) -> World {
    let server = Server::start_with(Database::Sqlite, PROGRAM, |config| {
        config.blobs_url = Some(format!("s3://{}/customers/a b", s3::BUCKET));
        config.blobs_env = s3.variables();
        config.max_upload_bytes = 32 * 1024 * 1024;
        change(config);
    })
    .await;
    World::on(server).await
}

async fn contact(world: &World) -> String {
    let made = world.post("/contacts/{bot}", json!({ "primaryEmail": "ada@example.com" })).await.expect(201);
    format!("/contacts/mantisid/{}/{{bot}}/files", made["data"]["contactId"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_put_read_and_deleted_in_s3() {
    let s3 = S3::start().await;
    let world = world(&s3, |_| {}).await;
    let files = contact(&world).await;
    let mut ids = Vec::new();
    for name in ["a.txt", "b.txt"] {
        let made = world.open(Method::POST, &files).file(name, "hello file", &[]).send().await.expect(201);
        ids.push(made["data"]["fileId"].as_str().unwrap().to_owned());
    }
    let keys = s3.keys();
    assert_eq!(keys.len(), 1, "one content lies there once, and nothing temporary: {keys:?}");
    assert!(keys[0].starts_with(&format!("customers/a b/{}/", world.owner.workspace)), "{keys:?}");
    let read = world.open(Method::GET, &format!("{files}/{}", ids[0])).send().await;
    assert_eq!((read.status.as_u16(), &*read.text), (200, "hello file"));

    // A large file goes in parts and comes back as it was.
    let large: Vec<u8> = (0..LARGE).map(|at| b"0123456789abcdef\n"[at % 17]).collect();
    let made =
        world.open(Method::POST, &files).file("large.txt", large.clone(), &[]).send().await.expect(201);
    assert_eq!(made["data"]["fileSize"], LARGE);
    let calls = s3.calls();
    let parts = calls.iter().filter(|call| call.contains("partNumber") && call.ends_with(" 200")).count();
    assert!(parts >= 3, "{calls:?}");
    let id = made["data"]["fileId"].as_str().unwrap();
    let read = world.open(Method::GET, &format!("{files}/{id}")).send().await;
    assert!(read.text.as_bytes() == large, "the bytes are the same");

    // What is too large is given up, and leaves nothing behind.
    let refused =
        world.open(Method::POST, &files).file("huge", vec![b'x'; 33 * 1024 * 1024], &[]).send().await;
    refused.expect(413);
    assert_eq!((s3.keys().len(), s3.unfinished()), (2, 0), "{:?}", s3.keys());

    for id in ids.iter().map(String::as_str).chain([id]) {
        world.open(Method::DELETE, &format!("{files}/{id}")).send().await.expect(200);
    }
    assert_eq!(s3.keys(), [""; 0]);
    // A workspace goes with all that it has, page by page of the list.
    for n in 0..5 {
        world.open(Method::POST, &files).file("c", format!("content {n}"), &[]).send().await.expect(201);
    }
    assert_eq!(s3.keys().len(), 5);
    world.server.app.objects.delete_tenant(&world.owner.workspace).await.unwrap();
    assert_eq!(s3.keys(), [""; 0]);
    let calls = s3.calls();
    // A part may still have been on its way when its upload was given up: cut off in the middle, or whole and too late.
    let given_up = calls.iter().position(|call| call.starts_with("DELETE") && call.contains("uploadId"));
    let is_late = |n: usize, call: &str| {
        call.contains("partNumber") && (call.ends_with(" cut off") || given_up.is_some_and(|at| n > at))
    };
    let fine = |n: usize, call: &str| call.ends_with(" 200") || call.ends_with(" 204") || is_late(n, call);
    assert!(calls.iter().enumerate().all(|(n, call)| fine(n, call)), "{calls:?}");
    world.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_with_s3_is_tried_again_and_then_told_without_its_secrets() {
    let s3 = S3::start().await;
    let world = world(&s3, |_| {}).await;
    let files = contact(&world).await;
    s3.trouble(2, 503, "SlowDown");
    let made = world.open(Method::POST, &files).file("a.txt", "hello", &[]).send().await.expect(201);
    let id = made["data"]["fileId"].as_str().unwrap();

    s3.trouble(1, 403, "AccessDenied");
    let refused = world.open(Method::POST, &files).file("b.txt", "other", &[]).send().await;
    assert_eq!((refused.status.as_u16(), &refused.json["code"]), (500, &json!("INTERNAL")));
    assert!(!refused.text.contains("AKID") && !refused.text.contains("Denied"), "{}", refused.text);
    s3.trouble(1, 404, "NoSuchKey");
    let read = world.open(Method::GET, &format!("{files}/{id}")).send().await;
    assert_eq!((read.status.as_u16(), &read.json["code"]), (500, &json!("INTERNAL")));
    let list = world.open(Method::GET, &files).send().await.expect(200);
    assert_eq!(list["pagination"]["totalItems"], 1, "what was not stored is not listed");
    world.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_stores_nothing() {
    let s3 = S3::start().await;
    for (name, value) in
        [("AWS_SECRET_ACCESS_KEY", "wrong"), ("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "AKIDOTHER")]
    {
        let world = world(&s3, |config| config.blobs_env.push((name.to_owned(), value.to_owned()))).await;
        let files = contact(&world).await;
        let refused = world.open(Method::POST, &files).file("a.txt", "hello", &[]).send().await;
        assert_eq!(refused.status.as_u16(), 500, "{name}");
        assert_eq!(s3.keys(), [""; 0], "{name}");
        world.server.stop().await;
    }
    let calls = s3.calls();
    assert!(calls.iter().all(|call| call.ends_with(" 403") || call.ends_with(" 400")), "{calls:?}");
}
