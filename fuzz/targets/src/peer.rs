//! `lambda_http`, AWS's own runtime for Rust, as a second reader of events.

use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use http::HeaderMap;
use lambda_http::request::LambdaRequest;
use lambda_http::{Body, RequestExt};
use serde_json::Value;

/// A request as `lambda_http` makes it.
pub struct Peer {
    /// The method.
    pub method: String,
    /// The path, as the event has it.
    pub path: String,
    /// The parameters of the query, decoded, in any order of the names.
    pub query: Vec<(String, String)>,
    /// The headers.
    pub headers: HeaderMap,
    /// The event's `multiValueHeaders`.
    pub multi_value_headers: HeaderMap,
    /// The body, decoded.
    pub body: Vec<u8>,
}

thread_local! {
    static MAY_PANIC: Cell<bool> = const { Cell::new(false) };
}

/// Returns the request, or `None` if `lambda_http` does not make one, for an event of this source.
///
/// `lambda_http` takes the first of its types that fits. Here it is told the event source. It panics for some URLs and bodies.
pub fn read(source: &str, event: &[u8]) -> Option<Peer> {
    let (request, multi_value_headers) = match source {
        "RestApi" | "HttpApiPayload1" => {
            let mut event: aws_lambda_events::apigw::ApiGatewayProxyRequest =
                serde_json::from_slice(event).ok()?;
            let multiple = event.multi_value_headers.clone();
            // `lambda_http` keeps only `headers` of a name that is in both.
            if !multiple.is_empty() {
                event.headers.clear();
            }
            (LambdaRequest::ApiGatewayV1(event), multiple)
        }
        "HttpApi" | "FunctionUrl" => {
            let event = serde_json::from_slice(event).ok()?;
            (LambdaRequest::ApiGatewayV2(event), HeaderMap::new())
        }
        "Alb" | "AlbMultiValue" => {
            let mut event: aws_lambda_events::alb::AlbTargetGroupRequest =
                serde_json::from_slice(event).ok()?;
            let multiple = event.multi_value_headers.clone();
            if !multiple.is_empty() {
                event.headers.clear();
            }
            (LambdaRequest::Alb(event), multiple)
        }
        "Lattice" => {
            let event = serde_json::from_slice(event).ok()?;
            (LambdaRequest::VpcLatticeV2(event), HeaderMap::new())
        }
        other => panic!("{other} is not an event source of the target"),
    };
    caught(|| {
        let request: http::Request<Body> = request.into();
        let query = request.query_string_parameters();
        Peer {
            method: request.method().to_string(),
            path: request.raw_http_path().to_owned(),
            query: query
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            headers: request.headers().clone(),
            multi_value_headers,
            body: request.body().to_vec(),
        }
    })
}

/// Returns the result of `work`, or `None` if it panics.
fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        // The fuzzer's own hook ends the process.
        let hook = take_hook();
        set_hook(Box::new(move |panic| {
            if !MAY_PANIC.get() {
                hook(panic);
            }
        }));
    });
    MAY_PANIC.set(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    MAY_PANIC.set(false);
    result.ok()
}

/// Returns an event as JSON, or `None` if a value cannot hold it: readers of single members pass over strings that are not UTF-8
/// and numbers that are too large, which no event source sends.
pub fn value(event: &[u8]) -> Option<Value> {
    serde_json::from_slice(event).ok()
}

/// The names of the members of an object, in their order: [`Value`] keeps the last of two members with one name.
pub struct Names(pub Vec<String>);

impl Names {
    /// Returns the names in a member of an event, which may be an object.
    pub fn of(event: &[u8], member: &str) -> Self {
        let event: std::collections::BTreeMap<String, &serde_json::value::RawValue> =
            serde_json::from_slice(event).unwrap_or_default();
        let member = event.get(member).map(|raw| raw.get());
        member
            .and_then(|json| serde_json::from_str(json).ok())
            .unwrap_or(Self(Vec::new()))
    }
}

impl<'de> serde::Deserialize<'de> for Names {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> serde::de::Visitor<'de> for Members {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Names, A::Error> {
                let mut names = Vec::new();
                while let Some((name, _)) = map.next_entry::<String, serde::de::IgnoredAny>()? {
                    names.push(name);
                }
                Ok(Names(names))
            }
        }
        from.deserialize_map(Members)
    }
}
