//! Compares a request with the request that `lambda_http` makes of the same event. Each intended difference is a rule here.

use std::collections::BTreeMap;

use lambda_wasm_host::http::Request;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::peer::{self, Names, Peer};

type Groups = BTreeMap<String, Vec<String>>;

/// The members of Lattice 1.0 that have other names than in the events of other sources.
const LATTICE_1: [&str; 3] = ["raw_path", "query_string_parameters", "is_base64_encoded"];

/// Fails if both make a request of the event, and the requests differ by no rule.
pub fn compare(request: &Request<'_>, event: &[u8], json: &Value) {
    let source = format!("{:?}", request.source);
    let Some(peer) = peer::read(&source, event) else {
        return;
    };
    // Rule: the host reads Lattice 1.0's names in the events of every source, and `lambda_http` in none. If an event has a member
    // by both names, which no source sends, the last counts for the host.
    if LATTICE_1.iter().any(|name| json.get(name).is_some()) {
        return;
    }
    let case = Case {
        source: &source,
        event,
        json,
        request,
        peer: &peer,
    };
    // Rule: `lambda_http` makes GET of an empty method, which the host refuses.
    assert_eq!(request.record.method, peer.method, "the method of {json}");
    case.path();
    case.query();
    case.headers();
    case.cookies();
    case.body();
}

struct Case<'a> {
    source: &'a str,
    event: &'a [u8],
    json: &'a Value,
    request: &'a Request<'a>,
    peer: &'a Peer,
}

