//! All of AWS's samples, so that none is forgotten.

use super::aws_events::{sample, samples};
use super::*;

/// What the samples are that are requests. Their tests have them whole.
const REQUESTS: [(&str, Source); 19] = [
    (
        "alb-lambda-target-request-headers-only",
        Source::Alb { multi_value: false },
    ),
    (
        "alb-lambda-target-request-multivalue-headers",
        Source::Alb { multi_value: true },
    ),
    ("apigw-console-request", Source::RestApi),
    ("apigw-console-test-request", Source::RestApi),
    ("apigw-request", Source::RestApi),
    ("apigw-request-catch-all", Source::RestApi),
    ("apigw-request-multi-value-parameters", Source::RestApi),
    ("apigw-restapi-openapi-request", Source::RestApi),
    ("apigw-sam-http-request", Source::HttpApi),
    ("apigw-sam-rest-request", Source::RestApi),
    ("apigw-v2-request-iam", Source::HttpApi),
    ("apigw-v2-request-jwt-authorizer", Source::HttpApi),
    ("apigw-v2-request-lambda-authorizer", Source::HttpApi),
    ("apigw-v2-request-multi-value-parameters", Source::HttpApi),
    ("apigw-v2-request-no-authorizer", Source::HttpApi),
    ("vpc-lattice-v1-request", Source::Lattice),
    ("vpc-lattice-v2-request", Source::Lattice),
    ("vpc-lattice-v2-request-base64", Source::Lattice),
    ("vpc-lattice-v2-request-roles-anywhere", Source::Lattice),
];

/// The rest is of queues, buckets, schedules and the like, of WebSockets, and what authorizers are asked.
#[test]
fn is_a_request_of_its_front_door_or_none() {
    let all = samples("");
    assert!(all.len() > 150, "{all:?}");
    for name in &all {
        let event = sample(name);
        let found = request(event.as_bytes()).map(|request| request.source);
        let expected = REQUESTS.iter().find(|(request, _)| request == name);
        match (found, expected) {
            (Ok(source), Some((_, expected))) => assert_eq!(source, *expected, "{name}"),
            (Err(EventError::NotHttp | EventError::WebSocket), None) => {}
            (Err(error), _) => panic!("{name}: {error}"),
            (Ok(source), None) => panic!("{name}: {source:?}"),
        }
    }
    for (name, _) in REQUESTS {
        assert!(all.iter().any(|known| known == name), "{name}");
    }
}

/// Wherever the crate has a folder name of a front door's, the file is a request that is listed, or known to be none.
#[test]
fn that_looks_like_http_is_accounted_for() {
    let no_requests = [
        "alb-lambda-target-response",
        "apigw-response",
        "vpc-lattice-response",
    ];
    let prefixes = ["alb-", "apigw-", "lambda-function-url", "vpc-lattice-"];
    for name in prefixes.iter().flat_map(|prefix| samples(prefix)) {
        let is_known = REQUESTS.iter().any(|(request, _)| *request == name)
            || no_requests.contains(&&*name)
            || name.contains("custom-auth")
            || name.contains("websocket");
        assert!(is_known, "{name} is new: is it a request?");
    }
}
