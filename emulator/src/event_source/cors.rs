//! Cross-origin resource sharing (CORS), by the settings of an API or a function URL:
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html>,
//! <https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html#urls-cors> and
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-cors.html>.

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};

use super::arrival::text;
use super::{set, status};
use crate::template::Cors;

/// Returns whether a browser asks with a request whether it may send another one: "CORS-preflight request" in
/// <https://fetch.spec.whatwg.org/#cors-preflight-request>.
pub(super) fn is_preflight(parts: &Parts) -> bool {
    parts.method == Method::OPTIONS
        && parts.headers.contains_key(header::ORIGIN)
        && asked_method(parts).is_some()
}

/// Returns the method of the request that a preflight request is for.
pub(super) fn asked_method(parts: &Parts) -> Option<&str> {
    text(&parts.headers, header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Returns the response to a preflight request, with the status that the service has for it. For an origin that is not
/// allowed it has no other headers. AWS's pages do not say so.
pub(super) fn preflight(cors: &Cors, parts: &Parts, code: StatusCode) -> Response<Body> {
    let mut response = status(code);
    let headers = response.headers_mut();
    if add_origin(cors, &parts.headers, headers) {
        add_allowed(cors, &cors.methods, headers);
    }
    response
}

/// Returns the response of the `OPTIONS` method that SAM adds to each resource of a REST API without one. Its integration is a
/// mock, which does not look at the request. Unless `AllowMethods` is set, SAM lists the methods of the resource.
pub(super) fn mock<'a>(cors: &Cors, methods: impl Iterator<Item = &'a str>) -> Response<Body> {
    let mut response = status(StatusCode::OK);
    set(&mut response, "content-type", "application/json");
    let headers = response.headers_mut();
    put(
        headers,
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        &cors.origins.join(","),
    );
    put_credentials(cors, headers);
    let own = match cors.methods.is_empty() {
        true => all_methods(methods),
        false => cors.methods.clone(),
    };
    add_allowed(cors, &own, headers);
    response
}

/// Returns the methods of a resource as SAM lists them: in their order, with `OPTIONS`, or all for `ANY`.
fn all_methods<'a>(methods: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut methods: Vec<_> = methods.map(str::to_owned).collect();
    if methods.iter().any(|method| method == "ANY") {
        let all = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
        return all.map(str::to_owned).to_vec();
    }
    methods.push("OPTIONS".to_owned());
    methods.sort();
    methods.dedup();
    methods
}

/// Replaces the headers of a function's response that an HTTP API sets, and removes all others of CORS: "API Gateway ignores CORS
/// headers returned from your backend integration".
pub(super) fn replace(cors: &Cors, request: &HeaderMap, response: &mut HeaderMap) {
    let names = response.keys().filter(|name| {
        let name = name.as_str();
        name.starts_with("access-control-")
    });
    let names: Vec<_> = names.cloned().collect();
    for name in names {
        response.remove(name);
    }
    add(cors, request, response);
}

/// Adds the headers to a response to another site: "If there are conflicting headers, the configured CORS headers on the function
/// URL take precedence".
pub(super) fn add(cors: &Cors, request: &HeaderMap, response: &mut HeaderMap) {
    if add_origin(cors, request, response) {
        let exposed = cors.exposed.join(",");
        put(response, header::ACCESS_CONTROL_EXPOSE_HEADERS, &exposed);
    }
}

/// Adds the origin of a request if it is allowed, and returns whether it is.
///
/// With credentials, the origin takes the place of `*`: browsers refuse both together
/// (<https://fetch.spec.whatwg.org/#cors-protocol-and-credentials>), and so do SAM and HTTP APIs.
fn add_origin(cors: &Cors, request: &HeaderMap, response: &mut HeaderMap) -> bool {
    let Some(origin) = text(request, header::ORIGIN) else {
        return false;
    };
    let allowed = cors.origins.iter().find_map(|known| match known.as_str() {
        "*" if !cors.has_credentials => Some("*"),
        known => {
            let is_same = match known.strip_suffix('*') {
                Some(start) => origin.starts_with(start),
                None => origin == known,
            };
            is_same.then_some(origin)
        }
    });
    let Some(allowed) = allowed else {
        return false;
    };
    put(response, header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    put_credentials(cors, response);
    true
}

fn put_credentials(cors: &Cors, response: &mut HeaderMap) {
    if cors.has_credentials {
        put(response, header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
}

/// Adds what a later request may have.
fn add_allowed(cors: &Cors, methods: &[String], response: &mut HeaderMap) {
    put(
        response,
        header::ACCESS_CONTROL_ALLOW_METHODS,
        &methods.join(","),
    );
    put(
        response,
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        &cors.headers.join(","),
    );
    put(
        response,
        header::ACCESS_CONTROL_MAX_AGE,
        cors.max_age.as_deref().unwrap_or_default(),
    );
}

/// Sets a header, unless it has no value.
fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value)
        && !value.is_empty()
    {
        headers.insert(name, value);
    }
}
