//! `GET /hello/{name}` on `lambda_runtime`, in the shape of its README: a typed event that holds only what is read.

use std::collections::HashMap;

use lambda_runtime::{Error, LambdaEvent};
use serde::{Deserialize, Serialize};

/// The part of a REST API's event that is read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    path_parameters: Option<HashMap<String, String>>,
}

/// The response to a REST API.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    status_code: u16,
    headers: HashMap<&'static str, &'static str>,
    body: String,
}

/// Greets the path's `name`.
pub async fn hello(event: LambdaEvent<Request>) -> Result<Response, Error> {
    let parameters = event.payload.path_parameters.unwrap_or_default();
    let (status_code, body) = match parameters.get("name") {
        Some(name) => (200, format!("Hello, {name}!\n")),
        None => (400, "'name' param not found\n".to_owned()),
    };
    Ok(Response {
        status_code,
        headers: HashMap::from([("Content-Type", "text/plain")]),
        body,
    })
}
