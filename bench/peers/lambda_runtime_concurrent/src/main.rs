//! Greets the path's name, or asks an upstream, for as many invocations at once as Lambda says.

use std::{collections::HashMap, env, sync::LazyLock};

use lambda_runtime::{Error, LambdaEvent, run_concurrent, service_fn};
use serde::{Deserialize, Serialize};

/// The part of an HTTP API's event that is read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    raw_path: String,
}

/// The response to an HTTP API.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    status_code: u16,
    headers: HashMap<&'static str, &'static str>,
    body: String,
}

static CLIENT: LazyLock<reqwest::Client> = LazyLock::new(reqwest::Client::new);

async fn answer(event: LambdaEvent<Request>) -> Result<Response, Error> {
    let path = event.payload.raw_path;
    let body = match path.strip_prefix("/hello/") {
        Some(name) => format!("Hello, {name}!\n"),
        None => CLIENT.get(env::var("URL")?).send().await?.text().await?,
    };
    Ok(Response {
        status_code: 200,
        headers: HashMap::from([("Content-Type", "text/plain")]),
        body,
    })
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    run_concurrent(service_fn(answer)).await
}
