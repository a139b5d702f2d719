//! Notes in a DynamoDB table, whose key is the text `name`: `PUT /notes/NAME` stores the body, `GET /notes/NAME` answers
//! with it. The table's name is in `TABLE`.
//!
//! It is the AWS SDK as it is, and there are no credentials here: what the SDK finds in the environment are placeholders,
//! and the host signs each request that the policy allows.

use std::error::Error;

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::DisplayErrorContext;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_wasm::wasi::{WasiHttpClientBuilder, WasiSleep};
use wstd::http::{Body, Method, Request, Response, StatusCode};

type Answer = (StatusCode, String);

#[wstd::http_server]
async fn main(request: Request<Body>) -> Result<Response<Body>, wstd::http::Error> {
    let (status, text) = answer(request).await.unwrap_or_else(|error| {
        eprintln!("{}", DisplayErrorContext(&*error));
        (
            StatusCode::BAD_GATEWAY,
            "the table cannot be reached\n".to_owned(),
        )
    });
    let response = Response::builder().status(status);
    Ok(response
        .header("content-type", "text/plain")
        .body(text.into())?)
}

async fn answer(request: Request<Body>) -> Result<Answer, Box<dyn Error>> {
    let (head, mut body) = request.into_parts();
    let Some(name) = head.uri.path().strip_prefix("/notes/") else {
        return Ok((StatusCode::NOT_FOUND, "there is no such path\n".to_owned()));
    };
    let name = AttributeValue::S(name.to_owned());
    let table = std::env::var("TABLE")?;
    let dynamodb = dynamodb().await;
    match head.method {
        Method::PUT => {
            let text = body.str_contents().await?.to_owned();
            let put = dynamodb.put_item().table_name(table);
            let put = put.item("name", name).item("text", AttributeValue::S(text));
            put.send().await?;
            Ok((StatusCode::NO_CONTENT, String::new()))
        }
        Method::GET => {
            let get = dynamodb.get_item().table_name(table).key("name", name);
            let item = get.send().await?.item.unwrap_or_default();
            match item.get("text") {
                Some(AttributeValue::S(text)) => Ok((StatusCode::OK, text.clone())),
                _ => Ok((StatusCode::NOT_FOUND, "there is no such note\n".to_owned())),
            }
        }
        _ => Ok((StatusCode::METHOD_NOT_ALLOWED, "GET or PUT\n".to_owned())),
    }
}

/// The client, which sends and sleeps as components do. All else is as the SDK has it by default.
async fn dynamodb() -> Client {
    let config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(WasiHttpClientBuilder::new().build())
        .sleep_impl(WasiSleep);
    Client::new(&config.load().await)
}
