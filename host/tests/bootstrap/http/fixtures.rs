//! Every sample of an HTTP event that AWS has, from the event to the request that a component gets.

use lambda_wasm_test_support::aws_events::{sample, samples};
use serde_json::Value;

use super::seen::Seen;
use super::start;

mod http_api;
mod load_balancers;
mod rest_api;

/// The request that a component sees of a sample.
#[track_caller]
fn seen_of(name: &str) -> String {
    let host = start("http_seen");
    let seen = Seen::of_event(&host, &event(name));
    host.finish();
    seen.to_string()
}

/// What differs between the requests of two samples: the lines of the first with `-`, those of the other with `+`.
#[track_caller]
fn changes(name: &str, other: &str) -> String {
    let (one, other) = (seen_of(name), seen_of(other));
    let only = |sign: &'static str, these: &str, those: &str| {
        let those: Vec<_> = those.lines().map(str::to_owned).collect();
        let lines = these
            .lines()
            .filter(|&line| those.iter().all(|known| known != line));
        lines
            .map(|line| format!("{sign} {line}"))
            .collect::<Vec<_>>()
    };
    let lines = [only("-", &one, &other), only("+", &other, &one)];
    lines.concat().join("\n")
}

/// A sample's event.
fn event(name: &str) -> Value {
    serde_json::from_str(&sample(name)).unwrap()
}

#[test]
fn no_sample_is_forgotten() {
    let tests = [
        include_str!("fixtures/http_api.rs"),
        include_str!("fixtures/load_balancers.rs"),
        include_str!("fixtures/rest_api.rs"),
    ];
    let mut count = 0;
    for name in samples("") {
        if lambda_wasm_host::http::request(sample(&name).as_bytes()).is_ok() {
            let quoted = format!("\"{name}\"");
            assert!(tests.iter().any(|tests| tests.contains(&quoted)), "{name}");
            count += 1;
        }
    }
    assert_eq!(count, 19);
}