impl Case<'_> {
    fn is_payload_2(&self) -> bool {
        matches!(self.source, "HttpApi" | "FunctionUrl")
    }

    fn path(&self) {
        // Rule: without `rawPath`, the host takes `requestContext.http.path`, and `lambda_http` takes `path`.
        let member = if self.is_payload_2() {
            "rawPath"
        } else {
            "path"
        };
        if self.json[member].is_string() {
            assert_eq!(
                self.request.record.path, self.peer.path,
                "the path of {}",
                self.json
            );
        }
    }

    fn query(&self) {
        let members = match self.source {
            // Rule: without `rawQueryString`, `lambda_http` takes values apart at their commas. A comma of the client's is one too.
            _ if self.is_payload_2() && !self.json["rawQueryString"].is_string() => return,
            _ if self.is_payload_2() => Vec::new(),
            // Rule: the host reads `multiValueQueryStringParameters` unless it has no value, and `lambda_http` unless it has no
            // name. So `{"a": []}` differs.
            _ => {
                let multiple = Names::of(self.event, "multiValueQueryStringParameters").0;
                let is_void = self.peer.query.is_empty() && !multiple.is_empty();
                match (is_void, multiple.is_empty()) {
                    (true, _) => return,
                    (_, false) => multiple,
                    (_, true) => Names::of(self.event, "queryStringParameters").0,
                }
            }
        };
        let is_encoded = matches!(self.source, "Alb" | "AlbMultiValue" | "Lattice");
        let decoded = |name: &str| {
            percent_decode_str(&name.replace('+', " "))
                .decode_utf8_lossy()
                .into_owned()
        };
        let differs = |name: &str| {
            // Rule: of two members with one name, the host takes both, and a map of `lambda_http` the last. Names that mean the
            // same, encoded, come in any order from its map.
            let same = members.iter().filter(|member| match is_encoded {
                true => decoded(member) == name,
                false => *member == name,
            });
            same.count() > 1
        };
        // Rule: `lambda_http` takes a decoded query apart again, so that a raw `&` or `=` divides. The services send none.
        let is_raw = |text: &String| is_encoded && text.contains(['&', '=']);
        let raw = |pairs: &Value| match pairs {
            Value::Object(pairs) => pairs.iter().any(|(name, values)| {
                let has = |value: &Value| value.as_str().is_some_and(|text| text.contains('&'));
                is_raw(name)
                    || has(values)
                    || values
                        .as_array()
                        .is_some_and(|values| values.iter().any(has))
            }),
            _ => false,
        };
        if is_encoded
            && ["multiValueQueryStringParameters", "queryStringParameters"]
                .iter()
                .any(|name| raw(&self.json[*name]))
        {
            return;
        }
        let ours = grouped(self.request.record.query_parameters.clone());
        let theirs = grouped(self.peer.query.clone());
        assert_eq!(
            without(ours, differs),
            without(theirs, differs),
            "the query of {}",
            self.json
        );
    }

    fn headers(&self) {
        let is_multiple = matches!(
            self.source,
            "RestApi" | "HttpApiPayload1" | "Alb" | "AlbMultiValue"
        ) && !self.peer.multi_value_headers.is_empty();
        let member = if is_multiple {
            "multiValueHeaders"
        } else {
            "headers"
        };
        let members = Names::of(self.event, member).0;
        let differs = |name: &str| {
            // Rule: the host passes cookies on apart from other headers: see `cookies`.
            // Rule: an event source has decoded the body, so the host corrects the headers about it: see `about_body`.
            let is_other = [
                "cookie",
                "content-length",
                "content-encoding",
                "transfer-encoding",
            ]
            .contains(&name);
            // Rule: of names that differ in their capitals, the host takes all values, and `lambda_http` may take the last.
            let same = members
                .iter()
                .filter(|member| member.eq_ignore_ascii_case(name));
            is_other || same.count() > 1
        };
        let lower = |(name, value): &(String, String)| (name.to_ascii_lowercase(), value.clone());
        let ours = grouped(self.request.record.headers.iter().map(lower).collect());
        let theirs = self.peer_headers();
        self.about_body(&ours, &theirs);
        assert_eq!(
            without(ours, differs),
            without(theirs, differs),
            "the headers of {}",
            self.json
        );
    }

    fn peer_headers(&self) -> Groups {
        let headers = self.peer.headers.iter();
        let text =
            |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        grouped(
            headers
                .map(|(name, value)| (name.as_str().to_owned(), text(value)))
                .collect(),
        )
    }

    /// The length is the body's, and a coding stays unless the body cannot have it.
    fn about_body(&self, ours: &Groups, theirs: &Groups) {
        let length = self.request.record.body.len().to_string();
        let is_there = theirs.contains_key("content-length");
        assert_eq!(
            ours.get("content-length"),
            is_there.then(|| vec![length]).as_ref()
        );
        assert_eq!(ours.get("transfer-encoding"), None);
        if let Some(coding) = ours.get("content-encoding") {
            assert!(theirs.contains_key("content-encoding"), "{coding:?}");
        }
    }

    fn cookies(&self) {
        let listed = self.json["cookies"]
            .as_array()
            .filter(|cookies| !cookies.is_empty());
        let theirs = self.peer_headers().remove("cookie").unwrap_or_default();
        let ours = &self.request.record.cookies;
        match listed {
            Some(_) if self.is_payload_2() => {
                // Rule: `lambda_http` keeps the header if the cookies are not a header's value, which the host refuses later.
                let joined = ours.join("; ");
                if http::HeaderValue::from_str(&joined).is_ok() {
                    assert_eq!([joined][..], theirs[..], "the cookies of {}", self.json);
                }
            }
            // Rule: the host reads `cookies` in events of every source.
            Some(_) => {}
            // Rule: `lambda_http` makes an empty header of an empty list.
            None if self.json["cookies"].is_array() => {}
            None => {
                // Rule: of names that differ in their capitals, `lambda_http` may take the last.
                let names =
                    ["headers", "multiValueHeaders"].map(|member| Names::of(self.event, member).0);
                if names.iter().any(|names| {
                    names
                        .iter()
                        .filter(|name| name.eq_ignore_ascii_case("cookie"))
                        .count()
                        > 1
                }) {
                    return;
                }
                let theirs = theirs.iter().flat_map(|value| value.split(';'));
                let theirs = theirs.map(|cookie| cookie.trim_matches([' ', '\t']));
                let theirs: Vec<_> = theirs.filter(|cookie| !cookie.is_empty()).collect();
                assert_eq!(*ours, theirs, "the cookies of {}", self.json);
            }
        }
    }

    fn body(&self) {
        assert_eq!(
            self.request.record.body, self.peer.body,
            "the body of {}",
            self.json
        );
    }
}

fn grouped(pairs: Vec<(String, String)>) -> Groups {
    let mut groups = Groups::new();
    for (name, value) in pairs {
        groups.entry(name).or_default().push(value);
    }
    groups
}

fn without(mut groups: Groups, differs: impl Fn(&str) -> bool) -> Groups {
    groups.retain(|name, _| !differs(name));
    groups
}
