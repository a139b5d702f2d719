//! The parts of a request and of a response that have to arrive, by the event source.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::Value;

use super::models::{self, Model};
use super::{Response, Sent};

/// Names and values.
pub type Pairs = Vec<(String, String)>;

/// All event sources.
pub const MODELS: [Model; 7] = [
    Model::RestApi,
    Model::HttpApiPayload1,
    Model::HttpApi,
    Model::FunctionUrl,
    Model::Alb { multi_value: false },
    Model::Alb { multi_value: true },
    Model::Lattice,
];

/// The answer means the response.
pub fn check_answer(
    model: Model,
    response: &Response,
    answer: &Value,
) -> Result<(), TestCaseError> {
    let seen = models::seen(model, answer);
    prop_assert_eq!(seen.status, response.status_code);
    prop_assert_eq!(&seen.body, &response.body);
    // The order of an object's members is lost in reading them here.
    prop_assert_eq!(sorted(seen.cookies), sorted(response.cookies.clone()));
    prop_assert_eq!(seen.headers, joined(grouped(response.headers.clone())));
    Ok(())
}

/// The path is the one that was sent, or one that means the same where it came decoded. So is the query, but for the order of
/// different names, which maps do not keep.
pub fn check_target(model: Model, sent: &Sent, uri: &str) -> Result<(), TestCaseError> {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    if matches!(model, Model::HttpApi | Model::HttpApiPayload1) {
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
    match model {
        Model::HttpApi | Model::FunctionUrl => prop_assert_eq!(query, as_sent),
        Model::RestApi | Model::HttpApiPayload1 => {
            let parsed = form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect();
            prop_assert_eq!(grouped(parsed), grouped(decoded(&sent.query)));
        }
        Model::Alb { .. } | Model::Lattice => {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
            prop_assert_eq!(
                grouped(pairs.collect()),
                grouped(expected_query(model, &sent.query))
            );
        }
    }
    Ok(())
}

/// A load balancer without multi-value headers keeps the last value of each name. Where the names are as they were sent, two
/// that mean the same are two names, and maps do not keep their order.
pub fn expected_query(model: Model, query: &Pairs) -> Pairs {
    match model {
        Model::Alb { multi_value: false } => models::last_of_each(query),
        Model::Alb { multi_value: true } | Model::Lattice => {
            let groups = grouped(query.clone()).into_iter();
            let pairs = |(name, values): (String, Vec<String>)| {
                values.into_iter().map(move |value| (name.clone(), value))
            };
            groups.flat_map(pairs).collect()
        }
        _ => query.clone(),
    }
}

/// The headers that a function sees, by their names.
pub fn expected_headers(model: Model, sent: &Sent) -> BTreeMap<String, Vec<String>> {
    let mut headers = match model {
        Model::Alb { multi_value: false } => grouped(models::last_of_each(&sent.headers)),
        Model::HttpApi | Model::FunctionUrl => joined(grouped(sent.headers.clone())),
        _ => grouped(sent.headers.clone()),
    };
    for (name, value) in models::ADDED {
        headers.insert(name.to_owned(), vec![value.to_owned()]);
    }
    if !sent.cookies.is_empty() {
        headers.insert("cookie".to_owned(), vec![sent.cookies.join("; ")]);
    }
    headers
}

/// A query's names and values, decoded.
pub fn decoded(query: &Pairs) -> Pairs {
    let mut decoded = Pairs::new();
    for (name, value) in query {
        // One by one, so that nothing but the encoding is looked at.
        let pair = format!("{name}={value}");
        decoded.extend(form_urlencoded::parse(pair.as_bytes()).into_owned());
    }
    decoded
}

/// The values of each name, in their order.
pub fn grouped(pairs: Pairs) -> BTreeMap<String, Vec<String>> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in pairs {
        groups.entry(name).or_default().push(value);
    }
    groups
}

/// One value for each name.
pub fn joined(groups: BTreeMap<String, Vec<String>>) -> BTreeMap<String, Vec<String>> {
    let groups = groups.into_iter();
    groups
        .map(|(name, values)| (name, vec![values.join(", ")]))
        .collect()
}

fn sorted(mut list: Vec<String>) -> Vec<String> {
    list.sort();
    list
}
