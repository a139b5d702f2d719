//! Whatever a client sends, and whatever a function answers, arrives: through each front door, by AWS's rules.

mod doors;
mod shapes;

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use proptest::prelude::*;

use self::shapes::{Sent, config, response, sent};
use super::*;

const DOORS: [Source; 6] = [
    Source::RestApi,
    Source::HttpApi,
    Source::FunctionUrl,
    Source::Alb { multi_value: false },
    Source::Alb { multi_value: true },
    Source::Lattice,
];

type Pairs = Vec<(String, String)>;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_request_arrives_whole(sent in sent()) {
        for door in DOORS {
            let event = doors::event(door, &sent).to_string();
            let request = request(event.as_bytes()).unwrap();
            prop_assert_eq!(request.source, door);
            prop_assert_eq!(&request.record.method, &sent.method);
            prop_assert_eq!(&request.record.body, &sent.body);
            prop_assert_eq!(&request.record.cookies, &sent.cookies);
            prop_assert_eq!(request.scheme(), "https");
            prop_assert_eq!(request.authority(), Some(doors::HOST));
            let uri = request.path_and_query();
            prop_assert!(uri.parse::<ureq::http::uri::PathAndQuery>().is_ok(), "{}", uri);
            check_target(door, &sent, &uri)?;
            let query = expected_query(door, &sent.query);
            prop_assert_eq!(grouped(decoded(&query)), grouped(request.record.query_parameters.clone()));
            let headers = request.headers().map(|(name, value)| (name.to_owned(), value.into_owned()));
            prop_assert_eq!(grouped(headers.collect()), expected_headers(door, &sent));
        }
    }

    #[test]
    fn a_response_arrives_whole(response in response()) {
        for door in DOORS {
            let answer = door.answer(response.clone()).unwrap();
            let seen = doors::seen(door, &serde_json::from_slice(&answer).unwrap());
            prop_assert_eq!(seen.status, response.status_code);
            prop_assert_eq!(&seen.body, &response.body);
            // The order of an object's members is lost in reading them here.
            prop_assert_eq!(sorted(seen.cookies), sorted(response.cookies.clone()));
            prop_assert_eq!(seen.headers, joined(grouped(response.headers.clone())));
        }
    }

    /// No event makes it panic, whatever is wrong with it.
    #[test]
    fn nothing_panics(sent in sent(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for door in DOORS {
            let mut event = doors::event(door, &sent).to_string().into_bytes();
            let at = at.index(event.len());
            event[at] = byte;
            let _ = request(&event).map(|request| (request.path_and_query(), request.request_context()));
            event.truncate(at);
            prop_assert!(matches!(request(&event), Err(EventError::NotJson(_))));
        }
    }
}

/// The path is the one that was sent, or one that means the same where it came decoded. So is the query, but for the order of
/// different names, which maps do not keep.
fn check_target(door: Source, sent: &Sent, uri: &str) -> Result<(), TestCaseError> {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    if door == Source::HttpApi {
        let decoded = |path| percent_decode_str(path).decode_utf8_lossy().into_owned();
        prop_assert_eq!(decoded(path), decoded(&sent.path));
    } else {
        prop_assert_eq!(path, &sent.path);
    }
    let as_sent = sent
        .query
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    let as_sent = as_sent.collect::<Vec<_>>().join("&");
    match door {
        Source::HttpApi | Source::FunctionUrl => prop_assert_eq!(query, as_sent),
        Source::RestApi => {
            let parsed = form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect();
            prop_assert_eq!(grouped(parsed), grouped(decoded(&sent.query)));
        }
        Source::Alb { .. } | Source::Lattice => {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
            prop_assert_eq!(
                grouped(pairs.collect()),
                grouped(expected_query(door, &sent.query))
            );
        }
    }
    Ok(())
}

/// A load balancer without multi-value headers keeps the last value of each name. Names that are encoded in different ways are
/// different ones there, and in no order.
fn expected_query(door: Source, query: &Pairs) -> Pairs {
    match door {
        Source::Alb { multi_value: false } => doors::last_of_each(query),
        Source::Alb { multi_value: true } | Source::Lattice => {
            let groups = grouped(query.clone()).into_iter();
            let pairs = groups.flat_map(|(name, values)| {
                let values = values.into_iter();
                values.map(move |value| (name.clone(), value))
            });
            pairs.collect()
        }
        Source::RestApi | Source::HttpApi | Source::FunctionUrl => query.clone(),
    }
}

fn expected_headers(door: Source, sent: &Sent) -> BTreeMap<String, Vec<String>> {
    let mut headers = match door {
        Source::Alb { multi_value: false } => grouped(doors::last_of_each(&sent.headers)),
        Source::HttpApi | Source::FunctionUrl => joined(grouped(sent.headers.clone())),
        _ => grouped(sent.headers.clone()),
    };
    for (name, value) in doors::ADDED {
        headers.insert(name.to_owned(), vec![value.to_owned()]);
    }
    if !sent.cookies.is_empty() {
        headers.insert("cookie".to_owned(), vec![sent.cookies.join("; ")]);
    }
    headers
}

fn decoded(query: &Pairs) -> Pairs {
    let mut decoded = Pairs::new();
    for (name, value) in query {
        // One by one, so that nothing but the encoding is looked at.
        let pair = format!("{name}={value}");
        decoded.extend(form_urlencoded::parse(pair.as_bytes()).into_owned());
    }
    decoded
}

fn grouped(pairs: Pairs) -> BTreeMap<String, Vec<String>> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in pairs {
        groups.entry(name).or_default().push(value);
    }
    groups
}

fn joined(groups: BTreeMap<String, Vec<String>>) -> BTreeMap<String, Vec<String>> {
    let groups = groups.into_iter();
    groups
        .map(|(name, values)| (name, vec![values.join(", ")]))
        .collect()
}

fn sorted(mut list: Vec<String>) -> Vec<String> {
    list.sort();
    list
}
