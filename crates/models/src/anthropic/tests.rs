//! Against a provider that holds requests to Anthropic's documentation.

use axum::{
    Json, Router,
    http::HeaderMap,
    response::{IntoResponse, Response},
    routing::post,
};
use futures_util::StreamExt;

use super::*;
use crate::testing::{connections, endpoint, long_request, serve, stream_of};

fn event(data: Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap())
}

/// What the documentation demands of a request.
fn check(headers: &HeaderMap, body: &Value) {
    assert_eq!(headers["x-api-key"], "sk-test");
    assert_eq!(headers["anthropic-version"], "2023-06-01");
    assert!(body["max_tokens"].as_u64().unwrap() >= 1);
    assert!((0.0..=1.0).contains(&body["temperature"].as_f64().unwrap()));
    assert!(body["system"].as_str().unwrap().contains("[1] Hours"));
    assert!(body["tools"][0]["input_schema"]["type"] == "object");
    let messages = body["messages"].as_array().unwrap();
    assert_eq!(messages[0]["role"], "user");
    for pair in messages.windows(2) {
        assert_ne!(pair[0]["role"], pair[1]["role"], "roles alternate");
    }
    assert!(messages.iter().all(|message| message["role"] == "user" || message["role"] == "assistant"));
}

#[tokio::test]
async fn words_calls_and_counts_come_in_order() {
    async fn messages(headers: HeaderMap, Json(body): Json<Value>) -> Response {
        check(&headers, &body);
        assert_eq!(body["messages"][3]["content"][1]["type"], "tool_use");
        assert_eq!(
            body["messages"][4]["content"][0],
            json!({ "type": "tool_result", "tool_use_id": "call_1", "content": "12:00" })
        );
        stream_of(
            vec![
                event(
                    json!({ "type": "message_start", "message": { "usage": { "input_tokens": 25, "output_tokens": 1 } } }),
                ),
                event(
                    json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
                ),
                event(json!({ "type": "ping" })),
                event(
                    json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": "One moment." } }),
                ),
                event(json!({ "type": "content_block_stop", "index": 0 })),
                event(
                    json!({ "type": "content_block_start", "index": 1, "content_block": { "type": "tool_use", "id": "toolu_1", "name": "now", "input": {} } }),
                ),
                event(
                    json!({ "type": "content_block_delta", "index": 1, "delta": { "type": "input_json_delta", "partial_json": "{\"zone\":" } }),
                ),
                event(
                    json!({ "type": "content_block_delta", "index": 1, "delta": { "type": "input_json_delta", "partial_json": " \"CET\"}" } }),
                ),
                event(json!({ "type": "content_block_stop", "index": 1 })),
                event(
                    json!({ "type": "message_delta", "delta": { "stop_reason": "tool_use" }, "usage": { "output_tokens": 15 } }),
                ),
                event(json!({ "type": "message_stop" })),
            ],
            true,
        )
    }
    let url = serve(Router::new().route("/v1/messages", post(messages))).await;
    let answer = Anthropic::new(endpoint(url), connections()).answer(&long_request()).await.unwrap();
    let pieces: Vec<Piece> = answer.map(Result::unwrap).collect().await;
    let call = Call { id: "toolu_1".into(), name: "now".into(), arguments: json!({ "zone": "CET" }) };
    let usage = Usage { input: 25, output: 15 };
    assert_eq!(pieces, [Piece::Text("One moment.".into()), Piece::Call(call), Piece::Usage(usage)]);
}

#[tokio::test]
async fn errors_are_errors_wherever_they_stand() {
    let overloaded = || async {
        let error =
            json!({ "type": "error", "error": { "type": "overloaded_error", "message": "Overloaded" } });
        (http::StatusCode::from_u16(529).unwrap(), Json(error)).into_response()
    };
    let url = serve(Router::new().route("/v1/messages", post(overloaded))).await;
    let model = |url| Anthropic::new(endpoint(url), connections());
    let error = model(url).answer(&long_request()).await.err().unwrap();
    assert!(error.is_temporary(), "{error}");

    let within = || async {
        let start = event(
            json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": "Ni" } }),
        );
        let error = event(
            json!({ "type": "error", "error": { "type": "overloaded_error", "message": "Overloaded" } }),
        );
        stream_of(vec![start, error], false)
    };
    let url = serve(Router::new().route("/v1/messages", post(within))).await;
    let error = crate::complete(&model(url), &long_request()).await.unwrap_err();
    assert!(matches!(error, ModelError::Protocol(_)), "{error}");

    let cut = || async {
        stream_of(
            vec![event(
                json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": "Ni" } }),
            )],
            false,
        )
    };
    let url = serve(Router::new().route("/v1/messages", post(cut))).await;
    let error = crate::complete(&model(url), &long_request()).await.unwrap_err();
    assert!(matches!(error, ModelError::Connection(_)), "{error}");
}
