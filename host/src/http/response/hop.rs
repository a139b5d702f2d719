//! Headers of one connection, which a front door's is not: RFC 9110, 7.6.1.

use std::collections::BTreeSet;

/// Whether a header is about the connection that it came over. Passed on, it would tell the next one what is not so: the front
/// doors have connections of their own on both sides.
pub fn is_of_hop(name: &str) -> bool {
    [
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ]
    .iter()
    .any(|of_hop| name.eq_ignore_ascii_case(of_hop))
}

/// The headers that go on: not those of the connection, with whatever else `Connection` names, and no `Content-Length` that is
/// not the body's length, by which a client would wait for more, or take the rest for the next response.
pub fn without(mut headers: Vec<(String, String)>, length: usize) -> Vec<(String, String)> {
    let named: BTreeSet<String> = headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("connection"))
        .flat_map(|(_, value)| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let goes_on = |name: &str, value: &str| {
        !is_of_hop(name)
            && (named.is_empty() || !named.contains(&name.to_ascii_lowercase()))
            && (!name.eq_ignore_ascii_case("content-length") || value.trim().parse() == Ok(length))
    };
    headers.retain(|(name, value)| goes_on(name, value));
    headers
}
