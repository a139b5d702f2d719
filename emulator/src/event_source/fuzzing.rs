//! The functions that the fuzz targets in `fuzz/targets/` call and the emulator keeps private. It needs the feature `fuzzing`.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, Response, header};

use super::alb::LoadBalancer;
use super::function_url::FunctionUrl;
use super::gateway::Gateway;
use super::noted::Noted;
use super::{AllowedHosts, Functions, alb, handle, rest_answer, v2_answer};
use crate::runtime_api::HTTP_INTEGRATION;
use crate::{InvokeMode, Post, Template};

/// The address of the client.
const CLIENT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 1234);

/// An address that takes requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// The template's APIs and the Invoke API.
    Gateway,
    /// The URL of the template's first function.
    FunctionUrl,
    /// The load balancer before the template's first function.
    LoadBalancer,
}

/// Answers a request.
pub async fn answer<F: Functions>(
    address: Address,
    template: &Template,
    functions: Arc<F>,
    request: Request,
) -> Response<Body> {
    let hosts = AllowedHosts::default();
    let function = template.functions[0].clone();
    match address {
        Address::Gateway => {
            let door = Gateway::new(template.clone(), functions, None);
            handle(&door, &hosts, CLIENT, request).await
        }
        Address::FunctionUrl => {
            let door = FunctionUrl {
                function,
                mode: InvokeMode::Buffered,
                functions,
                noted: Noted::default(),
            };
            handle(&door, &hosts, CLIENT, request).await
        }
        Address::LoadBalancer => {
            let door = LoadBalancer {
                function,
                functions,
            };
            handle(&door, &hosts, CLIENT, request).await
        }
    }
}

/// Reads a response as a function URL and an HTTP API do. `is_streamed` says whether it starts with a prelude.
///
/// # Errors
///
/// Returns the reason if the response is malformed.
pub fn payload_2(response: &[u8], is_streamed: bool) -> Result<Response<Body>, String> {
    let mut post = Post {
        headers: Default::default(),
        body: Bytes::copy_from_slice(response),
    };
    if is_streamed {
        let value = HeaderValue::from_static(HTTP_INTEGRATION);
        post.headers.insert(header::CONTENT_TYPE, value);
    }
    v2_answer::response(&post)
}

/// Reads a response as a REST API does.
///
/// # Errors
///
/// Returns the reason if the response is malformed.
pub fn rest_api(response: &[u8], takes_bytes: bool) -> Result<Response<Body>, String> {
    rest_answer::response(response, takes_bytes).map(|made| made.response)
}

/// Reads a response as a load balancer does.
///
/// # Errors
///
/// Returns the reason if the response is malformed.
pub fn alb(response: &[u8], is_multi_value: bool) -> Result<Response<Body>, String> {
    alb::response(response, is_multi_value)
}
