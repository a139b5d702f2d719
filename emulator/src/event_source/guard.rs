//! The requests that no function sees: those that a web page of another site has a browser send here.
//!
//! The ports are on the loopback interface, but every page that is open on the same machine may send requests to them. With a
//! name that its owner lets lead to 127.0.0.1 ("DNS rebinding"), it could also read the responses.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Response, StatusCode, header};
use axum::middleware::{Next, from_fn};

use super::{Functions, message};

/// The names that requests may give as their host, beside those of this machine.
#[derive(Clone, Debug, Default)]
pub struct AllowedHosts(Vec<String>);

impl AllowedHosts {
    /// Allows these names too, in any case.
    #[must_use]
    pub fn and(names: &[String]) -> Self {
        Self(names.iter().map(|name| name.to_ascii_lowercase()).collect())
    }

    /// Returns the response to a request for a foreign host, and the host.
    ///
    /// An address as the host is as good as this machine's names: the page has that address then, and no site does. Requests
    /// without a host are no browser's.
    pub(super) fn refusal(&self, parts: &Parts) -> Option<(Response<Body>, String)> {
        let host = match parts.uri.authority() {
            Some(authority) => authority.as_str(),
            None => match parts.headers.get(header::HOST)?.to_str() {
                Ok(host) => host,
                Err(_) => return Some((forbidden("its Host header is malformed"), "?".to_owned())),
            },
        };
        let name = host.parse::<Authority>().ok();
        let name = name.map(|authority| authority.host().to_ascii_lowercase());
        let is_allowed = name.as_ref().is_some_and(|name| {
            let address = name.trim_matches(['[', ']']);
            name == "localhost"
                || name.ends_with(".localhost")
                || address.parse::<IpAddr>().is_ok()
                || self.0.contains(name)
        });
        (!is_allowed).then(|| {
            let host = name.unwrap_or_else(|| host.to_owned());
            let why = format!("it is for the host {host}, which is not allowed");
            (forbidden(&why), host)
        })
    }
}

/// Returns the response to a request that a page of another site sends. Browsers say so by `Sec-Fetch-Site`, or at least name the
/// page's origin; SDKs send neither.
pub(super) fn from_another_site(headers: &HeaderMap) -> Option<Response<Body>> {
    let site = headers.get("sec-fetch-site");
    let is_foreign = match site.map(|site| site.as_bytes()) {
        Some(b"same-origin" | b"none") => false,
        Some(_) => true,
        None => headers.get(header::ORIGIN).is_some_and(|origin| {
            let own = headers
                .get(header::HOST)
                .and_then(|host| host.to_str().ok());
            let origin = origin.to_str().ok();
            let origin = origin.and_then(|origin| origin.strip_prefix("http://"));
            own.is_none() || origin != own
        }),
    };
    is_foreign
        .then(|| forbidden("it is from a page of another site, which may not invoke functions"))
}

/// Has pages refuse the requests for foreign hosts, and those that a page of another site sends.
pub(super) fn protect<F: Functions>(
    pages: Router,
    hosts: AllowedHosts,
    functions: Arc<F>,
) -> Router {
    let hosts = Arc::new(hosts);
    pages.layer(from_fn(move |request: Request, next: Next| {
        let (hosts, functions) = (hosts.clone(), functions.clone());
        async move {
            let (parts, body) = request.into_parts();
            if let Some((refusal, host)) = hosts.refusal(&parts) {
                functions.refused(&host);
                return refusal;
            }
            match from_another_site(&parts.headers) {
                Some(refusal) => refusal,
                None => next.run(Request::from_parts(parts, body)).await,
            }
        }
    }))
}

fn forbidden(why: &str) -> Response<Body> {
    message(
        StatusCode::FORBIDDEN,
        &format!("lambda-wasm refuses this request: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[test]
    fn hosts_of_this_machine_and_those_that_are_named_are_allowed() {
        let hosts = AllowedHosts::and(&["API.example.com".to_owned()]);
        let is_allowed = |host: &str| {
            let request = Request::get("/").header("host", host).body(()).unwrap();
            hosts.refusal(&request.into_parts().0).is_none()
        };
        for host in [
            "localhost",
            "LOCALHOST:3000",
            "orders.localhost:3000",
            "127.0.0.1:3000",
            "[::1]:3000",
            "192.168.1.5",
            "api.EXAMPLE.com:3000",
        ] {
            assert!(is_allowed(host), "{host}");
        }
        for host in [
            "evil.example:3000",
            "example.com",
            "localhost.evil.example",
            "evillocalhost",
            "127.0.0.1.evil.example:3000",
            "",
            "a b",
            "\u{e9}",
        ] {
            assert!(!is_allowed(host), "{host}");
        }
        let absolute = Request::get("http://evil.example/").header("host", "localhost");
        assert!(
            hosts
                .refusal(&absolute.body(()).unwrap().into_parts().0)
                .is_some()
        );
        let without = Request::get("/").body(()).unwrap();
        assert!(hosts.refusal(&without.into_parts().0).is_none());
    }

    #[test]
    fn a_browser_names_the_site_of_a_page() {
        let is_foreign = |pairs: &[(&str, &str)]| {
            let mut request = Request::post("/").header("host", "127.0.0.1:3000");
            for (name, value) in pairs {
                request = request.header(*name, *value);
            }
            from_another_site(request.body(()).unwrap().headers()).is_some()
        };
        assert!(!is_foreign(&[]));
        assert!(!is_foreign(&[
            ("sec-fetch-site", "same-origin"),
            ("origin", "http://127.0.0.1:3000")
        ]));
        assert!(!is_foreign(&[("sec-fetch-site", "none")]));
        assert!(!is_foreign(&[("origin", "http://127.0.0.1:3000")]));
        for pairs in [
            [("sec-fetch-site", "cross-site")],
            [("sec-fetch-site", "same-site")],
            [("origin", "http://evil.example")],
            [("origin", "http://127.0.0.1:3001")],
            [("origin", "https://127.0.0.1:3000")],
            [("origin", "null")],
        ] {
            assert!(is_foreign(&pairs), "{pairs:?}");
        }
    }
}
