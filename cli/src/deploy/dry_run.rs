//! `deploy --dry-run`: prints the requests of a deployment, and sends none.
//!
//! The deployment runs twice against answers that are made up here: once as if there was no such function, and once as
//! if there was one.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use aws_sdk_lambda::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_lambda::config::{
    BehaviorVersion, Builder, ConfigBag, Credentials, Intercept, Region, RuntimeComponents,
};
use aws_sdk_lambda::error::BoxError;
use aws_sdk_lambda::primitives::SdkBody;
use aws_sdk_lambda::{Client, Config};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, Metadata};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::function::{self, Wanted};
use super::url::{self, WantedUrl};

/// Prints the requests, one in each line.
///
/// # Errors
///
/// Returns an error if a new function could not be created without more options.
pub(super) async fn print(wanted: &Wanted, url: Option<&WantedUrl>, is_json: bool) -> Result<()> {
    for exists in [false, true] {
        if !exists && wanted.role.is_none() {
            // Only an update needs no role.
            continue;
        }
        let client = Client::from_conf(config(Printer { exists, is_json }));
        if !is_json {
            let state = if exists {
                "exists"
            } else {
                "does not exist yet"
            };
            println!("if {} {state}:", wanted.name);
        }
        function::put(&client, wanted).await?;
        if let Some(url) = url {
            url::put(&client, &wanted.name, url).await?;
        }
    }
    Ok(())
}

fn config(printer: Printer) -> Config {
    let answers = SharedHttpConnector::new(Answers {
        exists: AtomicBool::new(printer.exists),
    });
    Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("dry", "run", None, None, "dry run"))
        .http_client(http_client_fn(move |_, _| answers.clone()))
        .interceptor(printer)
        .build()
}

/// Prints each request.
#[derive(Debug)]
struct Printer {
    exists: bool,
    is_json: bool,
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Printer {
    fn name(&self) -> &'static str {
        "Printer"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        let operation = config.load::<Metadata>().map_or("", Metadata::name);
        let path = path(request.uri());
        let body = request.body().bytes().unwrap_or_default();
        let mut body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        shorten(&mut body);
        let method = request.method();
        if self.is_json {
            let when = if self.exists { "exists" } else { "new" };
            println!(
                "{}",
                json!({ "when": when, "operation": operation, "method": method, "path": path, "body": body })
            );
        } else if body.is_null() {
            println!("  {operation}: {method} {path}");
        } else {
            println!("  {operation}: {method} {path} {body}");
        }
        Ok(())
    }
}

/// Replaces the zip in a request by its size and its hash.
fn shorten(body: &mut Value) {
    let zip = match body.get("Code") {
        Some(_) => body.pointer_mut("/Code/ZipFile"),
        None => body.get_mut("ZipFile"),
    };
    if let Some(zip) = zip {
        let bytes = STANDARD.decode(zip.as_str().unwrap_or_default());
        let bytes = bytes.unwrap_or_default();
        *zip =
            json!({ "bytes": bytes.len(), "codeSha256": STANDARD.encode(Sha256::digest(&bytes)) });
    }
}

/// The path of a URL.
fn path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or("/", |at| &rest[at..])
}

/// The answers that AWS might send.
#[derive(Debug)]
struct Answers {
    /// Whether there is the function.
    exists: AtomicBool,
}

impl HttpConnector for Answers {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let path = path(request.uri());
        let is_known = match (
            request.method(),
            path.rsplit('/').next().unwrap_or_default(),
        ) {
            ("POST", "functions") => {
                self.exists.store(true, Ordering::Relaxed);
                true
            }
            ("GET", "policy" | "url") => false,
            _ => self.exists.load(Ordering::Relaxed),
        };
        let answer = json!({
            "FunctionArn": "", "CodeSha256": "", "Runtime": "provided.al2023", "State": "Active",
            "FunctionUrl": "", "__type": "ResourceNotFoundException",
        });
        let status = if is_known { 200 } else { 404 };
        let response = HttpResponse::new(
            status.try_into().expect("a status"),
            SdkBody::from(answer.to_string()),
        );
        HttpConnectorFuture::ready(Ok(response))
    }
}
