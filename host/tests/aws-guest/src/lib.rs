//! A component that calls AWS with the stock SDK, as a function would: the region, the endpoints and the credentials are
//! those of its environment. What it does is its request's path, to what is in the query.

mod dynamodb;
mod plain_http;
mod s3;
mod sqs;

use std::collections::BTreeMap;
use std::error::Error;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_wasm::wasi::{WasiHttpClientBuilder, WasiSleep};
use wstd::http::{Body, Request, Response};

type Outcome = Result<Vec<u8>, Box<dyn Error + Send + Sync>>;

/// The values of a request's query, by name.
struct Query(BTreeMap<String, String>);

impl Query {
    fn get(&self, name: &str) -> &str {
        let value = self.0.get(name);
        value.unwrap_or_else(|| panic!("the query has no {name}"))
    }
}

#[wstd::http_server]
async fn main(request: Request<Body>) -> Result<Response<Body>, wstd::http::Error> {
    let (head, mut body) = request.into_parts();
    let query = head.uri.query().unwrap_or_default().as_bytes();
    let query = Query(form_urlencoded::parse(query).into_owned().collect());
    let body = body.contents().await?.to_vec();
    let (status, answer) = match answer(head.uri.path(), &query, body).await {
        Ok(answer) => (200, answer),
        Err(error) => (
            502,
            format!("{}", DisplayErrorContext(&*error)).into_bytes(),
        ),
    };
    Ok(Response::builder().status(status).body(answer.into())?)
}

async fn answer(path: &str, query: &Query, body: Vec<u8>) -> Outcome {
    let config = config().await;
    match path {
        "/env" => Ok(serde_json::to_vec(
            &std::env::vars().collect::<BTreeMap<_, _>>(),
        )?),
        "/s3/create" => s3::create(&config, query).await,
        "/s3/put" => s3::put(&config, query, body).await,
        "/s3/get" => s3::get(&config, query).await,
        "/s3/presigned" => s3::presigned(&config, query).await,
        "/dynamodb/create" => dynamodb::create(&config, query).await,
        "/dynamodb/put" => dynamodb::put(&config, query, body).await,
        "/dynamodb/get" => dynamodb::get(&config, query).await,
        "/dynamodb/query" => dynamodb::query(&config, query).await,
        "/sqs/create" => sqs::create(&config, query).await,
        "/sqs/send" => sqs::send(&config, query, body).await,
        "/sqs/receive" => sqs::receive(&config, query).await,
        _ => Err(format!("there is no {path}").into()),
    }
}

/// The SDK's defaults, with the two things that it cannot have by itself in a component.
async fn config() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(WasiHttpClientBuilder::new().build())
        .sleep_impl(WasiSleep)
        .load()
        .await
}
